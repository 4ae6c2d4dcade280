"""Two records folders compared: figures worked by hand, bounds against a count of all tokens, limits, exit status."""

import hashlib
import io
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.cli import main
from pipeline.config.settings import CompareSettings
from pipeline.inspection.compare import Folder, compare, oov
from pipeline.inspection.compare_view import comparison_tables
from pipeline.support.terminal import stack
from tests.support.manifests import SHA256, completed, manifest_of, unlabelled_part

NO_LIMITS = CompareSettings()


def content(
    words: dict[str, int],
    *,
    tokens: int,
    labels: dict[str, int] | None = None,
    lengths: list[list[int]] | None = None,
    **keys: Any,
) -> dict[str, Any]:
    """A manifest: `tokens` of the train split, of which `words` are known; eval and test are empty."""
    rows = sum((labels or {"a": 1}).values())
    train = {
        "rows": rows, "labels": labels or {"a": 1}, "tokens": tokens,
        "unknown_tokens": tokens - sum(words.values()), "lengths": lengths or [[1, rows]],
    }  # fmt: skip
    nothing = {"rows": 0, "labels": dict.fromkeys(labels or {"a": 1}, 0)}
    return {
        "format_version": 1,
        "config": {"vocabulary": {"top_words": max(4, len(words) + 1)}, "sequence": {"max_length": 5}, "output": {}},
        "labels": list(labels or {"a": 1}),
        "vocabulary": {"size": len(words), "tokens": tokens, "distinct_tokens": len(words) + 1},
        "splits": {"train": train, "eval": nothing, "test": nothing},
        **keys,
    }


def folder(words: dict[str, int], *, path: str = "A", **keys: Any) -> Folder:
    manifest = manifest_of(content(words, **keys))
    return Folder(path, manifest, words)


def test_compare_words_that_came_and_went() -> None:
    found = compare(
        folder({"the": 9, "old": 3, "gone": 2}, tokens=20), folder({"the": 8, "new": 4}, tokens=12), NO_LIMITS
    )
    assert found["vocabulary"] == {
        "sizes": [3, 2],
        "shared": 1,
        "came": {"words": 1, "tokens": 4, "most_frequent": [["new", 4]]},
        "went": {"words": 2, "tokens": 5, "most_frequent": [["old", 3], ["gone", 2]]},
        "change": 0.75,  # 3 of the 4 words of either
    }
    assert found["coverage"]["shares"] == [0.7, 1.0]
    assert found["coverage"]["drop"] == pytest.approx(-0.3)
    assert found["checks"] == []


def test_compare_lists_are_bounded() -> None:
    many = {f"word{number}": 1000 - number for number in range(200)}
    found = compare(folder({"x": 1}, tokens=1), folder(many, tokens=10**6), NO_LIMITS)
    assert found["vocabulary"]["came"]["words"] == 200
    assert found["vocabulary"]["came"]["most_frequent"] == [[f"word{number}", 1000 - number] for number in range(50)]


# A's words, B's words, B's tokens, the bounds in tokens
BOUNDS = [
    ({"a": 5, "b": 4}, {"a": 5, "b": 4}, 9, (0, 0)),
    ({"a": 5, "b": 4}, {"a": 5, "b": 4}, 19, (10, 10)),  # A has no other words: what B left out, A lacks as well
    ({"a": 5}, {"a": 5, "b": 4}, 9, (4, 4)),
    ({"a": 5, "c": 1}, {"a": 5, "b": 4}, 10, (4, 5)),  # the one token left out may be a 'c'
    ({"a": 5, "c": 1}, {"a": 5, "b": 4}, 109, (100, 104)),  # 'c' is no more frequent than 'b' in B: 4 at most
    ({}, {"a": 5}, 7, (7, 7)),
]


@pytest.mark.parametrize(("first", "second", "tokens", "bounds"), BOUNDS)
def test_compare_bounds_of_unknown_tokens(
    first: dict[str, int], second: dict[str, int], tokens: int, bounds: tuple[int, int]
) -> None:
    found = oov(folder(first, tokens=sum(first.values())), folder(second, tokens=tokens))
    assert (found["at_least"], found["at_most"]) == (bounds[0] / tokens, bounds[1] / tokens)
    assert found["own"] == (tokens - sum(second.values())) / tokens


def test_compare_bounds_hold_for_words_in_an_order_of_their_own() -> None:
    # B's words come from elsewhere: a frequent word may be left out, so its rarest word says nothing.
    came = {"kind": "token_list", "path": "w", "sha256": SHA256, "words": 1, "last_id": 1}
    vocabulary = {"size": 1, "from": came}
    config = {"vocabulary": {"top_words": 4, "from": "w"}, "sequence": {"max_length": 5}, "output": {}}
    other = folder({"a": 5}, tokens=100, vocabulary=vocabulary, config=config)
    found = oov(folder({"a": 1, "c": 1}, tokens=2), other)
    assert (found["at_least"], found["at_most"]) == (0.0, 0.95)


