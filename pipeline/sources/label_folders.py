"""Files below a folder -> those that are a text in a label's folder, and the splits that each may go to.

    <split>/<label>/<name>.txt    train/pos/0_9.txt: split train, label pos
    <label>/<name>.txt            no split is named: texts go to splits by their content

A split is named by one of SPLIT_NAMES. Where folders name some splits but not all (often eval is missing), the missing
splits get their share of the texts below train, by content. `unsup` holds texts without a label. Files that are left
out are counted.
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
# Why files of a folder are left out.
LEFT_OUT: Final = {
    UNLABELLED: f"texts in folders named {UNLABELLED} have no label",
    OTHER_FORMAT: "in a folder, files are taken whose names end as those of a known format, or of input.format, do",
    OTHER: f"they are not {ENDING} files in a folder of a label (below a folder of a split, where there are some)",
}
SPLIT_NAMES: Final[dict[str, str]] = {
    **{split: split for split in SPLITS},
    **dict.fromkeys(("dev", "val", "valid", "validation"), "eval"),
}

# A text, and the splits that it may go to, separated by spaces (None: all).
Text = tuple[FileInfo, str | None]


class LabelFolders(NamedTuple):
    """texts: the texts in folders of labels; left_out: number of other files, by a key of LEFT_OUT."""

    texts: list[Text]
    left_out: dict[str, int]


def texts_in_label_folders(files: Iterable[FileInfo], *, root: str = "", labelled: bool = True) -> LabelFolders:
    """Which of the files are texts in a folder of their label.

    Args:
      files: the files.
      root: the folder that they are below; its own name is neither a label nor a split.
      labelled: whether texts need a label; if not, those in `unsup` are taken as well.

    >>> files = [FileInfo(f"imdb/{name}", 1) for name in ("train/pos/1.txt", "train/unsup/2.txt", "test/neg/3.txt")]
    >>> texts, left_out = texts_in_label_folders(files, root="imdb")
    >>> [(text.path, splits) for text, splits in texts], left_out
    ([('imdb/train/pos/1.txt', 'train eval'), ('imdb/test/neg/3.txt', 'test')], {'unsup': 1})
    """
    texts: list[Text] = []
    unlabelled: list[Text] = []
    left_out: Counter[str] = Counter()
    below = len(root) + 1 if root else 0
    for file in files:
        *folders, name = file.path[below:].rsplit("/", 3)[-3:]
        if not folders or not folders[-1] or not is_text_file(name):
            left_out[OTHER] += 1
        elif folders[-1].lower() == UNLABELLED:
            unlabelled.append((file, None))
        else:
            texts.append((file, SPLIT_NAMES.get(folders[-2].lower()) if len(folders) > 1 else None))
    texts = _with_allowed_splits(texts, left_out)
    if labelled:
        left_out[UNLABELLED] += len(unlabelled)
    else:
        texts += unlabelled
    return LabelFolders(texts, {kind: number for kind, number in left_out.items() if number})


def is_text_file(path: str) -> bool:
    """Whether a file's name ends in .txt; the ending of a compression is ignored.

    >>> is_text_file("train/pos/0_9.TXT.gz"), is_text_file("reviews.csv")
    (True, False)
    """
    path = path.lower()
    compression = compression_ending(path)
    return (path.removesuffix(f".{compression}") if compression else path).endswith(ENDING)


def _with_allowed_splits(texts: list[Text], left_out: Counter[str]) -> list[Text]:
    """Texts with the split that their folder names -> texts with the splits that they may go to."""
    names = {split for _, split in texts if split}
    if not names:
        return texts
    left_out[OTHER] += sum(split is None for _, split in texts)
    allowed = {split: split for split in names}
    allowed["train"] = " ".join(split for split in SPLITS if split == "train" or split not in names)
    return [(file, allowed[split]) for file, split in texts if split]
