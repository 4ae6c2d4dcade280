"""Names of files that sound like splits: train.csv beside test.csv -> the number of files of each split.

Such names decide nothing: a row's split depends on its content, or on a column. Who has such files should know.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from pipeline.contract import SPLITS, Split
from pipeline.records.keys import SPLIT_NAMES
from pipeline.sources.formats import folders
from pipeline.sources.task_groups import InputFile

_WORD: Final = re.compile(rf"(?<![a-z])(?:{'|'.join(SPLIT_NAMES)})(?![a-z])")


def named_splits(input_files: Iterable[InputFile]) -> dict[Split, int]:
    """The number of files whose name, or whose folder's, has the word of a split; empty unless two splits are named.

    Texts in folders are left out of it: there the folders decide.

    >>> names = ("hub/train-00000-of-00002.parquet", "hub/train-00001-of-00002.parquet", "hub/validation.parquet")
    >>> named_splits(InputFile(name, 1, 0, "parquet") for name in names)
    {'train': 2, 'eval': 1}
    >>> named_splits([InputFile("in/test_results.csv", 1, 0, "csv")])
    {}
    """
    numbers: Counter[Split] = Counter()
    for file in input_files:
        if file.format != folders.NAME:
            split = _split_of(file.path)
            if split is not None:
                numbers[split] += 1
    return {split: numbers[split] for split in SPLITS if numbers[split]} if len(numbers) > 1 else {}


def _split_of(path: str) -> Split | None:
    parts = path.lower().rsplit("/", 2)[-2:]
    if _WORD.search("/".join(parts)) is None:  # one search for most names
        return None
    for part in reversed(parts):
        splits = {SPLIT_NAMES[word] for word in _WORD.findall(part)}
        if len(splits) == 1:
            return splits.pop()
    return None
