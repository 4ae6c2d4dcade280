"""Ids and labels of records -> the distinctive words of each label: pure functions; counts of parts add up.

The score of a word is the z-score of its log-odds ratio with an informative Dirichlet prior, of a label against all
others: equations 16, 19, 20 and 22 of Monroe, Colaresi and Quinn, "Fightin' Words" (Political Analysis 16:4, 2008).

    log_odds = log((y + a) / (n + A - y - a))
    ratio    = log_odds in the label - log_odds elsewhere
    score    = ratio / sqrt(1 / (y in the label + a) + 1 / (y elsewhere + a))

y: occurrences of the word; n: occurrences of all words; a, A: the same in the prior. With plain log-odds, words that
occur once would have the highest scores. The prior, the frequencies in all records, pulls their scores towards 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.text_findings import DistinctiveWord, DistinctiveWordsSummary
from pipeline.support.arrays import Float64s, Int64s

# What the manifest lists: the labels with the most train rows, and the words of each with the highest scores.
_MAX_LABELS = 50
_MAX_WORDS_OF_LABEL = 20

_PRIOR_TOKENS = 1000.0  # what the prior weighs, in occurrences
# Only the most frequent words get a score; rarer ones are hardly distinctive.
_MAX_WORDS = 20_000

# A code is a label and an id in one number.
_ID_BITS = 32
# With more pairs of a label and an id than this, sorting the ids of a batch is cheaper than a counter for each pair.
_MAX_COUNTERS = 1 << 22

# In place of a label, where a record may have several: the words of each record once.
ALL_RECORDS = 2**31 - 1
# Pairs of a record and a label whose words are counted at a time: 16 MB with 500 ids each.
_PAIRS = 1 << 12


class WordCounts(NamedTuple):
    """How often each word occurs in records of each label. codes, rising: label << 32 | id; rows: records counted."""

    codes: Int64s = np.empty(0, np.int64)
    counts: Int64s = np.empty(0, np.int64)
    rows: int = 0


def count_words(ids: npt.NDArray[np.signedinteger], labels: Int64s, *, first_id: int) -> WordCounts:
    """The counts of records with ids [rows, max_length] and labels [rows]; ids below `first_id` are not words.

    >>> words = count_words(np.array([[0, 1, 1], [0, 0, 1]]), np.array([0, 1]), first_id=1)
    >>> words.codes.tolist(), words.counts.tolist(), words.rows
    ([1, 4294967297], [2, 1], 2)
    """
    if not len(ids):
        return WordCounts()
    distinct, label = np.unique(labels, return_inverse=True)
    width = int(ids.max()) + 1
    flat = (label[:, np.newaxis] * width + ids)[ids >= first_id]
    if len(distinct) * width <= _MAX_COUNTERS:
        counters = np.bincount(flat)
        pairs = np.flatnonzero(counters)
        counts = counters[pairs]
    else:
        pairs, counts = np.unique(flat, return_counts=True)
    return WordCounts((distinct[pairs // width] << _ID_BITS) | pairs % width, counts, len(ids))


def count_words_of_sets(
    ids: npt.NDArray[np.signedinteger], rows: Int64s, labels: Int64s, *, first_id: int
) -> WordCounts:
    """The counts of records that may have several labels, each of which counts their words.

    ids: [records, max_length]. rows, labels: [pairs], a record and a label that it has. The words of all records are
    counted under ALL_RECORDS: a label is compared with the records that do not have it.

    >>> words = count_words_of_sets(np.array([[1, 1]]), np.array([0, 0]), np.array([0, 2]), first_id=1)
    >>> (words.codes >> 32).tolist(), words.counts.tolist(), words.rows
    ([0, 2, 2147483647], [2, 2, 2], 1)
    """
    parts = [count_words(ids, np.full(len(ids), ALL_RECORDS), first_id=first_id)]
    for begin in range(0, len(rows), _PAIRS):
        part = slice(begin, begin + _PAIRS)
        parts.append(count_words(ids[rows[part]], labels[part], first_id=first_id)._replace(rows=0))
    return merge(parts)


def merge(parts: Iterable[WordCounts]) -> WordCounts:
    """The counts of all parts together."""
    counted = [part for part in parts if part.rows or len(part.codes)]
    if len(counted) < 2:
        return counted[0] if counted else WordCounts()
    codes, index = np.unique(np.concatenate([part.codes for part in counted]), return_inverse=True)
    counts = np.zeros(len(codes), np.int64)
    np.add.at(counts, index, np.concatenate([part.counts for part in counted]))
    return WordCounts(codes, counts, sum(part.rows for part in counted))


def distinctive_words_summary(
    counts: WordCounts, *, label_rows: Sequence[int], labels: Sequence[str], tokens: Mapping[int, str], rows: int
) -> DistinctiveWordsSummary:
    """The distinctive words in the manifest. label_rows: train rows by label; tokens: by id; rows: all train rows."""
    chosen = sorted(sorted(range(len(labels)), key=lambda index: (-label_rows[index], index))[:_MAX_LABELS])
    words, total, table = _table(counts, chosen)
    by_label = {}
    for index, own in zip(chosen, table, strict=True):
        score = scores(own, total - own)
        best = np.lexsort((words, -score))[:_MAX_WORDS_OF_LABEL]
        by_label[labels[index]] = [
            DistinctiveWord(
                token=tokens[int(words[column])],
                score=round(float(score[column]), 2),
                count=int(own[column]),
                elsewhere=int(total[column] - own[column]),
            )
            for column in best.tolist()
            if score[column] > 0
        ]
    return DistinctiveWordsSummary(sampled_rows=counts.rows, exact=counts.rows == rows, labels=by_label)


def scores(own: Int64s, others: Int64s) -> Float64s:
    """Occurrences of each word in a label's records and elsewhere, [words] -> float64 [words].

    >>> scores(np.array([30, 10, 10]), np.array([10, 10, 30])).round(2).tolist()
    [1.15, 0.0, -1.15]
    """
    total = own + others
    if len(total) < 2:
        return np.zeros(len(total))  # one word alone has no odds
    prior = total * (_PRIOR_TOKENS / max(int(total.sum()), 1))
    with_prior, others_with_prior = own + prior, others + prior
    ratio = _log_odds(with_prior) - _log_odds(others_with_prior)
    score: Float64s = ratio / np.sqrt(1 / with_prior + 1 / others_with_prior)
    return score


def _log_odds(counts: Float64s) -> Float64s:
    odds: Float64s = np.log(counts / (counts.sum() - counts))
    return odds


def _table(counts: WordCounts, labels: Sequence[int]) -> tuple[Int64s, Int64s, Int64s]:
    """The most frequent words: their ids [words], their occurrences in all records [words], and in the records of each
    of the given labels [labels, words]."""
    label, word_id = counts.codes >> _ID_BITS, counts.codes & ((1 << _ID_BITS) - 1)
    words, column = np.unique(word_id, return_inverse=True)
    total = np.zeros(len(words), np.int64)
    is_total = label == ALL_RECORDS
    each_once = is_total if is_total.any() else slice(None)
    np.add.at(total, column[each_once], counts.counts[each_once])
    frequent = np.sort(np.lexsort((words, -total))[:_MAX_WORDS])
    table = np.zeros((len(labels), len(words)), np.int64)
    for row, index in enumerate(labels):
        of_label = slice(*np.searchsorted(label, [index, index + 1]))
        table[row, column[of_label]] = counts.counts[of_label]
    return words[frequent], total[frequent], table[:, frequent]
