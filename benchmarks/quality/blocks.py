"""Texts -> a Parquet file with the columns text, label (0 or 1) and split, in which neighbours share a split.

Reviews of one film are neighbours by their number in the Large Movie Review Dataset, in `pos` and in `neg`. A model
that has seen other reviews of a film knows its names. So 500 consecutive numbers of each label share a split:

    block   = number // 500
    test    = blocks with block % 5 == fold                   a fifth
    eval    = blocks with block % 10 == (fold + 1) % 10       a tenth, for the choice of the epoch
    train   = all others

`test` here is a part of the given rows, which are those of the official train split: the official test split stays
unseen by everything that is chosen with this.
"""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.preprocessing.inputs import sample_input

FOLDS = 5
_BLOCK = 500
_ID = "id"
# The number in train/neg/11391_2.
_NUMBER = re.compile(r"(\d+)(?:_\d+)?$")


def blocks_input(source: Path, folder: Path, *, fold: int, rows: int | None = None, block: int = _BLOCK) -> Path:
    """Writes the file into the folder and returns its path. source: Parquet with text, label, and perhaps id.

    Rows without an id are neighbours in the order of the file. rows: at most so many, the first ones.
    """
    table = pq.read_table(source)
    table = table if rows is None else table.slice(0, rows)
    has_ids = _ID in table.column_names
    numbers = numbers_of(table[_ID].to_pylist()) if has_ids else np.arange(table.num_rows)
    splits = splits_of(numbers, fold=fold, block=block)
    path = folder / f"blocks-{fold}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    made = table.select(["text", "label"]).append_column("split", pa.array(splits))
    unfinished = path.with_suffix(".tmp")
    pq.write_table(made, unfinished, compression="zstd")
    unfinished.replace(path)
    return path


def sample_blocks(rows: int, folder: Path) -> Path:
    """The built-in corpus, whose texts have no neighbours: `split` is that of the other suites."""
    folder.mkdir(parents=True, exist_ok=True)
    return sample_input(rows, folder, joined=1).path


def numbers_of(ids: list[str]) -> npt.NDArray[np.int64]:
    """The number of each row among those of its label.

    >>> numbers_of(["train/neg/11391_2", "train/pos/7_10", "12"]).tolist()
    [11391, 7, 12]
    """
    found = [_NUMBER.search(str(id)) for id in ids]
    missing = [id for id, match in zip(ids, found, strict=True) if match is None]
    if missing:
        raise SystemExit(f"{_ID}: {missing[0]!r} ends in no number, so its neighbours can't be told")
    return np.array([int(match[1]) for match in found if match is not None], np.int64)


def splits_of(numbers: npt.NDArray[np.int64], *, fold: int, block: int = _BLOCK) -> list[str]:
    """train, eval or test of each row.

    >>> splits_of(np.array([0, 499, 500, 1000, 2500, 3000, 5500]), fold=0)
    ['test', 'test', 'eval', 'train', 'test', 'train', 'eval']
    """
    blocks = numbers // block
    is_eval = blocks % (2 * FOLDS) == (fold + 1) % (2 * FOLDS)
    return np.where(blocks % FOLDS == fold, "test", np.where(is_eval, "eval", "train")).tolist()