def test_compare_counts_of_texts_without_labels_are_counted_in_them() -> None:
    """10 tokens of train and 6 without a label, of which 2 and 3 are unknown; all 16 were counted."""
    unlabelled = unlabelled_part(rows=4) | {"tokens": 6, "unknown_tokens": 3}
    config = {
        "vocabulary": {"top_words": 4, "count_unlabelled": True}, "sequence": {"max_length": 5}, "output": {},
        "input": {"unlabelled": "more.csv"},
    }  # fmt: skip
    words = {"a": 7, "b": 4}
    train = {"rows": 1, "labels": {"a": 1}, "tokens": 10, "unknown_tokens": 2, "lengths": [[1, 1]]}
    nothing = {"rows": 0, "labels": {"a": 0}}
    splits = {"train": train, "eval": nothing, "test": nothing}
    other = folder(words, tokens=16, config=config, unlabelled=unlabelled, splits=splits)
    found = compare(folder({"a": 1}, tokens=1), other, NO_LIMITS)
    assert found["unlabelled_rows"] == [0, 4]
    assert found["oov"] == {"at_least": 9 / 16, "at_most": 9 / 16, "own": 5 / 16}
    assert found["coverage"]["shares"] == [1.0, 11 / 16]
    assert found["settings"]["vocabulary.count_unlabelled"] == [False, True]
    printed = io.StringIO()
    Console(file=printed, width=100).print(stack(comparison_tables(found)))
    assert re.search(r"rows without labels +0 +4", printed.getvalue())


@pytest.mark.parametrize("seed", range(20))
def test_compare_bounds_hold_what_counting_all_tokens_gives(seed: int) -> None:
    draw = random.Random(seed)
    names = [f"w{number}" for number in range(60)]
    corpora = [Counter(draw.choices(names, [1 / (draw.randrange(60) + 1) for _ in names], k=500)) for _ in range(2)]
    kept = [dict(corpus.most_common(draw.randrange(5, 40))) for corpus in corpora]
    first, second = (folder(words, tokens=500) for words in kept)
    found = oov(first, second)
    unknown = sum(count for word, count in corpora[1].items() if word not in kept[0]) / 500
    assert found["at_least"] <= unknown <= found["at_most"]


def test_compare_labels_and_lengths() -> None:
    before = folder({"x": 1}, tokens=1, labels={"a": 6, "b": 4}, lengths=[[2, 5], [6, 5]])
    after = folder({"x": 1}, tokens=1, labels={"b": 5, "c": 15}, lengths=[[2, 5], [7, 15]])
    found = compare(before, after, NO_LIMITS)
    assert found["labels"]["shares"] == {"a": [0.6, 0.0], "b": [0.4, 0.25], "c": [0.0, 0.75]}
    assert (found["labels"]["came"], found["labels"]["went"]) == (["c"], ["a"])
    assert found["labels"]["shift"] == pytest.approx(0.75)
    assert found["lengths"]["percentiles"] == {"50%": [2, 7], "90%": [6, 7], "99%": [6, 7], "100%": [6, 7]}
    assert found["lengths"]["cut_at_max_length"] == [0.5, 0.75]
    assert found["lengths"]["shift"] == 0.75  # up to 6 ids are all texts of A, and a quarter of B's


def test_compare_of_several_labels_shifts_by_the_label_that_changed_most() -> None:
    # 10 rows with 12 labels; 20 rows with 12
    before = several_folder(10, {"a": 7, "b": 5}, no_labels=1)
    after = several_folder(20, {"a": 8, "c": 4}, no_labels=11)
    found = compare(before, after, NO_LIMITS)["labels"]
    assert found["shares"] == {"a": [0.7, 0.4], "b": [0.5, 0.0], "c": [0.0, 0.2]}
    assert found["no_labels"] == pytest.approx([0.1, 0.55])
    assert found["shift"] == 0.5
    printed = io.StringIO()
    Console(file=printed, width=100).print(stack(comparison_tables(compare(before, after, NO_LIMITS))))
    assert re.search(r"none of them +10.0% +55.0% +\+45.0%", printed.getvalue())


def several_folder(rows: int, labels: dict[str, int], *, no_labels: int) -> Folder:
    manifest = content({"x": 1}, tokens=1, labels=labels, record={"several_labels": True})
    manifest["splits"]["train"] |= {"rows": rows, "no_labels": no_labels, "lengths": [[1, rows]]}
    return Folder("A", manifest_of(manifest), {"x": 1})


