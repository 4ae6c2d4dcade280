"""Ids of records -> an estimate of how many rows of a split are nearly a row of another split: pure functions.

Two texts are near duplicates if they share at least 80% of their shingles (Jaccard). A shingle is three ids that follow
each other in the record. What is estimated, and how:

    lead        of each row, the smallest hash of its shingles. Two texts have the same lead with the probability of
                their similarity. It takes 0.5 us a row of 230 ids
    sample      rows whose lead is in the sample, some 4 MB of text: near duplicates mostly come into it together
    signature   of each sampled row, the smallest of other hashes (MinHash); equal places estimate the similarity
    count       rows of one lead: each row of a split against those of another. A row that is found at
                similarity 0.8 stands for 1 / 0.8 rows, as such pairs have the same lead that often

Of a lead that very many rows share, a few rows of each split are compared, those of the smallest keys. Each stands for
its part of the rows. So the results depend neither on bundles nor on workers, and memory is bounded.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, groupby, pairwise
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.contract import SPLITS
from pipeline.records_folder.text_findings import NearDuplicates, NearRows
from pipeline.support import arrow_ipc
from pipeline.support.arrays import Flags, Int64s

UInt32s = npt.NDArray[np.uint32]

PAIRS: Final = tuple(combinations(range(len(SPLITS)), 2))
SIMILARITY: Final = 0.8

# Places of a signature: the similarity is right within 0.07.
_PLACES: Final = 32
# Rows of a lead and split that are compared.
_COMPARED: Final = 16
# Rows whose shingles are hashed at a time: their arrays stay in the cache of a core.
_BLOCK_ROWS: Final = 256
_SHINGLE_IDS: Final = 3
_NO_SHINGLE: Final = np.uint32(2**32 - 1)

_RANDOM: Final = np.random.Generator(np.random.PCG64(19_970_611))
_FACTORS: Final = _RANDOM.integers(0, 2**31, _SHINGLE_IDS, np.uint32) * np.uint32(2) + np.uint32(1)
_PLACE_FACTORS: Final = _RANDOM.integers(0, 2**31, _PLACES, np.uint32) * np.uint32(2) + np.uint32(1)
_PLACE_TERMS: Final = _RANDOM.integers(0, 2**32, _PLACES, np.uint32)

SCHEMA: Final = pa.schema([
    ("lead", pa.uint32()),
    ("split", pa.int8()),
    ("key", pa.uint64()),
    ("tokens", pa.int64()),
    ("signature", pa.binary(4 * _PLACES)),
])  # fmt: skip
COUNTS: Final = pa.schema([("lead", pa.uint32()), ("split", pa.int8()), ("rows", pa.int64())])


class NearCounts(NamedTuple):
    """Counts of sampled rows. rows: that are in the sample. near: of each pair of splits, the rows of the second that
    are near a row of the first, as far as the sample stands for them."""

    rows: int
    near: list[float]


class SampledRows(NamedTuple):
    """Rows of the sample. rows: a table of SCHEMA. counts: of COUNTS, with all rows of the leads in `rows`."""

    rows: pa.Table
    counts: pa.Table


def sampled_rows(
    ids: npt.NDArray[np.signedinteger],
    *,
    splits: npt.NDArray[np.integer],
    keys: npt.NDArray[np.uint64],
    tokens: Int64s,
    share: float,
) -> SampledRows:
    """Records -> those of the sample. ids [rows, max_length]; splits, keys (a half of each), tokens (fingerprints)
    [rows]; share: of all leads that are in the sample."""
    lead = leads(ids)
    chosen = np.flatnonzero((lead != _NO_SHINGLE) & (_mixed(lead) < np.uint64(min(int(share * 2**32), 2**32))))
    lead, split, key = lead[chosen], splits[chosen].astype(np.int8), keys[chosen]
    order = np.lexsort((key, split, lead))
    order = order[_number_in_run(lead[order], split[order]) < _COMPARED]
    signature = np.ascontiguousarray(signatures(ids[chosen[order]]), ">u4").view(f"V{4 * _PLACES}").reshape(-1)
    columns = [lead[order], split[order], key[order], tokens[chosen][order]]
    rows = pa.table([*map(pa.array, columns), pa.array(signature.tolist(), pa.binary(4 * _PLACES))], SCHEMA)
    return SampledRows(rows, _counts(lead, split, np.ones(len(lead), np.int64)))


def merge(parts: Sequence[SampledRows]) -> SampledRows:
    """The sampled rows of all parts together."""
    rows = pa.concat_tables([SCHEMA.empty_table(), *(part.rows for part in parts)]).combine_chunks()
    counts = pa.concat_tables([COUNTS.empty_table(), *(part.counts for part in parts)])
    lead, split, key, tokens = (rows[name].to_numpy() for name in SCHEMA.names[:4])
    order = np.lexsort((tokens, key, split, lead))
    order = order[_number_in_run(lead[order], split[order]) < _COMPARED]
    return SampledRows(rows.take(pa.array(order)), _counts(*(counts[name].to_numpy() for name in COUNTS.names)))


def pack(sampled: SampledRows) -> tuple[bytes, bytes]:
    """Sampled rows as bytes, to cross a stage."""
    return arrow_ipc.pack(sampled.rows), arrow_ipc.pack(sampled.counts)


def unpack(packed: tuple[bytes, bytes]) -> SampledRows:
    """The sampled rows that were packed."""
    rows, counts = packed
    return SampledRows(arrow_ipc.unpack(rows), arrow_ipc.unpack(counts))


def count(sampled: SampledRows) -> NearCounts:
    """All sampled rows, merged -> the counts."""
    lead, split, _, tokens = (sampled.rows[name].to_numpy() for name in SCHEMA.names[:4])
    signature = np.frombuffer(b"".join(sampled.rows["signature"].to_pylist()), ">u4").reshape(-1, _PLACES)
    rows_of = {
        (one, other): rows
        for one, other, rows in zip(*(sampled.counts[name].to_pylist() for name in COUNTS.names), strict=True)
    }
    near = [0.0] * len(PAIRS)
    numbers = {pair: number for number, pair in enumerate(PAIRS)}
    for runs in _runs_of_leads(lead, split):
        for (first, ones), (second, others) in combinations(runs, 2):
            stands_for = rows_of[int(lead[others.start]), second] / (others.stop - others.start)
            weights = _weights(signature[others], signature[ones], tokens[others], tokens[ones])
            near[numbers[first, second]] += stands_for * float(weights.sum())  # by leads, whatever the workers
    return NearCounts(sum(rows_of.values()), near)


def _runs_of_leads(lead: UInt32s, split: npt.NDArray[np.int8]) -> Iterator[list[tuple[int, slice]]]:
    """Rows sorted by lead and split -> for each lead in several splits, those splits with their rows, in order."""
    is_new: Flags = np.concatenate([[True], (lead[1:] != lead[:-1]) | (split[1:] != split[:-1])])[: len(lead)]
    begins = np.flatnonzero(is_new)
    runs = zip(lead[begins].tolist(), split[begins].tolist(), pairwise([*begins.tolist(), len(lead)]), strict=True)
    for _, of_lead in groupby(runs, key=itemgetter(0)):
        found = [(number, slice(begin, end)) for _, number, (begin, end) in of_lead]
        if len(found) > 1:
            yield found


def near_duplicates(counts: NearCounts, *, share: float, rows: Sequence[int]) -> NearDuplicates:
    """The near duplicates in the manifest. share: of all leads that are in the sample. rows: of each split."""
    return NearDuplicates(
        similarity=SIMILARITY,
        sampled_rows=counts.rows,
        across=[
            NearRows(splits=(SPLITS[first], SPLITS[second]), rows=min(round(near / share), rows[second]))
            for (first, second), near in zip(PAIRS, counts.near, strict=True)
        ],
    )


def leads(ids: npt.NDArray[np.signedinteger]) -> UInt32s:
    """ids [rows, max_length] -> uint32 [rows], the smallest hash of a row's shingles; the largest number if it has
    none."""
    found = np.full(len(ids), _NO_SHINGLE)
    for begin in range(0, len(ids), _BLOCK_ROWS):
        hashes, rows, starts = _shingles(ids[begin : begin + _BLOCK_ROWS])
        if len(rows):
            found[begin + rows] = np.minimum.reduceat(hashes, starts)
    return found


def signatures(ids: npt.NDArray[np.signedinteger]) -> UInt32s:
    """ids [rows, max_length] -> uint32 [rows, places]: of each row, the smallest of each of several hashes.

    >>> same = signatures(np.array([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 9]]))
    >>> 0.4 < float((same[0] == same[1]).mean()) < 0.8  # three of five shingles are the same
    True
    """
    found = np.full((len(ids), _PLACES), _NO_SHINGLE)
    for begin in range(0, len(ids), _BLOCK_ROWS):
        shingles, rows, starts = _shingles(ids[begin : begin + _BLOCK_ROWS])
        is_none = shingles == _NO_SHINGLE
        for place in range(_PLACES if len(rows) else 0):
            hashes = shingles ^ _PLACE_TERMS[place]
            hashes ^= hashes >> np.uint32(15)
            hashes *= _PLACE_FACTORS[place]
            hashes[is_none] = _NO_SHINGLE
            found[begin + rows, place] = np.minimum.reduceat(hashes, starts)
    return found


def _shingles(ids: npt.NDArray[np.signedinteger]) -> tuple[UInt32s, Int64s, Int64s]:
    """A hash of each shingle of all rows, one row after the other; the rows that have some; where each of them begins.

    The hash stands at the last of the three ids. At the first two ids of a row is the largest number.
    """
    is_id = ids != 0
    lengths = is_id.sum(axis=1)
    begins = np.cumsum(lengths) - lengths
    flat = ids[is_id].astype(np.uint32)
    hashes = flat * _FACTORS[2]
    hashes[1:] += flat[:-1] * _FACTORS[1]
    hashes[2:] += flat[:-2] * _FACTORS[0]
    hashes ^= hashes >> np.uint32(16)
    hashes *= _FACTORS[1]
    hashes[begins[lengths > 0]] = _NO_SHINGLE
    hashes[begins[lengths > 1] + 1] = _NO_SHINGLE
    rows = np.flatnonzero(lengths >= _SHINGLE_IDS)
    return hashes, rows, begins[rows]


def _mixed(lead: UInt32s) -> npt.NDArray[np.uint64]:
    """Leads are small numbers: the smallest of many. Mixed, each number below 2**32 is as likely as any other."""
    mixed = lead.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return (mixed * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(32)


def _number_in_run(*columns: npt.NDArray[np.generic]) -> Int64s:
    """Sorted columns -> the number of each row among those with equal values, from 0."""
    rows = np.arange(len(columns[0]))
    is_new: Flags = np.concatenate([[True], np.logical_or.reduce([c[1:] != c[:-1] for c in columns])])[: len(rows)]
    return rows - np.maximum.accumulate(np.where(is_new, rows, 0))


def _counts(lead: UInt32s, split: npt.NDArray[np.int8], rows: Int64s) -> pa.Table:
    both = lead.astype(np.int64) * len(SPLITS) + split
    distinct, places = np.unique(both, return_inverse=True)
    summed = np.zeros(len(distinct), np.int64)
    np.add.at(summed, places, rows)
    columns = [(distinct // len(SPLITS)).astype(np.uint32), (distinct % len(SPLITS)).astype(np.int8), summed]
    return pa.table([pa.array(column) for column in columns], COUNTS)


def _weights(others: UInt32s, ones: UInt32s, other_tokens: Int64s, one_tokens: Int64s) -> npt.NDArray[np.float64]:
    """Signatures and fingerprints of rows of two splits -> for each of the others, the rows that it stands for.

    0 if it is near none of the ones, or equal to one token for token: such rows are counted as duplicates.
    """
    similarity = (others[:, None, :] == ones[None, :, :]).sum(axis=2).max(axis=1) / _PLACES
    is_equal = (other_tokens[:, None] == one_tokens[None, :]).any(axis=1)
    return np.where(~is_equal & (similarity >= SIMILARITY), 1 / np.maximum(similarity, SIMILARITY), 0.0)
