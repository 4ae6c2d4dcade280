"""The keys and labels of all rows -> which rows are left out as duplicates, and where each label is cut into splits.

Pure functions. `split.duplicates` and `split.stratify` need all rows at once, before any token is counted. So keys and
labels are read first (job/survey.py): 33 bytes a row, in buckets. A bucket is a range of keys, so equal texts are in
one bucket, and the buckets in order have the keys in order.

    decide      the rows of a bucket -> rows that are left out, and the stratum of each row
    plan_cuts   the counts of all buckets -> which bucket holds each cut of a stratum, and at which row
    find_cut    the rows of that bucket -> the key where the stratum is cut
    split_by_strata   keys of rows, and the cuts -> splits

A stratum is a label, and the splits that its rows may go to. Its rows in the order of their keys are cut where their
number is the share of the rows, rounded. Equal texts stay together: the cut moves to the nearest end of such texts. If
equal texts have different labels, all of them belong to the label of the first, by position.

If a row may have several labels, its stratum is all of them. There may be nearly as many such strata as rows, and small
ones: cut on their own, strata of one row would all go to train. So strata with too few rows for a row in each split are
not cut; their rows go where their keys alone send them (keys.split_by_content).
"""

import math
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from pipeline.config.input_settings import Duplicates, SplitSettings
from pipeline.contract import SPLITS
from pipeline.records.keys import key_halves, narrowed_shares
from pipeline.support.arrays import Flags, Int64s

UInt64s = npt.NDArray[np.uint64]

# first, second: the halves of the key. label: a hash of it. allowed: a bit for each split that the row may go to.
SCHEMA: Final = pa.schema(
    [
        ("first", pa.uint64()),
        ("second", pa.uint64()),
        ("label", pa.uint64()),
        ("allowed", pa.int8()),
        ("position", pa.int64()),
    ]
)

_ALL_SPLITS: Final = (1 << len(SPLITS)) - 1
_NO_KEY: Final = 2**64 - 1
# An odd number: for one label the strata of different `allowed` differ. 2**64 divided by the golden ratio.
_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)


class Stratum(NamedTuple):
    """A hash of a label, and a bit for each split that the rows may go to."""

    label: int
    allowed: int


class Cut(NamedTuple):
    """A cut of a stratum: its number (0: where train ends, 1: where eval ends), the rows of the stratum in the buckets
    before, and how many rows of this bucket are before it."""

    stratum: Stratum
    number: int
    before: int
    offset: int


class Cuts(NamedTuple):
    """Where strata are cut. by_bucket: cuts in the midst of rows. found: (stratum, number, key) of all others."""

    by_bucket: dict[int, list[Cut]]
    found: list[tuple[Stratum, int, int]]


class Strata(NamedTuple):
    """The cuts of all strata. numbers: uint64 [strata], rising, see stratum_numbers. ends: uint64 [strata, 2], the keys
    (first halves) from which on rows are no longer in train, and no longer in eval."""

    numbers: UInt64s
    ends: UInt64s


class Decided(NamedTuple):
    """What is decided on the rows of a bucket, [rows] each. strata: the number of the stratum that a row is counted in;
    is_moved: it is not that of the row's own label."""

    is_left_out: Flags
    strata: UInt64s
    is_moved: Flags


def survey_table(
    keys: pa.LargeBinaryArray, *, labels: pa.StringArray, allowed: pa.StringArray, positions: pa.Int64Array
) -> pa.Table:
    """Columns of rows -> a table of SCHEMA; allowed: names of splits with a space between them, null: all."""
    halves = key_halves(keys)
    columns = [halves[:, 0], halves[:, 1], label_hashes(labels), allowed_bits(allowed), positions.to_numpy()]
    return pa.table([pa.array(column) for column in columns], SCHEMA)


def label_hashes(labels: pa.StringArray) -> UInt64s:
    """Labels -> a hash of each, uint64 [rows]."""
    encoded = labels.dictionary_encode()
    hashes = [xxhash.xxh3_64_intdigest(label.encode()) for label in encoded.dictionary.to_pylist()]
    return np.array([*hashes, 0], np.uint64)[encoded.indices.to_numpy()]


