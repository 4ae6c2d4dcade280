"""Files below a folder -> those that are texts in a label's folder, and the splits each may go to.

    <split>/<label>/<name>.txt    train/pos/0_9.txt: split train, label pos
    <label>/<name>.txt            no split is named: texts go to splits by their content

A split is named by one of SPLIT_NAMES. Where some are named, splits that are not (often eval) get their share of the
texts below train, by content. `unsup` holds texts without a label. What is left out is counted.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from pipeline.contract import SPLITS
from pipeline.files.local import FileInfo
from pipeline.files.text_stream import compression_ending

ENDING: Final = ".txt"
UNLABELLED: Final = "unsup"
OTHER: Final = "other"
OTHER_FORMAT: Final = "other_format"
# What is said of files that are left out.
LEFT_OUT: Final = {
    UNLABELLED: f"texts in folders named {UNLABELLED} have no label",
    OTHER_FORMAT: "in a folder, files are taken whose names end as those of a known format, or of input.format, do",
    OTHER: f"they are no {ENDING} files in a folder of a label (below a folder of a split, where there are some)",
}
SPLIT_NAMES: Final[dict[str, str]] = {
    **{split: split for split in SPLITS},
    **dict.fromkeys(("dev", "val", "valid", "validation"), "eval"),
}


class LabelFolders(NamedTuple):
    """texts: each with the splits that it may go to, a space between (None: all); left_out: files by their folder."""

    texts: list[tuple[FileInfo, str | None]]
    left_out: dict[str, int]


def texts_in_label_folders(files: Iterable[FileInfo], *, root: str = "") -> LabelFolders:
    """What of the files are texts; `root` is the folder they are below, whose own name says nothing.

    >>> found = [FileInfo(f"imdb/{name}", 1) for name in ("train/pos/1.txt", "train/unsup/2.txt", "test/neg/3.txt")]
    >>> texts, left_out = texts_in_label_folders(found, root="imdb")
    >>> [(text.path, splits) for text, splits in texts], left_out
    ([('imdb/train/pos/1.txt', 'train eval'), ('imdb/test/neg/3.txt', 'test')], {'unsup': 1})
    """
    found: list[tuple[FileInfo, str | None]] = []
    left_out: Counter[str] = Counter()
    below = len(root) + 1 if root else 0
    for file in files:
        *folders, name = file.path[below:].rsplit("/", 3)[-3:]
        if not folders or not folders[-1] or not _is_text(name):
            left_out[OTHER] += 1
        elif folders[-1].lower() == UNLABELLED:
            left_out[UNLABELLED] += 1
        else:
            found.append((file, SPLIT_NAMES.get(folders[-2].lower()) if len(folders) > 1 else None))
    return _named(found, left_out)


def _is_text(name: str) -> bool:
    name = name.lower()
    compression = compression_ending(name)
    return (name.removesuffix(f".{compression}") if compression else name).endswith(ENDING)


def _named(found: list[tuple[FileInfo, str | None]], left_out: Counter[str]) -> LabelFolders:
    """Turns the names of splits into what texts below them may go to."""
    names = {split for _, split in found if split}
    if not names:
        return LabelFolders(found, dict(left_out))
    left_out[OTHER] += sum(split is None for _, split in found)
    allowed = {split: split for split in names}
    allowed["train"] = " ".join(split for split in SPLITS if split == "train" or split not in names)
    texts: list[tuple[FileInfo, str | None]] = [(file, allowed[split]) for file, split in found if split]
    return LabelFolders(texts, {what: number for what, number in left_out.items() if number})
