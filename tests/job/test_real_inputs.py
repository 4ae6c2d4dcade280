"""Shapes of people's files (support/real_inputs.py) through the whole job: its rows, labels and advice."""

from pathlib import Path

import pytest

from pipeline.config.overrides import split_overrides
from pipeline.errors import UserError
from tests.support.jobs import manifest_of, run_job
from tests.support.real_inputs import Input, write_inputs


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Input]]:
    folder = tmp_path_factory.mktemp("inputs")
    return folder, write_inputs(folder)


# unit/test_real_inputs.py reads all shapes; those here take another way through the job, or lead to advice.
# name of the input -> what the advice says of it, part by part
INPUTS: list[tuple[str, tuple[str, ...]]] = [
    ("quotes are text", ()),
    ("headers inside", ()),
    ("no header", ()),
    ("a class behind a link", ()),
    ("Delta table", ()),
    ("the label in the folder", ()),
    ("half an emoji in a label", ()),
    ("rows without a label", ('"-1"', "label_map")),
    ("spellings of a label", ('"Positive"', '"positive"', "label_map")),
    ("blank texts", ("blank", "test", "split.duplicates")),
]


@pytest.mark.parametrize(("name", "advice"), INPUTS)
def test_real_inputs_become_the_rows_that_they_hold(
    name: str, advice: tuple[str, ...], inputs: tuple[Path, dict[str, Input]], tmp_path: Path
) -> None:
    folder, asked = inputs[0], inputs[1][name]
    settings, _ = split_overrides(asked.settings)
    if asked.refused:
        with pytest.raises(UserError, match=asked.refused):
            run_job(folder / asked.path, tmp_path / "out", settings)
        return
    manifest = manifest_of(run_job(folder / asked.path, tmp_path / "out", settings))
    rows = sum(split["rows"] for split in manifest["splits"].values())
    labels = sorted({label for _, label in asked.rows})
    assert (rows, sorted(manifest["labels"])) == (len(asked.rows), labels)
    assert manifest["rejected"]["rows"] == asked.rejected
    said = " ".join(item["text"] for item in manifest["advice"])
    assert [part for part in advice if part not in said] == []