def allowed_bits(allowed: pa.StringArray) -> npt.NDArray[np.int8]:
    """Names of splits -> a bit for each of them, int8 [rows].

    >>> allowed_bits(pa.array([None, "train eval", "test"])).tolist()
    [7, 3, 4]
    """
    encoded = allowed.dictionary_encode()
    bits = [sum(1 << SPLITS.index(name) for name in names.split()) for names in encoded.dictionary.to_pylist()]
    return np.array([*bits, _ALL_SPLITS], np.int8)[encoded.indices.fill_null(len(bits)).to_numpy()]


def stratum_numbers(labels: UInt64s, allowed: npt.NDArray[np.int8]) -> UInt64s:
    """Hashes of labels and bits of splits -> one number of each stratum, uint64 [rows]."""
    return labels + allowed.astype(np.uint64) * _MIXER


def buckets(table: pa.Table, number: int) -> Iterator[tuple[int, pa.Table]]:
    """A table of SCHEMA -> (bucket, its rows).

    >>> keys = pa.array([b"\\xff" * 16, bytes(16)], pa.large_binary())
    >>> names = pa.array(["train", "test"])
    >>> table = survey_table(keys, labels=names, allowed=names, positions=pa.array([0, 1]))
    >>> [(bucket, some["position"].to_pylist()) for bucket, some in buckets(table, 10)]
    [(0, [1]), (9, [0])]
    """
    high = table["first"].to_numpy() >> np.uint64(32)
    bucket = (high * np.uint64(number) >> np.uint64(32)).astype(np.int64)
    for index in np.unique(bucket).tolist():
        yield index, table.filter(pa.array(bucket == index))


def decide(table: pa.Table, duplicates: Duplicates) -> Decided:
    """Decides on the rows of a bucket, a table of SCHEMA in any order.

    first: each text's row of the lowest position stays. drop_conflicting: no row of a text with several labels stays.
    """
    first, second, label, allowed, position = (table[name].to_numpy() for name in SCHEMA.names)
    order = np.lexsort((position, second, first))
    is_new = _differs(first[order], second[order])
    is_left_out = np.zeros(len(order), np.bool_)
    if duplicates == "first":
        is_left_out[order] = ~is_new
    elif duplicates == "drop_conflicting" and len(order):
        starts, text = np.flatnonzero(is_new), np.cumsum(is_new) - 1
        lowest, highest = (ufunc.reduceat(label[order], starts) for ufunc in (np.minimum, np.maximum))
        is_left_out[order] = (lowest != highest)[text]
    # The first row of each text, among those that may go to the same splits, decides on the stratum of all of them.
    kept = order[~is_left_out[order]]
    kept = kept[np.lexsort((position[kept], allowed[kept], second[kept], first[kept]))]
    begins = _differs(first[kept], second[kept], allowed[kept])
    own = stratum_numbers(label, allowed)
    strata = own.copy()
    strata[kept] = own[kept][begins][np.cumsum(begins) - 1]
    return Decided(is_left_out, strata, strata != own)


def count_strata(table: pa.Table, decided: Decided) -> dict[Stratum, int]:
    """The rows of a bucket that stay, by the stratum that they are counted in."""
    stays = ~decided.is_left_out & ~decided.is_moved  # a stratum has a row of its own label in the bucket
    numbers, counts = np.unique(decided.strata[~decided.is_left_out], return_counts=True)
    _, places = np.unique(decided.strata[stays], return_index=True)
    label, allowed = (table[name].to_numpy()[stays][places].tolist() for name in ("label", "allowed"))
    assert len(places) == len(numbers)
    return {
        Stratum(*pair): count for pair, count in zip(zip(label, allowed, strict=True), counts.tolist(), strict=True)
    }


