"""What `describe` shows: the right figures at any width, and nothing of the data steers the terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from pipeline.inspection.describe import folder_tables
from pipeline.records_folder.vocabulary_tsv import Word
from pipeline.support.terminal import stack
from tests.support.manifests import manifest_of, unlabelled_part

HOSTILE = "\x1b[31mred\x1b]0;title\x07\u202eturned" + "x" * 150
REPEATED = {"texts": 3, "rows": 4, "conflicting": 1}


def repeats(leaked: int) -> dict[str, Any]:
    pairs = [["train", "eval"], ["train", "test"], ["eval", "test"]]
    return {
        **REPEATED,
        "splits": {"train": REPEATED, "eval": REPEATED, "test": REPEATED},
        "across": [{"splits": pair, "texts": 1, "rows": [2, leaked], "conflicting": 0} for pair in pairs],
    }


def manifest(**keys: Any) -> Any:
    part = {
        "rows": 10, "labels": {HOSTILE: 9, "b": 1}, "tokens": 40, "unknown_tokens": 10,
        "truncated_texts": 3, "empty_texts": 1, "lengths": [[2, 6], [4, 1], [6, 2], [60, 1]],
    }  # fmt: skip
    finding = {"count": 2, "of": 10, "share": 0.2, "exact": False, "examples": [HOSTILE]}
    word = {"token": HOSTILE, "score": 3.0, "count": 3, "elsewhere": 1}
    content = {
        "format_version": 1,
        "config": {"vocabulary": {"top_words": 4}, "sequence": {"max_length": 4}, "output": {}},
        "labels": [HOSTILE, "b"],
        "vocabulary": {"size": 3, "tokens": 40, "distinct_tokens": 9},
        "coverage": [[1, 0.4], [3, 0.75], [6, 0.93], [9, 1.0]],
        "splits": {"train": part, "eval": part, "test": part},
        "rejected": {
            "rows": 1, "by_reason": {"broken JSON": 1}, "examples": {"broken JSON": [{"file": HOSTILE, "row": 3}]},
        },
        "duplicates": {**REPEATED, "exact": repeats(1), "normalised": repeats(3)},
        "quality": {"rows": 30, "sampled_rows": 10, "findings": {"html": finding}},
        "telling_words": {"sampled_rows": 8, "exact": False, "labels": {HOSTILE: [word], "b": []}},
        "advice": [{"setting": "sequence.max_length", "text": f"too short for {HOSTILE}"}],
        **keys,
    }  # fmt: skip
    return manifest_of(content)


def shown(width: int = 100, **keys: Any) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(stack(folder_tables(manifest(**keys), words=[Word(1, "the", 16), Word(2, HOSTILE, 5)])))
    return console.export_text()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_describe_fits_the_terminal_and_steers_nothing(width: int) -> None:
    text = shown(width)
    assert max(map(len, text.splitlines())) <= width
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


# Lines of the description, with white space run together.
LINES = [
    "3 of 9 distinct tokens are words (top_words 4); they make up 75.0% of the train split",
    "words that cover 80%: 6, 90%: 6, 95%: 9, 99%: 9",
    "50% ≤ 2, 90% ≤ 6, 95% ≤ 60, 99% ≤ 60, 100% ≤ 60",
    "max_length 4 cuts 30.0% of the texts; others: 2: 40.0%, 6: 10.0%, 60: 0.0%",
    "distinctive words of each label (counted in 8 of the train texts)",
    "texts that have (estimated from 10 of 30)",
    "in train, beyond the first 4 4",
    "in test, also in train 1 (10.0%) 3 (30.0%)",
    "texts with different labels 1 1",
    "what to look at",
]


@pytest.mark.parametrize("line", LINES)
def test_describe_says(line: str) -> None:
    assert line in [" ".join(shown_line.split()) for shown_line in shown().splitlines()]


def test_describe_marks_max_length_below_its_bar() -> None:
    lines = shown().splitlines()
    place = next(index for index, line in enumerate(lines) if "▲ max_length 4" in line)
    # 40 bars for 0 to 60 ids: 4 ids are in the third.
    assert lines[place].index("▲") == lines[place - 1].index("0 ") + 2 + 2


def test_describe_says_when_nothing_is_wrong_and_nothing_to_tell() -> None:
    nothing: dict[str, Any] = {"quality": {}, "telling_words": {}, "duplicates": {}, "rejected": {}, "advice": []}
    text = shown(**nothing)
    assert "nothing looks out of place" in text
    for title in ("texts that have", "distinctive words", "duplicates", "rejected rows"):
        assert title not in text


def test_describe_shows_what_was_read_of_databases() -> None:
    tables = [{"path": HOSTILE, "taken": "2024-01-31T08:00:00+00:00", "parts": 3}]
    text = " ".join(shown(input={"tables": tables}).split())  # lines are wrapped
    assert "was read as it was at 2024-01-31T08:00:00+00:00, in 3 parts" in text
    assert "was read as" not in shown()


def test_describe_shows_damaged_files() -> None:
    damaged = [{"file": HOSTILE, "rows": 1504, "why": f"unclosed quote in {HOSTILE}"}]
    text = shown(input={"files": 3, "damaged": 1, "damaged_files": damaged})
    assert "1 of 3 files is damaged; what follows the damage is lost" in text
    assert "1,504" in text
    assert not any(character in text for character in HOSTILE if not character.isprintable())
    assert "damaged" not in shown()


def test_describe_shows_folders_of_earlier_runs() -> None:
    assert "3 texts occur more than once (4 rows too many); 1 of them carry different labels" in shown(
        duplicates=REPEATED
    )


def test_describe_texts_without_labels() -> None:
    part = unlabelled_part(rows=50) | {"tokens": 60, "unknown_tokens": 15, "truncated_texts": 5, "lengths": [[3, 50]]}
    config = {
        "vocabulary": {"top_words": 4, "count_unlabelled": True}, "sequence": {"max_length": 4}, "output": {},
        "input": {"unlabelled": "more.csv"},
    }  # fmt: skip
    printed = io.StringIO()
    found = manifest(unlabelled=part, config=config)
    Console(file=printed, width=110).print(stack(folder_tables(found, words=[Word(1, "a", 9)])))
    text = " ".join(printed.getvalue().split())
    assert "without labels 50 1 60 25.0% 10.0% 2.0%" in text
    assert "they make up 75.0% of the train split and the texts without labels" in text  # 75 of 100 tokens
    assert "without labels, also in train 1 (2.0%)" in text
