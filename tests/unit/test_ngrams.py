"""N-grams in NumPy: their codes, which have a bucket, their ratios and weights, and how both sides are joined."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import minimize as scipy_minimize
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from pipeline.config.settings import ModelSettings
from trainer.ngrams import stored_rows
from trainer.ngrams.codes import codes_of_texts, ngram_codes, table_rows
from trainer.ngrams.join import Join, fit_join
from trainer.ngrams.kinds import NgramKinds
from trainer.ngrams.learning import learn_weights, log_count_ratio
from trainer.ngrams.sparse import BinaryMatrix
from trainer.ngrams.stored_rows import StoredRows
from trainer.ngrams.table import choose_keys

Floats = npt.NDArray[np.float64]

# Worked out with Python's integers of any size: h = ((h + id) x 1103515245) mod (2^31 - 1) for each id, plus 10.
CODE_7_8, CODE_8_9, CODE_7_8_9 = 1295837313, 1936878649, 1819711013
CODE_7_GAP_9, CODE_END_7, CODE_END_8, CODE_7_END_8 = 432289286, 952383988, 2055899233, 1938731597
GAPS_9_8_7_8_9 = [1259616110, 845952698, 432289286, 1900657446, 1486994034]
CODE_END_9 = 1011930831
CODES = [
    # ids, kinds, codes of the n-grams in the order of their places
    ([7], NgramKinds(1), [7]),
    ([7, 8], NgramKinds(2), [7, 8, CODE_7_8]),
    ([0, 0, 7, 8], NgramKinds(2), [7, 8, CODE_7_8]),  # padding before the text
    ([7, 8, 0, 0], NgramKinds(2), [7, 8, CODE_7_8]),  # and after it
    ([7, 8, 9], NgramKinds(3), [7, 8, 9, CODE_7_8, CODE_8_9, CODE_7_8_9]),
    ([7, 0, 8], NgramKinds(2), [7, 8]),  # no n-gram reaches across a zero
    ([7, 8], NgramKinds(5), [7, 8, CODE_7_8]),  # shorter than the longest n-gram
    ([7, 7], NgramKinds(1), [7, 7]),
    ([0, 0, 0], NgramKinds(3, gaps=2, ending=2), []),  # no words
    ([], NgramKinds(3, gaps=2, ending=2), []),
    ([7, 8, 9], NgramKinds(1, gaps=5), [7, 8, 9, CODE_7_GAP_9]),
    ([7, 0, 9], NgramKinds(1, gaps=5), [7, 9]),
    ([0, 7, 8], NgramKinds(1, ending=5), [7, 8, CODE_END_7, CODE_END_8, CODE_7_END_8]),  # a shorter text
    ([9, 7, 8, 0, 0], NgramKinds(1, ending=2), [9, 7, 8, CODE_END_7, CODE_END_8, CODE_7_END_8]),
    ([9, 7, 8], NgramKinds(1, ending=1), [9, 7, 8, CODE_END_8]),
    ([9, 8, 7, 8, 9], NgramKinds(1, gaps=2, ending=1), [9, 8, 7, 8, 9, *GAPS_9_8_7_8_9, CODE_END_9]),
]


@pytest.mark.parametrize(("ids", "kinds", "expected"), CODES)
def test_codes_of_each_place(ids: list[int], kinds: NgramKinds, expected: list[int]) -> None:
    codes = ngram_codes(np.array([ids], np.int64), kinds=kinds, vocabulary_size=10)
    assert codes[codes != 0].tolist() == expected


def ngrams_in_python(words: list[int], kinds: NgramKinds) -> set[tuple[object, ...]]:
    """All n-grams of a text, by their definition."""
    count = len(words)
    runs = {tuple(words[at : at + size]) for size in range(1, kinds.longest + 1) for at in range(count - size + 1)}
    pairs = {
        ("gap", gap, words[at], words[at + gap + 1])
        for gap in range(1, kinds.gaps + 1)
        for at in range(count - gap - 1)
    }
    last = words[max(count - kinds.ending, 0) :]
    ends = {("end", *last[at : at + size]) for size in (1, 2) for at in range(len(last) - size + 1)}
    return {*runs, *pairs, *ends}


@given(
    st.lists(st.lists(st.integers(1, 5), max_size=12), max_size=8),
    st.builds(NgramKinds, st.integers(1, 4), gaps=st.integers(0, 3), ending=st.integers(0, 4)),
    st.booleans(),
)
def test_codes_tell_ngrams_apart_as_python_does(texts: list[list[int]], kinds: NgramKinds, is_before: bool) -> None:
    padded = np.zeros([len(texts), 15], np.int64)
    for row, text in zip(padded, texts, strict=True):
        row[len(row) - len(text) if is_before else 0 :][: len(text)] = text
    codes, lengths = codes_of_texts(padded, kinds=kinds, vocabulary_size=6)
    found = [set(part.tolist()) for part in np.split(codes, np.cumsum(lengths)[:-1])][: len(texts)]
    expected = [ngrams_in_python(text, kinds) for text in texts]
    # Two texts share as many codes as n-grams, so a code stands for one n-gram.
    for one, other in itertools.product(range(len(texts)), repeat=2):
        assert len(found[one] & found[other]) == len(expected[one] & expected[other])


def test_codes_are_those_of_scikit_learn_as_a_set() -> None:
    draw = np.random.default_rng(3)
    texts = [draw.integers(1, 6, draw.integers(0, 12)) for _ in range(40)]
    vectorizer = CountVectorizer(ngram_range=(1, 3), binary=True, token_pattern=r"\S+", lowercase=False)
    has = vectorizer.fit_transform([" ".join(map(str, text)) for text in texts])
    names = vectorizer.get_feature_names_out()
    # The code of an n-gram that is a whole text is the last one of it.
    alone = [
        ngram_codes(np.array([name.split()], np.int64), kinds=NgramKinds(3), vocabulary_size=6)[0] for name in names
    ]
    code = {name: int(codes[codes != 0][-1]) for name, codes in zip(names, alone, strict=True)}
    padded = np.array([[*[0] * (12 - len(text)), *text] for text in texts])
    codes, lengths = codes_of_texts(padded, kinds=NgramKinds(3), vocabulary_size=6)
    found = [set(part.tolist()) for part in np.split(codes, np.cumsum(lengths)[:-1])]
    assert found == [{code[names[place]] for place in has[row].indices} for row in range(len(texts))]
    assert lengths.tolist() == has.sum(axis=1).A1.tolist()


def test_table_rows_of_an_n_gram_that_shares_a_bucket_are_none() -> None:
    keys = np.array([-1, -1, 6, -1], np.int32)
    assert table_rows(np.array([0, 3, 9, 10 + 2, 10 + 6, 10 + 7]), keys, vocabulary_size=10).tolist() == [
        0, 3, 9, 0, 12, 0,
    ]  # fmt: skip


def stored(texts: Sequence[Sequence[int]], dtype: type = np.uint32) -> StoredRows:
    rows = StoredRows(dtype)
    rows.append(
        np.array([value for text in texts for value in text], np.int64), np.array([len(text) for text in texts])
    )
    return rows


@pytest.mark.parametrize("block", [1, 3, 100])
def test_stored_rows_come_back_in_blocks_of_whole_texts(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_rows, "_BLOCK", block)
    texts = [[], [4, 5], [], [6], [7, 8, 9, 10], []]
    with stored(texts[:3]) as rows:
        rows.append(np.array([6, 7, 8, 9, 10]), np.array([1, 4, 0]))
        found = [
            part.tolist()
            for each in rows.blocks()
            for part in np.split(each.values, np.cumsum(each.lengths)[:-1])
        ]  # fmt: skip
        firsts = [each.first for each in rows.blocks()]
    assert found == texts
    assert firsts == sorted(set(firsts))


def test_stored_rows_of_nothing_have_no_blocks() -> None:
    with StoredRows(np.int32) as rows:
        assert list(rows.blocks()) == []


KEYS = [
    # codes of each text, hash of each of 4 buckets; the vocabulary has 10 words
    ([[10 + 5, 3]] * 3, [-1, 5, -1, -1]),
    ([[10 + 5]] * 2, [-1, -1, -1, -1]),  # two texts are too few
    ([[10 + 5]] * 3 + [[10 + 128 + 1]] * 4, [-1, 129, -1, -1]),  # the same bucket: the more frequent one
    ([[10 + 5]] * 4 + [[10 + 128 + 1]] * 3, [-1, 5, -1, -1]),
    ([[10 + 5]] * 3 + [[10 + 128 + 1]] * 3, [-1, 129, -1, -1]),  # equally frequent: the larger hash
    ([[10 + 6], [10 + 5]] * 3, [-1, 5, 6, -1]),
    ([[10 + 6], [10 + 5]] * 2, [-1, -1, -1, -1]),  # four texts share a cell of the first table, and not of the second
    ([[4, 9]] * 5, [-1, -1, -1, -1]),  # words have rows of their own
]


@pytest.mark.parametrize(("texts", "expected"), KEYS)
def test_table_a_bucket_belongs_to_the_most_frequent_n_gram(texts: list[list[int]], expected: list[int]) -> None:
    for order in (texts, texts[::-1]):
        with stored(order) as codes:
            assert choose_keys(codes, vocabulary_size=10, buckets=4).tolist() == expected


TEXTS = [[0, 1], [0, 1, 2], [0, 2], [2, 3], [3], [1, 3], [], [0, 3]]
TARGETS = np.array([1.0, 1, 1, 0, 0, 0, 0, 1])
WEIGHTS = np.array([1.0, 2, 1, 1, 3, 1, 1, 0.5])
DENSE = np.array([[column in text for column in range(4)] for text in TEXTS], np.float64)


@pytest.fixture
def matrix() -> BinaryMatrix:
    with stored(TEXTS, np.int32) as rows:
        return BinaryMatrix(rows, columns=4)


def test_ratio_is_that_of_wang_and_manning(matrix: BinaryMatrix) -> None:
    # Texts with the label have the columns (1 + 4, 1 + 2, 1 + 2, 1 + 1) of 13 times, those without (1, 2, 2, 4) of 9.
    expected = np.log([5 / 13 / (1 / 9), 3 / 13 / (2 / 9), 3 / 13 / (2 / 9), 2 / 13 / (4 / 9)])
    assert log_count_ratio(matrix, TARGETS, np.ones(8)) == pytest.approx(expected)
    doubled = np.repeat(DENSE, [1, 2, 1, 1, 3, 1, 1, 1], axis=0)
    targets = np.repeat(TARGETS, [1, 2, 1, 1, 3, 1, 1, 1])
    with_label, without = 1 + targets @ doubled, 1 + (1 - targets) @ doubled
    ratio = np.log(with_label / with_label.sum()) - np.log(without / without.sum())
    assert log_count_ratio(matrix, TARGETS, np.array([1.0, 2, 1, 1, 3, 1, 1, 1])) == pytest.approx(ratio)


@pytest.mark.parametrize("weights", [np.ones(8), WEIGHTS])
def test_weights_are_those_of_scikit_learn(matrix: BinaryMatrix, weights: Floats) -> None:
    mean_one = weights / weights.mean()
    ratio = log_count_ratio(matrix, TARGETS, mean_one)
    right = LogisticRegression(C=2.0, tol=1e-10, max_iter=10_000).fit(DENSE * ratio, TARGETS, sample_weight=mean_one)
    found = learn_weights(matrix, TARGETS, weights, penalty=0.5, start=0.0, tolerance=1e-12)
    assert found.weights == pytest.approx(ratio * right.coef_[0], abs=1e-3)
    assert found.intercept == pytest.approx(right.intercept_[0], abs=1e-3)


def test_weights_shrink_towards_the_ratio(matrix: BinaryMatrix) -> None:
    ratio = log_count_ratio(matrix, TARGETS, np.ones(8))

    def loss(place: Floats) -> float:
        logits = DENSE @ (ratio * place[:4]) + place[4]
        right = np.where(TARGETS == 1, logits, -logits)
        return float(np.log1p(np.exp(-right)).sum() + 3 / 2 * ((place[:4] - 0.25) ** 2).sum())

    right = scipy_minimize(loss, np.zeros(5), method="BFGS").x
    found = learn_weights(matrix, TARGETS, np.ones(8), penalty=3.0, start=0.25, tolerance=1e-12)
    assert found.weights == pytest.approx(ratio * right[:4], abs=1e-3)
    stiff = learn_weights(matrix, TARGETS, np.ones(8), penalty=1e9, start=0.25)
    assert stiff.weights == pytest.approx(0.25 * ratio, abs=1e-6)


def test_weights_of_losses_are_for_learning_and_not_for_the_ratio(matrix: BinaryMatrix) -> None:
    plain = learn_weights(matrix, TARGETS, np.ones(8), tolerance=1e-12)
    tripled = learn_weights(matrix, TARGETS, np.ones(8), of_loss=np.where(TARGETS > 0, 3.0, 1.0), tolerance=1e-12)
    assert tripled.intercept > plain.intercept + 0.5
    assert learn_weights(matrix, TARGETS, 7 * np.ones(8), tolerance=1e-12).weights.tolist() == plain.weights.tolist()


@pytest.mark.parametrize(("target", "sign"), [(0.0, -1), (1.0, 1)])
def test_weights_of_a_label_that_all_texts_have_or_none(matrix: BinaryMatrix, target: float, sign: int) -> None:
    found = learn_weights(matrix, np.full(8, target), np.ones(8))
    assert found.weights.tolist() == [0.0] * 4
    assert found.intercept == pytest.approx(sign * np.log(8.5 / 0.5))


def draw_sides(outputs: int, rows: int = 4000) -> tuple[Floats, Floats, Floats]:
    """Logits of two sides, and logits of which they are noisy views."""
    draw = np.random.default_rng(11)
    truth = draw.normal(0, 2, [rows, outputs])
    return 2 * truth + draw.normal(0, 2, truth.shape), truth + draw.normal(0, 1, truth.shape), truth


def test_join_of_two_labels_is_scikit_learns_regression_on_both_logits() -> None:
    lstm, ngrams, truth = draw_sides(1)
    labels = (np.random.default_rng(5).random(len(truth)) < 1 / (1 + np.exp(-truth[:, 0] + 1))).astype(np.int64)
    both = np.concatenate([lstm, ngrams], axis=1)
    weights = np.where(labels == 1, 2.0, 0.5)
    for of_rows in (None, weights):
        right = LogisticRegression(C=1e6, tol=1e-10).fit(both, labels, sample_weight=of_rows)
        found = fit_join(lstm, ngrams, labels, weights=of_rows)
        assert [found.lstm, found.ngrams] == pytest.approx(right.coef_[0], abs=2e-3)
        assert found.bias == pytest.approx(right.intercept_, abs=2e-3)
    by_class = fit_join(lstm, ngrams, labels, class_weights=np.array([0.5, 2.0]))
    assert [by_class.lstm, by_class.ngrams, *by_class.bias] == pytest.approx([found.lstm, found.ngrams, *found.bias])


@pytest.mark.parametrize("several", [False, True])
def test_join_of_more_outputs_has_the_lowest_loss(several: bool) -> None:
    lstm, ngrams, truth = draw_sides(3, rows=300)
    labels = truth > 1 if several else truth.argmax(axis=1)
    middle = np.array([0.5, 0.5, 0, 0, 0])
    class_weights = np.array([1.0, 4.0, 2.0])

    def loss(place: Floats) -> float:
        logits = place[0] * lstm + place[1] * ngrams + place[2:]
        if several:
            losses = np.log1p(np.exp(-logits)) * labels * class_weights + np.log1p(np.exp(logits)) * (1 - labels)
        else:
            scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            each = class_weights[labels.astype(int)]
            losses = -np.log(scores[np.arange(300), labels.astype(int)]) * each / each.mean()
        return float(losses.sum() + ((place - middle) ** 2).sum() / 2)

    right = scipy_minimize(loss, middle, method="BFGS").x
    found = fit_join(lstm, ngrams, labels, class_weights=class_weights)
    assert [found.lstm, found.ngrams, *found.bias] == pytest.approx(right, abs=1e-3)


def test_join_gives_a_side_that_misleads_no_say() -> None:
    lstm, _, truth = draw_sides(1)
    labels = (truth[:, 0] > 0).astype(np.int64)
    assert fit_join(-lstm, truth, labels).lstm == 0.0


@pytest.mark.parametrize("rows", [0, 1])
def test_join_of_few_rows_is_near_half_of_each_side(rows: int) -> None:
    logits, labels = np.full([rows, 1], 0.5), np.ones(rows, np.int64)
    found = fit_join(logits, logits, labels)
    assert [found.lstm, found.ngrams, found.bias[0]] == pytest.approx([0.5, 0.5, 0.0], abs=0.3 * rows)
    assert fit_join(logits, logits, labels, weights=np.zeros(rows)) == Join(0.5, 0.5, np.zeros(1))


def test_kinds_that_nothing_reads_are_refused() -> None:
    with pytest.raises(ValidationError, match="ngram_gaps is 2, but ngrams is 0; set ngrams to 1 or more, or"):
        ModelSettings(ngram_gaps=2)
    assert ModelSettings(ngrams=1, ngram_gaps=2, ngram_ending=3).ngram_ending == 3
