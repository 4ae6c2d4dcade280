"""Names of files that sound like splits."""

import pytest

from pipeline.sources.named_splits import named_splits
from pipeline.sources.task_groups import InputFile


# files, format, the files of each split
@pytest.mark.parametrize(("paths", "format", "numbers"), [
    (["train.csv", "test.csv"], "csv", {"train": 1, "test": 1}),
    (["d/TRAIN.csv", "d/imdb_valid.csv", "d/x.csv"], "csv", {"train": 1, "eval": 1}),
    (["d/train/a.parquet", "d/train/b.parquet", "d/dev/a.parquet"], "parquet", {"train": 2, "eval": 1}),
    (["gs://b/train-00000-of-00001.parquet", "gs://b/test-00000-of-00001.parquet"], "parquet", {"train": 1, "test": 1}),
    (["train/part-0.csv", "train/part-1.csv"], "csv", {}),  # one split is nothing to mix
    (["training.csv", "latest.csv", "contest.csv"], "csv", {}),  # other words
    (["train_test.csv", "x.csv"], "csv", {}),
    (["train/pos/1.txt", "test/pos/1.txt"], "folders", {}),  # these do decide
])  # fmt: skip
def test_named_splits(paths: list[str], format: str, numbers: dict[str, int]) -> None:
    assert named_splits(InputFile(path, 1, 0, format) for path in paths) == numbers
