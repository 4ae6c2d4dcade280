"""Distinctive words: the formula worked in plain Python, counts against a dictionary, parts that add up, bounds."""

import math
from collections import Counter

import numpy as np
import pytest

from pipeline.statistics import distinctive_words


def score(own: list[int], others: list[int], word: int) -> float:
    """Monroe, Colaresi and Quinn's z-score, as in the paper, with a prior of 1,000 tokens."""
    every = [left + right for left, right in zip(own, others, strict=True)]
    prior = [1000 * count / sum(every) for count in every]
    prior_sum = sum(prior)

    def odds(counts: list[int]) -> float:
        return (counts[word] + prior[word]) / (sum(counts) + prior_sum - counts[word] - prior[word])

    variance = 1 / (own[word] + prior[word]) + 1 / (others[word] + prior[word])
    return (math.log(odds(own)) - math.log(odds(others))) / math.sqrt(variance)


@pytest.mark.parametrize(("own", "others"), [
    ([30, 10, 10], [10, 10, 30]),
    ([5, 0, 1000], [0, 3, 10]),
    ([1, 0], [0, 1]),
    ([70_000, 200, 0, 4], [60_000, 900, 7, 0]),
])  # fmt: skip
def test_distinctive_words_scores_are_the_papers(own: list[int], others: list[int]) -> None:
    expected = [score(own, others, word) for word in range(len(own))]
    assert distinctive_words.scores(np.array(own), np.array(others)) == pytest.approx(expected)


def test_distinctive_words_scores_of_a_single_word() -> None:
    assert distinctive_words.scores(np.array([3]), np.array([1])).tolist() == [0.0]


def pairs(result: distinctive_words.WordCounts) -> dict[tuple[int, int], int]:
    return {
        (code >> 32, code & 0xFFFFFFFF): count for code, count in zip(*map(np.ndarray.tolist, result[:2]), strict=True)
    }


@pytest.mark.parametrize("counters", [1 << 22, 10], ids=["counters", "sorted"])
def test_distinctive_words_counts_are_those_of_a_dictionary(counters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinctive_words, "_MAX_COUNTERS", counters)
    draw = np.random.default_rng(3)
    ids, labels = draw.integers(0, 30, (200, 8)), draw.choice([0, 3, 9_999], 200)
    expected = Counter(
        (int(label), int(number)) for row, label in zip(ids, labels, strict=True) for number in row if number >= 2
    )
    parts = [
        distinctive_words.count_words(ids[at : at + 37], labels[at : at + 37], first_id=2) for at in range(0, 200, 37)
    ]
    result = distinctive_words.merge(parts)
    assert pairs(result) == expected
    assert result.rows == 200
    assert (np.diff(result.codes) > 0).all()


def test_distinctive_words_of_labels() -> None:
    # 'good' 90 times in label 1 and 10 in label 0, 'bad' the other way round, 'the' 100 times in each.
    ids = np.array([[1]] * 200 + [[2]] * 100 + [[3]] * 100)
    labels = np.array([0, 1] * 100 + [1] * 90 + [0] * 10 + [0] * 90 + [1] * 10)
    summary = distinctive_words.distinctive_words_summary(
        distinctive_words.count_words(ids, labels, first_id=1),
        label_rows=[200, 200], labels=["no", "yes"], tokens={1: "the", 2: "good", 3: "bad"}, rows=400,
    )  # fmt: skip
    assert (summary.sampled_rows, summary.exact) == (400, True)
    expected = round(score([100, 90, 10], [100, 10, 90], 1), 2)
    assert summary.model_dump()["labels"] == {
        "no": [{"token": "bad", "score": expected, "count": 90, "elsewhere": 10}],
        "yes": [{"token": "good", "score": expected, "count": 90, "elsewhere": 10}],
    }


def test_distinctive_words_are_bounded() -> None:
    draw = np.random.default_rng(5)
    ids, labels = draw.integers(1, 200, (3000, 5)), draw.integers(0, 60, 3000)
    rows = [1000 if label in (7, 59) else 10 for label in range(60)]
    summary = distinctive_words.distinctive_words_summary(
        distinctive_words.count_words(ids, labels, first_id=1),
        label_rows=rows, labels=[f"label{label}" for label in range(60)],
        tokens={number: str(number) for number in range(200)}, rows=10_000,
    )  # fmt: skip
    assert not summary.exact
    assert list(summary.labels) == [f"label{label}" for label in [*range(49), 59]]
    assert {len(words) for words in summary.labels.values()} == {20}


def test_distinctive_words_of_no_record() -> None:
    summary = distinctive_words.distinctive_words_summary(
        distinctive_words.merge([]), label_rows=[3, 2], labels=["a", "b"], tokens={}, rows=5
    )
    assert summary.model_dump() == {"sampled_rows": 0, "exact": False, "labels": {"a": [], "b": []}}


def test_distinctive_words_of_several_labels_compare_with_the_records_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distinctive_words, "_PAIRS", 7)  # pairs of a record and a label are counted in parts
    draw = np.random.default_rng(5)
    ids = draw.integers(1, 6, (60, 4))
    sets = [sorted(draw.choice(3, draw.integers(0, 4), replace=False).tolist()) for _ in range(60)]
    rows = np.array([row for row, own in enumerate(sets) for _ in own])
    labels = np.array([label for own in sets for label in own])
    parts = [
        distinctive_words.count_words_of_sets(ids[begin:end], rows[chosen] - begin, labels[chosen], first_id=1)
        for begin, end in ((0, 25), (25, 60))
        for chosen in [(rows >= begin) & (rows < end)]
    ]
    summary = distinctive_words.distinctive_words_summary(
        distinctive_words.merge(parts), label_rows=[sets.count([0]), 9, 9], labels=["a", "b", "c"],
        tokens={number: str(number) for number in range(1, 6)}, rows=60,
    )  # fmt: skip
    assert (summary.sampled_rows, summary.exact) == (60, True)
    words = range(1, 6)
    for index, label in enumerate("abc"):
        has_label = np.array([index in of_row for of_row in sets])
        own = [int((ids[has_label] == word).sum()) for word in words]
        others = [int((ids[~has_label] == word).sum()) for word in words]
        found = {each.token: (each.count, each.elsewhere, each.score) for each in summary.labels[label]}
        expected = {
            str(word): (own[place], others[place], round(score(own, others, place), 2))
            for place, word in enumerate(words)
            if score(own, others, place) > 0
        }
        assert found == expected
