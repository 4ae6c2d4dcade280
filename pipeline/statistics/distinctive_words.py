"""Ids and labels of records -> the words that speak for each label: pure functions; counts of parts add up.

The score of a word is the z-score of its log-odds ratio with an informative Dirichlet prior, of a label against all
others: equations 16, 19, 20 and 22 of Monroe, Colaresi and Quinn, "Fightin' Words" (Political Analysis 16:4, 2008).

    ratio = log((y + a) / (n + A - y - a))   of the label, less the same of the others
    score = ratio / sqrt(1 / (y of the label + a) + 1 / (y of the others + a))

y: occurrences of the word, n: of all words, a: the prior's of the word, A: of all words. Plain log-odds would list
words that occur once; the prior is what all records together say, and pulls those towards nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.manifest import DistinctiveWord, DistinctiveWordsSummary

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_LABELS = 50
WORDS_OF_LABEL = 20

_PRIOR_TOKENS = 1000.0
# Rarer words than these are hardly telling.
_MOST_WORDS = 20_000

# A code is a label and an id in one number.
_ID_BITS = 32
# Above this many labels times ids, sorting a batch's ids is cheaper than a counter for each.
_COUNTERS = 1 << 22


class WordCounts(NamedTuple):
    """How often each word stands in records of each label. codes, rising: label << 32 | id; rows: records counted."""

    codes: Int64s = np.empty(0, np.int64)
    counts: Int64s = np.empty(0, np.int64)
    rows: int = 0


def count_words(ids: npt.NDArray[np.signedinteger], labels: Int64s, *, first_id: int) -> WordCounts:
    """Counts of records, ids [rows, max_length] and labels [rows]; ids below `first_id` are no words.

    >>> found = count_words(np.array([[0, 1, 1], [0, 0, 1]]), np.array([0, 1]), first_id=1)
    >>> found.codes.tolist(), found.counts.tolist(), found.rows
    ([1, 4294967297], [2, 1], 2)
    """
    if not len(ids):
        return WordCounts()
    distinct, label = np.unique(labels, return_inverse=True)
    width = int(ids.max()) + 1
    flat = (label[:, np.newaxis] * width + ids)[ids >= first_id]
    if len(distinct) * width <= _COUNTERS:
        counters = np.bincount(flat)
        found = np.flatnonzero(counters)
        counts = counters[found]
    else:
        found, counts = np.unique(flat, return_counts=True)
    return WordCounts((distinct[found // width] << _ID_BITS) | found % width, counts, len(ids))


def add(parts: Iterable[WordCounts]) -> WordCounts:
    """The counts of all parts together."""
    some = [part for part in parts if part.rows]
    if len(some) < 2:
        return some[0] if some else WordCounts()
    codes, place = np.unique(np.concatenate([part.codes for part in some]), return_inverse=True)
    counts = np.zeros(len(codes), np.int64)
    np.add.at(counts, place, np.concatenate([part.counts for part in some]))
    return WordCounts(codes, counts, sum(part.rows for part in some))


def distinctive_words_summary(
    found: WordCounts, *, label_rows: Sequence[int], labels: Sequence[str], tokens: Mapping[int, str], rows: int
) -> DistinctiveWordsSummary:
    """The distinctive words in the manifest. label_rows: train rows by label; tokens: by id; rows: all train rows."""
    chosen = sorted(sorted(range(len(labels)), key=lambda index: (-label_rows[index], index))[:MOST_LABELS])
    words, every, table = _table(found, chosen)
    by_label = {}
    for index, own in zip(chosen, table, strict=True):
        score = scores(own, every - own)
        best = np.lexsort((words, -score))[:WORDS_OF_LABEL]
        by_label[labels[index]] = [
            DistinctiveWord(
                token=tokens[int(words[place])],
                score=round(float(score[place]), 2),
                count=int(own[place]),
                elsewhere=int(every[place] - own[place]),
            )
            for place in best.tolist()
            if score[place] > 0
        ]
    return DistinctiveWordsSummary(sampled_rows=found.rows, exact=found.rows == rows, labels=by_label)


def scores(own: Int64s, others: Int64s) -> Floats:
    """Occurrences of each word in a label's records and in all others, [words] -> float64 [words].

    >>> scores(np.array([30, 10, 10]), np.array([10, 10, 30])).round(2).tolist()
    [1.15, 0.0, -1.15]
    """
    every = own + others
    if len(every) < 2:
        return np.zeros(len(every))  # against nothing else there are no odds
    prior = every * (_PRIOR_TOKENS / max(int(every.sum()), 1))
    with_prior, others_with_prior = own + prior, others + prior
    ratio = _log_odds(with_prior) - _log_odds(others_with_prior)
    score: Floats = ratio / np.sqrt(1 / with_prior + 1 / others_with_prior)
    return score


def _log_odds(counts: Floats) -> Floats:
    odds: Floats = np.log(counts / (counts.sum() - counts))
    return odds


def _table(found: WordCounts, labels: Sequence[int]) -> tuple[Int64s, Int64s, Int64s]:
    """The most frequent words: their ids [words], occurrences in all records [words] and in those of each of some
    labels [labels, words]."""
    label, word_id = found.codes >> _ID_BITS, found.codes & ((1 << _ID_BITS) - 1)
    words, column = np.unique(word_id, return_inverse=True)
    every = np.zeros(len(words), np.int64)
    np.add.at(every, column, found.counts)
    kept = np.sort(np.lexsort((words, -every))[:_MOST_WORDS])
    table = np.zeros((len(labels), len(words)), np.int64)
    for row, index in enumerate(labels):
        of_label = slice(*np.searchsorted(label, [index, index + 1]))
        table[row, column[of_label]] = found.counts[of_label]
    return words[kept], every[kept], table[:, kept]
