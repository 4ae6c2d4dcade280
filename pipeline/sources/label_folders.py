"""Files below a folder -> those that are a text in a label's folder, and the splits that each may go to.

    <split>/<label>/<name>.txt    train/pos/0_9.txt: split train, label pos
    <label>/<name>.txt            no split is named: texts go to splits by their content
    <label>/<name>                alt.atheism/49960: if no text ends in .txt, names without an ending are texts

A split is named by a key of SPLIT_NAMES. Where folders name some splits but not all (often eval is missing), the
missing splits get their share of the texts below train, by content. `unsup` holds texts without a label. Files that are
left out are counted.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from pipeline.contract import SPLITS
from pipeline.files.local import FileInfo
from pipeline.files.text_stream import COMPRESSIONS, compression_ending
from pipeline.records.keys import SPLIT_NAMES
from pipeline.sources.left_out import METADATA, OTHER, UNLABELLED_FOLDER, LeftOut
from pipeline.sources.metadata_files import is_metadata

ENDING: Final = ".txt"
_TEXT_ENDINGS: Final = (ENDING, *(f"{ENDING}.{ending}" for ending in COMPRESSIONS))
# An ending has a letter: 49960, 1. and 00001.7848dde101aa985090474a91ec93fcf0 have none.
_ENDING: Final = re.compile(r"\.(?=\d*[^\W\d_])[^\W_]{1,8}$")

# A text, and the splits that it may go to, separated by spaces (None: all).
Text = tuple[FileInfo, str | None]


def texts_in_label_folders(
    files: Iterable[FileInfo],
    *,
    left_out: LeftOut,
    root: str = "",
    labelled: bool = True,
    is_text: Callable[[str], bool] | None = None,
) -> list[Text]:
    """Which of the files are texts in a folder of their label.

    Args:
      files: the files.
      left_out: counts the other files.
      root: the folder that they are below; its own name is neither a label nor a split.
      labelled: whether texts need a label; if not, those in `unsup` are taken as well.
      is_text: whether a file of this path may be a text; None: its name ends in .txt.

    >>> files = [FileInfo(f"imdb/{name}", 1) for name in ("train/pos/1.txt", "train/unsup/2.txt", "test/neg/3.txt")]
    >>> left_out = LeftOut()
    >>> texts = texts_in_label_folders(files, root="imdb", left_out=left_out)
    >>> [(text.path, splits) for text, splits in texts], left_out.numbers
    ([('imdb/train/pos/1.txt', 'train eval'), ('imdb/test/neg/3.txt', 'test')], {'unsup': 1})
    """
    texts: list[Text] = []
    unlabelled: list[Text] = []
    for file in files:
        above = max(root, file.archive, key=len)  # an archive's name is no label either
        below = len(above) + 1 if above else 0
        *folders, name = file.path[below:].rsplit("/", 3)[-3:]
        if not folders or not folders[-1] or not (is_text or is_text_file)(name):
            left_out.add(METADATA if is_metadata(name) else OTHER, file.path)
        elif folders[-1].lower() == UNLABELLED_FOLDER:
            unlabelled.append((file, None))
        else:
            texts.append((file, split_named(folders[-2]) if len(folders) > 1 else None))
    texts = _with_allowed_splits(texts, left_out)
    if labelled:
        left_out.add_all(UNLABELLED_FOLDER, (file.path for file, _ in unlabelled))
    else:
        texts += unlabelled
    return texts


def is_text_file(path: str) -> bool:
    """Whether a file's name ends in .txt; the ending of a compression is ignored.

    >>> is_text_file("train/pos/0_9.TXT.gz"), is_text_file("reviews.csv")
    (True, False)
    """
    return path.lower().endswith(_TEXT_ENDINGS)


def has_no_ending(path: str) -> bool:
    """Whether a file's name has no ending, and is not known to describe a data set; that of a compression is ignored.

    >>> [has_no_ending(name) for name in ("49960", "1.", "0001.bfc8d64d12b325ff385cca8d07b84288", "x.py", "README")]
    [True, True, True, False, False]
    """
    name = _unpacked(path.rpartition("/")[2].lower())
    return not _ENDING.search(name) and not is_metadata(name)


def _unpacked(path: str) -> str:
    compression = compression_ending(path)
    return path.removesuffix(f".{compression}") if compression else path


def split_named(folder: str) -> str | None:
    """The split that a folder's name means, also as Hive writes it: split=train."""
    return SPLIT_NAMES.get(folder.rpartition("=")[2].lower())


def _with_allowed_splits(texts: list[Text], left_out: LeftOut) -> list[Text]:
    """Texts with the split that their folder names -> texts with the splits that they may go to."""
    names = {split for _, split in texts if split}
    if not names:
        return texts
    left_out.add_all(OTHER, (file.path for file, split in texts if split is None))
    allowed = allowed_splits(names)
    return [(file, allowed[split]) for file, split in texts if split]


def allowed_splits(names: set[str]) -> dict[str, str]:
    """The splits that folders name -> those that the rows of each may go to: train gives their share to the others.

    >>> allowed_splits({"train", "test"})["train"]
    'train eval'
    """
    allowed = {split: split for split in names}
    allowed["train"] = " ".join(split for split in SPLITS if split == "train" or split not in names)
    return allowed
