"""Folders of `DatasetDict.save_to_disk`: their own folders say which split a row is in."""

import io
from collections import Counter

import pyarrow as pa
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources import plan_tasks, read_tasks
from tests.support.memory_files import COLUMNS, MemoryFiles


def saved(*splits: str) -> MemoryFiles:
    """A folder of two rows for each split."""
    files = {"d/dataset_dict.json": b'{"splits": []}'}
    for split in splits:
        buffer = io.BytesIO()
        table = pa.table({"text": [f"a {split}", f"b {split}"], "label": [0, 1]})
        with pa.ipc.new_stream(buffer, table.schema) as writer:
            writer.write_table(table)
        files[f"d/{split}/data-00000-of-00001.arrow"] = buffer.getvalue()
        files[f"d/{split}/state.json"] = files[f"d/{split}/dataset_info.json"] = b"{}"
    return MemoryFiles(files)


# folders -> the splits that the rows of each may go to
SPLITS = [
    (["train", "validation", "test"], {"train": "train", "validation": "eval", "test": "test"}),
    (["train", "test"], {"train": "train eval", "test": "test"}),
    (["train"], {"train": "train eval test"}),
]


@pytest.mark.parametrize(("folders", "expected"), SPLITS)
@pytest.mark.parametrize("format", ["auto", "arrow"])
def test_dataset_dict_folders_are_splits(folders: list[str], expected: dict[str, str], format: str) -> None:
    files = saved(*folders)
    tasks = plan_tasks(InputSettings.model_validate({"path": "d", "format": format}), files).tasks()
    rows = [row for batch in read_tasks(tasks, COLUMNS, files) for row in batch.rows.to_pylist()]
    assert Counter((row["text"].decode()[2:], row["split"]) for row in rows) == dict.fromkeys(expected.items(), 2)


def test_dataset_dict_of_other_splits_is_refused() -> None:
    with pytest.raises(UserError, match=r"^input\.path: d has the split 'unsupervised', which is none of train, eval"):
        plan_tasks(InputSettings(path="d"), saved("train", "unsupervised"))


def test_dataset_dict_is_needed_for_folders_to_be_splits() -> None:
    files = saved("train", "test")
    del files.contents["d/dataset_dict.json"]
    assert {task.splits for task in plan_tasks(InputSettings(path="d"), files).tasks()} == {None}
