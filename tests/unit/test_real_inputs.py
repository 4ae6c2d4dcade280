"""The shapes of people's files (support/real_inputs.py): the commands that read texts read the same rows of each."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.config.load import load
from pipeline.config.overrides import split_overrides
from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from tests.support.real_inputs import Input, write_inputs
from trainer.commands.raw_texts import source_of_files


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Input]]:
    folder = tmp_path_factory.mktemp("inputs")
    return folder, write_inputs(folder)


NAMES = [
    "quotes are text", "backslash before a quote", "headers inside", "semicolons", "line for Excel", "no header",
    "latin-1", "hidden folder in a glob", "an attempt that was left", "a class behind a link",
    "one file with two names", "Delta table", "Delta table as parquet", "the label in the folder",
    "metadata beside data", "half floats", "half an emoji in a label", "rows without a label", "spellings of a label",
    "blank texts",
]  # fmt: skip


def config_of(folder: Path, asked: Input) -> Config:
    overrides, rest = split_overrides(asked.settings)
    assert rest == []
    return load(None, {"input.path": str(folder / asked.path), **overrides})


def labelled_rows(config: Config) -> tuple[Counter[tuple[str, str]], int]:
    """The rows as `run` and `evaluate` read them, and the number of rejected ones."""
    files, columns = LocalFiles(), columns_of(config.input, config.split)
    tasks = list(plan_tasks(config.input, files).tasks())
    check_columns(tasks, columns, files)
    rows: Counter[tuple[str, str]] = Counter()
    rejected = 0
    for batch in read_tasks(tasks, columns, files):
        texts = [text.decode() for text in batch.rows["text"].to_pylist()]
        rows.update(zip(texts, batch.rows["label"].to_pylist(), strict=True))
        rejected += batch.rejected.num_rows
    return rows, rejected


def test_real_inputs_are_all_named(inputs: tuple[Path, dict[str, Input]]) -> None:
    assert list(inputs[1]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_real_inputs_are_read_as_they_are_meant(name: str, inputs: tuple[Path, dict[str, Input]]) -> None:
    folder, asked = inputs[0], inputs[1][name]
    config = config_of(folder, asked)
    if asked.refused:
        with pytest.raises(UserError, match=asked.refused):
            labelled_rows(config)
    else:
        assert labelled_rows(config) == (Counter(asked.rows), asked.rejected)


@pytest.mark.parametrize("name", NAMES)
def test_real_inputs_are_the_same_texts_for_predict(name: str, inputs: tuple[Path, dict[str, Input]]) -> None:
    folder, asked = inputs[0], inputs[1][name]
    source = source_of_files(config_of(folder, asked).input)
    if asked.refused:
        with pytest.raises(UserError, match=asked.refused):
            list(source.rows)
    else:
        texts = Counter(row.text.decode() for row in source.rows if row.text is not None)
        # Without labels no row is rejected for its label, so `predict` answers more of them.
        assert not Counter(text for text, _ in asked.rows) - texts
        assert texts.total() == len(asked.rows) + asked.rejected