def plan_cuts(
    counts: Iterable[tuple[int, dict[Stratum, int]]], settings: SplitSettings, *, max_labels: int, several: bool = False
) -> Cuts:
    """(bucket, count_strata's counts) of all buckets -> where the strata are cut.

    With more labels than `max_labels` nothing is cut: so many labels end the run. several: a row may have several
    labels, of which there may be any number of combinations; those with few rows are not cut.

    >>> stratum = Stratum(5, 7)
    >>> plan_cuts([(1, {stratum: 6}), (0, {stratum: 4})], SplitSettings(), max_labels=9).by_bucket
    {1: [Cut(stratum=Stratum(label=5, allowed=7), number=0, before=4, offset=4), \
Cut(stratum=Stratum(label=5, allowed=7), number=1, before=4, offset=5)]}
    """
    rows: dict[Stratum, list[tuple[int, int]]] = {}
    for bucket, of_bucket in sorted(counts, key=lambda pair: pair[0]):
        for stratum, number in of_bucket.items():
            rows.setdefault(stratum, []).append((bucket, number))
    cuts = Cuts({}, [])
    if several:
        rows = {stratum: parts for stratum, parts in rows.items() if _fills_splits(stratum, parts, settings)}
    elif len({stratum.label for stratum in rows}) > max_labels:
        return cuts
    for stratum in sorted(rows):
        for number, rank in enumerate(_ranks(stratum, sum(count for _, count in rows[stratum]), settings)):
            before = 0
            for bucket, count in rows[stratum]:
                if 0 < rank < before + count:
                    cuts.by_bucket.setdefault(bucket, []).append(Cut(stratum, number, before, rank - before))
                    break
                before += count
            else:
                cuts.found.append((stratum, number, _NO_KEY if rank else 0))
    return cuts


def find_cut(cut: Cut, table: pa.Table, decided: Decided) -> tuple[Stratum, int, int]:
    """A cut and the rows of its bucket -> (stratum, number, the key from which on rows are after the cut)."""
    number = stratum_numbers(np.array([cut.stratum.label], np.uint64), np.array([cut.stratum.allowed], np.int8))
    rows = ~decided.is_left_out & (decided.strata == number)
    keys = np.sort(table["first"].to_numpy()[rows])
    key = keys[cut.offset]
    begin, end = (int(np.searchsorted(keys, key, side=side)) for side in ("left", "right"))
    has_rows = cut.number > 0 or cut.before + begin > 0  # train has a row of each label
    is_before = cut.offset - begin <= end - cut.offset and has_rows
    return cut.stratum, cut.number, int(key) if is_before else min(int(key) + 1, _NO_KEY)


def strata_of(found: Iterable[tuple[Stratum, int, int]]) -> Strata:
    """All cuts -> the strata."""
    ends: dict[Stratum, list[int]] = {}
    for stratum, number, key in found:
        ends.setdefault(stratum, [0, 0])[number] = key
    labels = np.array([stratum.label for stratum in ends], np.uint64)
    numbers = stratum_numbers(labels, np.array([stratum.allowed for stratum in ends], np.int8))
    order = np.argsort(numbers)
    keys = np.array([[train, max(train, evaluation)] for train, evaluation in ends.values()], np.uint64).reshape(-1, 2)
    return Strata(numbers[order], keys[order])


def split_by_strata(keys: pa.LargeBinaryArray, numbers: UInt64s, strata: Strata, *, otherwise: Int64s) -> Int64s:
    """Keys and the numbers of their strata, [rows] -> int64 [rows], the index into SPLITS of each.

    otherwise: [rows], the splits of rows whose stratum is not there: it is too small, or the job has too many labels
    and is refused.
    """
    if not len(strata.numbers):
        return otherwise
    place = np.minimum(np.searchsorted(strata.numbers, numbers), len(strata.numbers) - 1)
    is_after = key_halves(keys)[:, :1] >= strata.ends[place]
    return np.where(strata.numbers[place] == numbers, is_after.sum(axis=1), otherwise)


def _fills_splits(stratum: Stratum, parts: Iterable[tuple[int, int]], settings: SplitSettings) -> bool:
    """Whether the shares give each split at least one of the rows of a stratum."""
    names = [name for bit, name in enumerate(SPLITS) if stratum.allowed >> bit & 1]
    smallest = min(share for share in narrowed_shares(settings, names) if share > 0)
    return sum(count for _, count in parts) * smallest >= 1 - 1e-9  # 10 rows in shares of 0.8, 0.1 and 0.1


def _ranks(stratum: Stratum, rows: int, settings: SplitSettings) -> tuple[int, int]:
    """The numbers of the rows before the end of train, and before the end of eval, of all rows of a stratum."""
    names = [name for bit, name in enumerate(SPLITS) if stratum.allowed >> bit & 1]
    train, evaluation, _ = narrowed_shares(settings, names)
    after_train = max(math.floor(rows * train + 0.5), 1 if train else 0)
    return after_train, max(math.floor(rows * (train + evaluation) + 0.5), after_train)


def _differs(*columns: npt.NDArray[np.generic]) -> Flags:
    """Marks the first row, and each row that differs from the one before in any column."""
    changes = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return np.concatenate([[True], changes])[: len(columns[0])]