def test_compare_words_used_more_and_less() -> None:
    before = folder({"the": 1000, "good": 900, "bad": 100}, tokens=2000)
    after = folder({"the": 1000, "good": 100, "bad": 900}, tokens=2000)
    usage = compare(before, after, NO_LIMITS)["usage"]
    assert [word["token"] for word in usage["more"]] == ["bad"]
    assert [(word["token"], word["counts"]) for word in usage["less"]] == [("good", [900, 100])]


def test_compare_settings_that_differ() -> None:
    other = {"text": {"lowercase": False}, "vocabulary": {"top_words": 9}, "sequence": {"max_length": 5}, "output": {}}
    found = compare(folder({"x": 1}, tokens=1), folder({"x": 1}, tokens=1, config=other), NO_LIMITS)
    assert found["settings"] == {"text.lowercase": [True, False], "vocabulary.top_words": [4, 9]}


def test_compare_of_equal_folders_finds_nothing() -> None:
    same = folder({"the": 9, "old": 3}, tokens=20)
    found = compare(same, same, CompareSettings(
        max_oov_share=0.4, max_label_shift=0, max_length_shift=0, max_vocabulary_change=0, max_coverage_drop=0,
    ))  # fmt: skip
    assert {check["setting"]: (check["value"], check["exceeded"]) for check in found["checks"]} == {
        "compare.max_oov_share": (0.4, False),  # at the limit is not beyond it
        "compare.max_label_shift": (0.0, False),
        "compare.max_length_shift": (0.0, False),
        "compare.max_vocabulary_change": (0.0, False),
        "compare.max_coverage_drop": (0.0, False),
    }


def write_folder(path: Path, manifest: dict[str, Any], *, vocabulary: str) -> None:
    """A records folder as far as `compare` reads it."""
    path.mkdir()
    manifest["vocabulary"]["sha256"] = hashlib.sha256(vocabulary.encode()).hexdigest()
    (path / "manifest.json").write_text(json.dumps(completed(manifest)))
    (path / "vocabulary.tsv").write_text(vocabulary)


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Two records folders as far as `compare` reads them."""
    for name, words in (("a", {"the": 9, "\u202eold": 3}), ("b", {"the": 8, "new": 4})):
        lines = [f"{number}\t{word}\t{count}\n" for number, (word, count) in enumerate(words.items(), start=1)]
        write_folder(tmp_path / name, content(words, tokens=20), vocabulary="".join(lines))
    return [str(tmp_path / "a"), str(tmp_path / "b")]


def test_compare_command_ends_with_3_when_a_limit_is_passed(
    folders: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *folders]) == 0
    assert main(["compare", *folders, "--compare.max_vocabulary_change", "0.7"]) == 0
    capsys.readouterr()
    assert main(["compare", *folders, "--json", "--compare.max_vocabulary_change", "0.6"]) == 3
    out, error = capsys.readouterr()
    assert json.loads(out)["checks"][0]["exceeded"] is True
    assert error == "compare.max_vocabulary_change: 0.6667 is above the limit of 0.6\n"
    (tmp_path / "limits.yaml").write_text("compare: {max_vocabulary_change: 0.5}")
    assert main(["compare", *folders, "--config", "limits.yaml"]) == 3
    capsys.readouterr()


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(("arguments", "message"), [
    (["a", "nowhere"], "nowhere is not a complete records folder: it has no manifest.json"),
    (["a", "b", "--compare.max_oov", "1"], "compare.max_oov is not a setting; did you mean compare.max_oov_share?"),
    (["a", "b", "--compare.max_oov_share", "2"], "--compare.max_oov_share is 2; input should be less than or equal"),
    (["a", "broken"], "broken/vocabulary.tsv can't be read"),
    (["foreign", "b"], "foreign/vocabulary.tsv is damaged, or another folder's"),
])  # fmt: skip
def test_compare_command_tells_mistakes(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "broken", content({"x": 1}, tokens=1), vocabulary="1\tno count\n")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "manifest.json").write_bytes((tmp_path / "a" / "manifest.json").read_bytes())
    (tmp_path / "foreign" / "vocabulary.tsv").write_bytes((tmp_path / "b" / "vocabulary.tsv").read_bytes())
    assert main(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 120])
def test_compare_fits_a_terminal_and_steers_nothing(width: int) -> None:
    first = folder({"the": 900, "\u202eold": 3}, tokens=1000, labels={"\x1b[31mred": 5, "b" * 200: 5})
    second = folder({"the": 8, "new": 4}, tokens=20, path="a/long/path/" * 5)
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(stack(comparison_tables(compare(first, second, CompareSettings(max_oov_share=0)))))
    text = console.export_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "new in B, 1 words: new 4" in text
    assert max(map(len, text.splitlines())) <= width
