"""Files whose names do not tell their format -> the format that their content tells.

A format with a mark of its own (`Format.begins`) is recognised by the mark. Any other content is decided by what is
read of the file:

    texts and labels   jsonl, tsv or csv, by the first line or the settings of csv; otherwise it is refused
    texts alone        a text a line; a file that looks like a table with the text column is refused
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import BinaryIO, Final, NamedTuple

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import FileInfo, Files, open_file
from pipeline.files.member_files import member_files
from pipeline.files.text_stream import read_up_to, strip_mark, text_blocks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import FORMATS, format_names, text_lines, tfrecord
from pipeline.sources.formats.csv_dialects import DELIMITERS, FOUND_DELIMITERS
from pipeline.sources.formats.foreign import FOREIGN_BYTES, check_foreign
from pipeline.sources.formats.json_objects import is_object
from pipeline.sources.tasks import FOUND_FORM, ReadTask, TextForm

# The first 64 KiB tell a file's format; a header or an object is shorter.
DETECTION_BYTES: Final = FOREIGN_BYTES
# The longest mark of a format is TFRecord's: a length and its checksum, which zlib may have packed.
MARK_BYTES: Final = tfrecord.HEAD_BYTES

# Of more files than this, 64 evenly spaced ones are opened, and must agree: opening a million would take hours.
MAX_FILES_OPENED: Final = 64

# What helps where a command takes lines as a format.
LINES_REMEDY: Final = f"or {text_lines.NAME} if each of its lines is a text"

# A text that begins so is an object of JSON, or an array of objects, whole or not; one with just a brace is not.
JSON_OBJECT: Final = re.compile(rb'(?:\[\s*)?\{\s*"')
# A field of a header that is a name, and not a part of a sentence: id, review.text, größe.
_NAME: Final = re.compile(r"[^\W\d][\w.-]*")


def detect_formats(
    listed: Sequence[FileInfo], files: Files, columns: ColumnNames, *, form: TextForm = FOUND_FORM
) -> dict[str, str]:
    """The format of each file by its path.

    columns: those that are going to be read. form: what the settings say of texts.

    Raises:
      UserError: a file's content does not tell its format, or many files have several formats.
    """
    count = min(len(listed), MAX_FILES_OPENED)
    chosen = [listed[number * len(listed) // count] for number in range(count)]
    with member_files(chosen, files) as opened:
        detected = {file.path: _detect(file.path, opened, columns, form) for file in chosen}
    if len(listed) <= MAX_FILES_OPENED:
        return detected
    example_of = {format: path for path, format in detected.items()}
    if len(example_of) > 1:
        looks = " and ".join(f"{path} looks like {format}" for format, path in sorted(example_of.items()))
        raise UserError(f"input.format: {looks}; name the files so that their endings tell, or set one format")
    (format,) = example_of
    return dict.fromkeys((file.path for file in listed), format)


class Looks(NamedTuple):
    """What the content of a file of texts looks like.

    mark: the format whose mark it begins with; table: the format of a table that it seems to be, without a mark.
    """

    mark: str | None
    table: str | None


def looks_of(path: str, files: Files, *, text_columns: Sequence[str], form: TextForm = FOUND_FORM) -> Looks:
    """What a file looks like if only its texts are wanted; text_columns: the columns of the texts in a table."""
    mark, head = _mark_or_head(path, files, form)
    return Looks(mark, None if mark else _table_format(head, text_columns))


def _detect(path: str, files: Files, columns: ColumnNames, form: TextForm) -> str:
    if columns.label is None:
        looks = looks_of(path, files, text_columns=columns.texts(), form=form)
        return (looks.mark or format_stated(form)) or _unlabelled(path, looks)
    mark, head = _mark_or_head(path, files, form)
    return mark or _labelled(path, head, form)


def format_stated(form: TextForm) -> str | None:
    """The format that settings of csv and tsv alone imply."""
    if form.delimiter is None:
        return None if form.columns is None else "csv"
    return "tsv" if form.delimiter == DELIMITERS["tsv"] else "csv"


def _labelled(path: str, head: bytes, form: TextForm) -> str:
    check_foreign(head, path)
    head = head.lstrip()
    first_line = head.splitlines()[0] if head else b""
    if b"\0" not in head:
        if is_object(first_line):
            return "jsonl"
        if (head.startswith(b"{") or JSON_OBJECT.match(head)) and format_stated(form) is None:
            return "jsonl"
        if form.delimiter is None and b"\t" in first_line:
            return "tsv"
        if stated := format_stated(form):
            return stated
        if any(delimiter.encode() in first_line for delimiter in FOUND_DELIMITERS):
            return "csv"
    raise UserError(
        f"input.format: neither name nor content tells the format of {path}; "
        f"set {', '.join(format_names(labelled=True))}"
    )


def _unlabelled(path: str, looks: Looks) -> str:
    if looks.table:
        raise UserError(f"input.format: {path} looks like {looks.table}; set {looks.table}, {LINES_REMEDY}")
    return looks.mark or text_lines.NAME


def _table_format(head: bytes, text_columns: Sequence[str]) -> str | None:
    r"""The format of a table that has the columns of the text, by its first bytes; None: it is not such a table.

    In a table of csv or tsv each field of the first row is a name, those of the text among them, and the other
    rows have as many fields. A text may hold commas, so anything less is not a table.

    >>> _table_format(b'{"text": "good"}', ["text"]), _table_format(b'id,"text"\n1,good\n', ["text"])
    ('jsonl', 'csv')
    >>> _table_format(b"good, text, bad\nfoo\n", ["text"])
    """
    is_whole = len(head) < DETECTION_BYTES
    head = head.lstrip()
    if JSON_OBJECT.match(head):
        return "jsonl"
    text = head.decode("utf-8", "surrogateescape")
    for delimiter in FOUND_DELIMITERS:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error:
            continue
        if _is_table(rows if is_whole else rows[:-1], text_columns):
            return "tsv" if delimiter == DELIMITERS["tsv"] else "csv"
    return None


def _is_table(rows: Sequence[Sequence[str]], text_columns: Sequence[str]) -> bool:
    """Whether the first row is a header with the columns of the text, and other rows, at least one, have its fields."""
    filled = [row for row in rows if row]
    if len(filled) < 2:
        return False
    names = [name.strip() for name in filled[0]]
    return (
        set(text_columns) <= set(names)
        and len(names) > 1
        and len(set(names)) == len(names)
        and all(_NAME.fullmatch(name) for name in names if name not in text_columns)
        and all(len(row) == len(names) for row in filled)
    )


def _mark_or_head(path: str, files: Files, form: TextForm) -> tuple[str | None, bytes]:
    """The format whose mark a file begins with; if there is none, the first bytes of its text."""
    with open_file(files, path) as stored:
        format = None
        with suppress(DamagedFileError):  # of a file of an archive, in its first bytes
            format = _marked(read_up_to(stored, MARK_BYTES), FORMATS)
        if format is not None:
            return format, b""
        stored.seek(0)
        head = content_head(stored, path, form=form)
    compressible = [name for name, format in FORMATS.items() if format.is_compressible]
    return _marked(head, compressible), head


def check_not_foreign(task: ReadTask, files: Files) -> None:
    """Checks that a file that can't be read is nothing whose kind is known: then its name or its settings are wrong.

    Raises:
      UserError: it is, and the message says how it becomes a file that can be read.
    """
    if not FORMATS[task.format].endings:  # they are no files, or any bytes are texts there
        return
    mark, head = _mark_or_head(task.path, files, FOUND_FORM)
    check_foreign(head, task.path)
    if FORMATS[task.format].is_quoted and JSON_OBJECT.match(head.lstrip()):
        mark = "jsonl"
    if mark is not None and mark != task.format:
        raise UserError(
            f"input.format: {task.path} is read as {task.format}, and seems to be {mark}; set {mark}, or rename "
            "the file"
        )


def content_head(stored: BinaryIO, path: str, *, form: TextForm = FOUND_FORM) -> bytes:
    """The first DETECTION_BYTES bytes of a file's text; fewer if it is shorter, or damaged there."""
    head = b""
    with suppress(DamagedFileError):
        for block in strip_mark(text_blocks(stored, path, encoding=form.encoding)):
            head += block
            if len(head) >= DETECTION_BYTES:
                break
    return head[:DETECTION_BYTES]


def _marked(head: bytes, formats: Iterable[str]) -> str | None:
    for name in formats:
        begins = FORMATS[name].begins
        if begins is not None and begins(head):
            return name
    return None
