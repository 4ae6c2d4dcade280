"""The settings on the pages of well-known data sets, docs/how-to/data-sets: they read inputs of those shapes right."""

import re
from collections import Counter
from pathlib import Path

import pytest

from pipeline.config.load import load
from pipeline.files.local import LocalFiles
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from tests.support.data_sets import DATA_SETS, write_data_set
from tests.support.paths import REPOSITORY

PAGES = REPOSITORY / "docs" / "how-to" / "data-sets"


def settings_of(page: str) -> str:
    """The first block of YAML below the heading Settings."""
    found = re.search(r"^## Settings\n+```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_data_sets_are_the_pages() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {"index", *DATA_SETS}


@pytest.mark.parametrize("name", DATA_SETS)
def test_data_sets_are_read_by_the_settings_of_their_page(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = write_data_set(name, tmp_path)
    (tmp_path / "mine.yaml").write_text(settings_of((PAGES / f"{name}.md").read_text()))
    config = load("mine.yaml", {})
    files, columns = LocalFiles(), columns_of(config.input, config.split)
    tasks = list(plan_tasks(config.input, files).tasks())
    check_columns(tasks, columns, files)
    found: Counter[tuple[str, str]] = Counter()
    for batch in read_tasks(tasks, columns, files):
        assert batch.rejected.num_rows == 0
        texts = [text.decode() for text in batch.rows["text"].to_pylist()]
        found.update(zip(texts, batch.rows["label"].to_pylist(), strict=True))
    assert found == Counter(rows)
