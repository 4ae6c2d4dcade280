"""pipeline.records_folder.division: how rows were divided, in words."""

from typing import Any

import pytest

from pipeline.records_folder.division import division_lines
from tests.support.manifests import manifest_of

ROWS = {"train": 700, "eval": 100, "test": 200}

# settings of split, rows that were left out by reason -> lines
LINES = [
    ({}, {},
     ["rows are divided by content: train 70.0% (80.0% asked for), eval 10.0% (10.0% asked for), "
      "test 20.0% (10.0% asked for)"]),
    ({"stratify": True, "train": 0.7, "test": 0.2}, {},
     ["rows are divided by content, each label on its own: train 70.0% (70.0% asked for), eval 10.0% (10.0% asked for),"
      " test 20.0% (20.0% asked for)"]),
    ({"group_column": "film"}, {},
     ["rows are divided by groups, one for each value of 'film': train 70.0% (80.0% asked for), "
      "eval 10.0% (10.0% asked for), test 20.0% (10.0% asked for)"]),
    ({"column": "part"}, {}, ["rows are divided by the column 'part': train 70.0%, eval 10.0%, test 20.0%"]),
    ({"time_column": "day", "eval_from": "2024-01-31", "test_from": "2024-03-01"}, {},
     ["rows are divided by the times in 'day', eval from 2024-01-31, test from 2024-03-01: "
      "train 70.0%, eval 10.0%, test 20.0%"]),
    ({"time_column": "year", "test_from": 2024, "duplicates": "first"}, {"text of an earlier row": 1234},
     ["rows are divided by the times in 'year', test from 2024: train 70.0%, eval 10.0%, test 20.0%",
      "1,234 rows with the text of an earlier row are left out (split.duplicates: first)"]),
    ({"column": "part", "duplicates": "drop_conflicting"}, {"equal texts have different labels": 8},
     ["rows are divided by the column 'part': train 70.0%, eval 10.0%, test 20.0%",
      "8 rows with a text that has several labels are left out (split.duplicates: drop_conflicting)"]),
]  # fmt: skip


def lines(settings: dict[str, Any], **keys: Any) -> list[str]:
    content = {
        "format_version": 1,
        "config": {"split": settings, "vocabulary": {"top_words": 4}, "sequence": {"max_length": 4}, "output": {}},
        "labels": ["a", "b"],
        "vocabulary": {"size": 3},
        "splits": {split: {"rows": rows, "labels": {"a": rows, "b": 0}} for split, rows in ROWS.items()},
        **keys,
    }
    return division_lines(manifest_of(content))


@pytest.mark.parametrize(("settings", "left_out", "expected"), LINES)
def test_division_in_words(settings: dict[str, Any], left_out: dict[str, int], expected: list[str]) -> None:
    rejected = {"rows": sum(left_out.values()), "by_reason": left_out, "asked_for": left_out}
    assert lines(settings, rejected=rejected) == expected


def test_division_tells_the_groups() -> None:
    def head(groups: dict[str, Any]) -> str:
        return lines({"group_column": "film"}, groups=groups)[0].partition(": ")[0]

    by = "rows are divided by groups, one for each value of 'film'"
    assert head({"groups": 34, "exact": True, "largest": 1200}) == f"{by} (34; the largest has 1,200 rows)"
    many = {"groups": 20731, "exact": False, "largest": 9}
    assert head(many) == f"{by} (about 20,731; the largest of 512 of them has 9 rows)"
