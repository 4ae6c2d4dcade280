"""Settings on how texts are written: each counts for some file of the input, or the input is refused."""

from typing import Any

import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources import plan_all, plan_tasks, plan_texts
from tests.support.archives import zipped
from tests.support.memory_files import MemoryFiles, parquet

FILES = MemoryFiles({
    "a.csv": b"text;label\na;1\n", "a.tsv": b"text\tlabel\na\t1\n", "a.jsonl": b'{"text":"a","label":1}\n',
    "a.parquet": parquet({"text": ["a"], "label": ["1"]}), "d/pos/1.txt": b"a", "d/neg/2.txt": b"b",
    "c.zip": zipped({"a.csv": b"text;label\na;1\n"}), "j.zip": zipped({"a.jsonl": b'{"text":"a","label":1}\n'}),
})  # fmt: skip
OF_CSV: list[dict[str, Any]] = [
    {"delimiter": ";"}, {"quoting": "none"}, {"escape": "backslash"}, {"columns": ["text", "label"]},
]  # fmt: skip
LATIN = {"encoding": "latin-1"}

# fmt: off
CASES: list[tuple[str | list[str], list[dict[str, Any]], list[dict[str, Any]]]] = [
    # input.path, settings that count, settings that do not
    ("a.csv",                  [*OF_CSV, LATIN], []),
    ("a.tsv",                  [*OF_CSV, LATIN], []),
    ("c.zip",                  [*OF_CSV, LATIN], []),
    (["a.csv", "a.parquet"],   [*OF_CSV, LATIN], []),  # for the one file
    ("a.jsonl",                [LATIN],          OF_CSV),
    ("j.zip",                  [LATIN],          OF_CSV),
    ("d",                      [LATIN],          OF_CSV),
    ("a.parquet",              [],               [*OF_CSV, LATIN]),
    ("sample",                 [],               [*OF_CSV, LATIN]),
]
# fmt: on


@pytest.mark.parametrize(("path", "counting", "others"), CASES)
def test_text_form_settings_count_for_a_file_or_are_refused(
    path: str | list[str], counting: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    for plan in (plan_tasks, plan_all, plan_texts):
        for options in counting:
            assert plan(InputSettings.model_validate({"path": path, **options}), FILES).files
        for options in others:
            with pytest.raises(UserError, match=f"^input.{next(iter(options))}: no file of the input is csv"):
                plan(InputSettings.model_validate({"path": path, **options}), FILES)


def test_text_form_settings_may_count_for_texts_without_labels_alone() -> None:
    for path in ("a.parquet", "sample"):
        settings = InputSettings(path=path, delimiter=";", unlabelled="a.csv")
        assert plan_all(settings, FILES).unlabelled_files == 1
        with pytest.raises(UserError, match="no file of the input is csv or tsv, so ';' has no use; set it to auto"):
            plan_tasks(settings, FILES)


def test_text_form_says_how_a_setting_is_left_out() -> None:
    with pytest.raises(UserError, match=r"^input\.columns: no .*, so \['text'\] has no use; set it to null$"):
        plan_tasks(InputSettings(path="a.parquet", columns=["text"]), FILES)
    with pytest.raises(UserError, match=r"^input\.quoting: .*; set it to auto, or set input.format to csv$"):
        plan_texts(InputSettings(path="a.txt", quoting="none"), MemoryFiles({"a.txt": b"a\n"}))
    with pytest.raises(UserError, match=r"no file of the input is csv, tsv, jsonl, folders or lines, so 'utf-8' has"):
        plan_tasks(InputSettings(path="a.parquet", encoding="utf-8"), FILES)
