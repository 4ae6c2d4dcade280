"""A shard file -> what it contains: size, hash, records, and which records break a rule.

The file is read once, as a stream, to its end; also if it is damaged.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.contract import PADDING_ID, Compression
from pipeline.errors import DamagedRecordsError
from pipeline.records.decode import decode_unlabelled
from pipeline.records.decode_features import decode_records
from pipeline.records.record_columns import NO_FEATURES, RecordColumns, RecordFeatures, pairs_of
from pipeline.records.shards import read_shard
from pipeline.records.weight_sums import WeightSums, merge, weight_sums
from pipeline.support.arrays import Flags, Int64s

_READ_BYTES = 1024 * 1024


class RecordRules(NamedTuple):
    """The rules for every record. labels: the number of labels; None: the records are of texts without labels.
    features: what records of texts with labels have."""

    max_length: int
    top_words: int
    padding: Literal["pre", "post"]
    labels: int | None
    features: RecordFeatures = NO_FEATURES


@dataclass(frozen=True, kw_only=True)
class ShardContent:
    """What a shard file contains.

    bytes, sha256: of the file as it is stored.
    records: the number of records that could be read; labels: int64 [labels], how many of them have each label.
    no_labels: how many have none. weights: the sums of their weights, if they have some.
    damage: why a record could not be read, or None.
    findings: a line for each rule that records break.
    """

    bytes: int
    sha256: str
    records: int
    labels: Int64s
    no_labels: int
    weights: WeightSums
    damage: str | None
    findings: list[str]


class HashedFile:
    """A file whose bytes are counted and hashed while it is read.

    >>> import io
    >>> file = HashedFile(io.BytesIO(b"abc"))
    >>> file.read_to_end()
    >>> file.bytes, file.sha256()[:8]
    (3, 'ba7816bf')
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        content = self._file.read(size)
        self._digest.update(content)
        self.bytes += len(content)
        return content

    def read_to_end(self) -> None:
        """Reads the rest, a megabyte at a time."""
        while self.read(_READ_BYTES):
            pass

    def sha256(self) -> str:
        """The SHA-256 of the bytes that were read, in hexadecimal digits."""
        return self._digest.hexdigest()


def check_shard(opened: BinaryIO, rules: RecordRules, *, compression: Compression) -> ShardContent:
    """Reads and checks a shard to its end, whatever is wrong with it."""
    file = HashedFile(opened)
    records = 0
    labels_seen, no_labels = np.zeros(rules.labels or 0, np.int64), 0
    weights = WeightSums()
    tally = _Tally()
    damage = None
    try:
        for columns in _decoded(file, rules, compression=compression):
            ids = columns.ids
            rows, labels = pairs_of(columns.labels)
            tally.add(records, [*_broken_rules(ids, rules), *_broken_label_rules(len(ids), rows, labels, rules)])
            if rules.labels is not None:
                no_labels += len(ids) - len(np.unique(rows))
                is_known = labels < rules.labels
                rows, labels = rows[is_known], labels[is_known]
                labels_seen += np.bincount(labels, minlength=rules.labels)
            if columns.weights is not None:
                weights = merge([weights, weight_sums(columns.weights, rows=rows, labels=labels)])
            records += len(ids)
    except DamagedRecordsError as error:
        damage = str(error)
    file.read_to_end()
    return ShardContent(
        bytes=file.bytes,
        sha256=file.sha256(),
        records=records,
        labels=labels_seen,
        no_labels=no_labels,
        weights=weights,
        damage=damage,
        findings=tally.lines(),
    )


def _decoded(file: HashedFile, rules: RecordRules, *, compression: Compression) -> Iterator[RecordColumns]:
    read = 0
    for records in read_shard(file, compression=compression):
        try:
            if rules.labels is None:
                decoded = RecordColumns(decode_unlabelled(records, rules.max_length), None)
            else:
                decoded = decode_records(records, rules.max_length, rules.features)
        except DamagedRecordsError as error:
            raise DamagedRecordsError(error.why, record=read + error.record) from error
        yield decoded
        read += len(records)


class _BrokenRule(NamedTuple):
    """A rule and the records that break it. records: bool [rows]; got: [rows], the value of each record."""

    what: str
    expected: str
    records: Flags
    got: npt.NDArray[np.integer]


def _broken_label_rules(records: int, rows: Int64s, labels: Int64s, rules: RecordRules) -> list[_BrokenRule]:
    """rows, labels: [pairs], as `pairs_of` gives them."""
    if rules.labels is None:
        return []
    highest = np.zeros(records, np.int64)
    np.maximum.at(highest, rows, labels)
    return [_BrokenRule("label", f"0 to {rules.labels - 1}", highest >= rules.labels, highest)]


def _broken_rules(ids: Int64s, rules: RecordRules) -> list[_BrokenRule]:
    highest = ids.max(axis=1)
    is_padding = ids == PADDING_ID
    if rules.padding == "pre":
        misplaced = ~is_padding[:, :-1] & is_padding[:, 1:]  # a word, and padding after it
        place, side = 1, "in front of the words"
    else:
        misplaced = is_padding[:, :-1] & ~is_padding[:, 1:]
        place, side = 0, "after the words"
    first_misplaced = place + (misplaced.argmax(axis=1) if misplaced.size else np.zeros(len(ids), np.int64))
    return [
        _BrokenRule("highest id", f"0 to {rules.top_words - 1}", highest >= rules.top_words, highest),
        _BrokenRule("place of padding", f"only {side}", misplaced.any(axis=1), first_misplaced),
    ]


class _Tally:
    """Collects the broken rules of the parts of a shard -> a line for each: the first record, and how many break it."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._records: dict[str, int] = {}

    def add(self, records_before: int, rules: list[_BrokenRule]) -> None:
        for rule in rules:
            if rule.records.any():
                row = int(rule.records.argmax())
                finding = f"{rule.what}: got {rule.got[row]}, expected {rule.expected}"
                self._first.setdefault(rule.what, f"record {records_before + row}: {finding}")
                self._records[rule.what] = self._records.get(rule.what, 0) + int(rule.records.sum())

    def lines(self) -> list[str]:
        return [f"{line} (such records: {self._records[what]})" for what, line in self._first.items()]
