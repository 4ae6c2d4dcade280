"""Files whose names do not tell their format -> the format that their content tells."""

from collections.abc import Sequence
from typing import Final

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import read_up_to, strip_mark, text_blocks
from pipeline.records.framing import HEADER_BYTES
from pipeline.sources.formats import FORMATS, parquet, tfrecord
from pipeline.sources.formats.sample import SAMPLE

# So much of a file tells its format.
DETECTION_BYTES: Final = 64 << 10

# Of more files, so many that lie evenly among them are looked at, and must agree: a million would take hours.
MAX_FILES_OPENED: Final = 64


def guess_formats(paths: Sequence[str], files: Files) -> dict[str, str]:
    """The format of each file.

    Raises:
      UserError: a file's content tells none, or those of many files disagree.
    """
    if len(paths) <= MAX_FILES_OPENED:
        return {path: _guess(path, files) for path in paths}
    looked_at = {paths[number * len(paths) // MAX_FILES_OPENED]: "" for number in range(MAX_FILES_OPENED)}
    looked_at = {path: _guess(path, files) for path in looked_at}
    if len(set(looked_at.values())) > 1:
        examples = {format: path for path, format in looked_at.items()}
        told = " and ".join(f"{path} looks like {format}" for format, path in sorted(examples.items()))
        raise UserError(f"input.format: {told}; name the files so that their endings tell, or set one format")
    return dict.fromkeys(paths, next(iter(looked_at.values())))


def _guess(path: str, files: Files) -> str:
    """The format that a file's beginning tells.

    Raises:
      UserError: it tells none.
    """
    with open_file(files, path) as stored:
        head = read_up_to(stored, len(parquet.MAGIC) + HEADER_BYTES)
        if head.startswith(parquet.MAGIC):
            return "parquet"
        if tfrecord.is_tfrecord(head):
            return "tfrecord"
        stored.seek(0)
        head = b""
        try:
            for block in strip_mark(text_blocks(stored, path)):
                head += block
                if len(head) >= DETECTION_BYTES:
                    break
        except DamagedFileError:
            pass
    if tfrecord.is_tfrecord(head):
        return "tfrecord"
    head = head[:DETECTION_BYTES].lstrip()
    first_line = head.splitlines()[0] if head else b""
    if b"\0" not in head:
        if head.startswith(b"{"):
            return "jsonl"
        if b"\t" in first_line:
            return "tsv"
        if b"," in first_line:
            return "csv"
    raise UserError(
        f"input.format: neither name nor content tells the format of {path}; "
        f"set {', '.join(name for name in FORMATS if name != SAMPLE)}"
    )
