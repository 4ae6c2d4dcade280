"""A folder as `DatasetDict.save_to_disk` of Hugging Face's datasets makes it -> the splits that each file may go to.

dataset_dict.json   names the splits, each a folder
train/data-00000-of-00001.arrow
test/data-00000-of-00001.arrow
"""

from collections.abc import Sequence
from typing import Final

from pipeline.errors import UserError
from pipeline.sources.label_folders import allowed_splits, split_named

DATASET_DICT: Final = "dataset_dict.json"


def splits_of_files(paths: Sequence[str], root: str) -> list[str]:
    """The splits of each file of such a folder, as folders of texts have them: without eval, train gives its share.

    Raises:
      UserError: a folder is not named as a split.

    >>> splits_of_files(["imdb/train/data.arrow", "imdb/test/data.arrow"], "imdb")
    ['train eval', 'test']
    """
    names = [path[len(root) + 1 if root else 0 :].partition("/")[0] for path in paths]
    splits = [split_named(name) for name in names]
    for name, split in zip(names, splits, strict=True):
        if split is None:
            raise UserError(
                f"input.path: {root or '.'} has the split {name!r}, which is none of train, eval (validation) "
                "and test; name the folders of those that are wanted in a list, or move it"
            )
    allowed = allowed_splits({split for split in splits if split})
    return [allowed[split] for split in splits if split]
