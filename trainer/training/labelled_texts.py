"""A trained model + a records folder -> record files of the train texts and of those that the model gives labels to.

    train records        -> ids, label, weight (1 unless they have one)
    unlabelled records   -> ids -> scores -> label, weight: see `pseudo_labels`
      -> both in the same share in each file, in an order by the seed -> FOLDER/train-00000.tfrecord.gz, ...

    FOLDER/labelled.json    written last: what the files hold, and the training whose model gave the labels

What comes out is a view of the records folder with another train split; eval and test are the same files. The memory
holds the records of one file.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.contract import PADDING_ID
from pipeline.errors import UserError
from pipeline.records.encode import encode_records
from pipeline.records.framing import frame
from pipeline.records.record_columns import RecordColumns
from pipeline.records.shards import ShardSummary, write_shard
from pipeline.records.weight_sums import NO_WEIGHTS, merge, numbers, weight_sums
from pipeline.records_folder.manifest import SplitSummary
from pipeline.records_folder.record_files import Shard, SplitWeights
from pipeline.support.arrays import Float32s, Int64s
from trainer import files
from trainer.data.checked_files import checked_parts
from trainer.data.dataset import iterate_batches
from trainer.data.parsed_records import multi_hot, parse_ids, parse_records, serialized_records
from trainer.data.records_folder import RecordsFolder, stamp
from trainer.evaluation.scoring import ScoreFunction
from trainer.training.pseudo_labels import pseudo_labels

_SUMMARY_FILE: Final = "labelled.json"
# Most rows of a file, both kinds together: a training shuffles 25,600 of them, so it mixes three files.
_ROWS: Final = 8192
# Most ids of a file, 64 MiB of int64: with long sequences it has fewer rows.
_IDS: Final = 1 << 23
# Of a label and a weight with their names, uncompressed.
_BYTES_A_LABEL: Final = 40
# Texts that are scored at once. Texts of about the same length are scored together, so none waits for a long one.
_SCORED: Final = 64
_LABELS_SHOWN: Final = 10


class Labelled(BaseModel):
    """labelled.json. run: the training whose model gave the labels. train: of all files. texts: those that got labels,
    and `weight` the sum of their weights; labels: how many got each, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    train: SplitSummary
    texts: int
    weight: float
    labels: dict[str, int]

    @property
    def mean_weight(self) -> float:
        """Of the texts that got labels, 0 to 1."""
        return self.weight / self.texts

    def summary(self) -> str:
        """For a log line: `50,000 texts got labels: 24,816 x neg, 25,184 x pos; their mean weight is 0.80`."""
        most = sorted(self.labels.items(), key=lambda item: -item[1])[:_LABELS_SHOWN]
        listed = ", ".join(f"{rows:,} x {name}" for name, rows in most)
        more = ", ..." if len(self.labels) > len(most) else ""
        return f"{self.texts:,} texts got labels: {listed}{more}; their mean weight is {self.mean_weight:.2f}"


class _Rows(NamedTuple):
    """ids: int64 [rows, length]. labels: int64 [rows], or bool [rows, classes]. weights: float32 [rows]."""

    ids: Int64s
    labels: npt.NDArray[np.generic]
    weights: Float32s

    def joined(self, other: "_Rows") -> "_Rows":
        """These rows, then the others."""
        return _Rows(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.weights, other.weights]),
        )

    def taken(self, order: Int64s) -> "_Rows":
        """The rows of these numbers."""
        return _Rows(self.ids[order], self.labels[order], self.weights[order])

    def pairs(self) -> tuple[Int64s, Int64s]:
        """A row and a label that it has, int64 [pairs] each."""
        if self.labels.ndim == 2:
            rows, labels = np.nonzero(self.labels)
            return rows, labels
        return np.arange(len(self.ids)), self.labels.astype(np.int64)

    def columns(self) -> RecordColumns:
        """As records hold them."""
        rows, labels = self.pairs()
        if self.labels.ndim == 1:
            return RecordColumns(self.ids, labels, weights=self.weights)
        ends = np.cumsum(np.bincount(rows, minlength=len(self.ids)))
        lists = pa.LargeListArray.from_arrays(np.concatenate([[0], ends]), labels)
        return RecordColumns(self.ids, lists, weights=self.weights)


def write_labelled(
    records: RecordsFolder, folder: str, *, score: ScoreFunction, trim: bool, run: str, seed: int, rows: int = _ROWS
) -> Labelled:
    """Writes the files, and returns what is in labelled.json.

    score: ids int64 [batch, length] -> float32 [batch, classes]. trim: cut off the padding that all texts of a batch
    share; for masked models alone, as the scores of others depend on it. run: see `Labelled`. rows: most of a file.

    Raises:
      UserError: the records can't be read.
      OSError: a file can't be written.
    """
    own_rows, other_rows = records.splits["train"].rows, _unlabelled_rows(records)
    rows = max(1, min(rows, _IDS // records.sequence.max_length))
    count = -(-(own_rows + other_rows) // rows)
    of_train = _train_rows(records, batch=-(-own_rows // count))
    of_others = _other_rows(records, score=score, trim=trim, batch=-(-other_rows // count))
    total = _Totals(records)
    for number, (own, others) in enumerate(zip_longest(of_train, of_others)):
        total.add_labels(others)
        both = own.joined(others) if own and others else own or others
        mixed = both.taken(np.random.default_rng([seed, number]).permutation(len(both.ids)))
        total.add(mixed, _write(files.join(folder, name := f"train-{number:05d}.tfrecord.gz"), mixed), name=name)
    labelled = total.labelled(run)
    files.write(files.join(folder, _SUMMARY_FILE), labelled.model_dump_json(indent=1).encode())
    return labelled


def labelled_bytes(records: RecordsFolder) -> int:
    """About how many bytes the files will have: those of the records, and some for labels and weights."""
    return sum(shard.bytes + _BYTES_A_LABEL * shard.records for shard in records.shards_to_learn_from)


def read_labelled(folder: str, *, run: str) -> Labelled | None:
    """What `write_labelled` returned, if its files are complete and have the labels of that training's model.

    Raises:
      OSError: labelled.json can't be read.
    """
    path = files.join(folder, _SUMMARY_FILE)
    try:
        labelled = Labelled.model_validate_json(files.read(path)) if files.exists(path) else None
    except ValidationError:
        return None  # of another version
    return labelled if labelled is not None and labelled.run == run and _are_complete(labelled, folder) else None


def with_labelled(records: RecordsFolder, folder: str, labelled: Labelled) -> RecordsFolder:
    """The records folder with the files in place of its train split."""
    manifest = records.manifest
    splits = {**manifest.splits, "train": labelled.train}
    form = manifest.record.model_copy(update={"weighted": True})
    hashes = [records.manifest_sha256, *(shard.sha256 for shard in labelled.train.shards)]
    view = replace(
        records,
        manifest=manifest.model_copy(update={"splits": splits, "record": form}),
        manifest_sha256=hashlib.sha256(" ".join(hashes).encode()).hexdigest(),
        train_path=folder,
    )
    return replace(view, stamps={**records.stamps, **{path: stamp(path) for path in view.shard_paths("train")}})


def _are_complete(labelled: Labelled, folder: str) -> bool:
    """Whether each file is the one that was written."""
    try:
        for shard in labelled.train.shards:
            for _ in checked_parts(files.join(folder, shard.path), bytes=shard.bytes, sha256=shard.sha256):
                pass
    except UserError:
        return False
    return True


class _Totals:
    """Sums over the files."""

    def __init__(self, records: RecordsFolder) -> None:
        self._names = records.labels
        self._rows, self._texts = 0, 0
        self._of_labels, self._given = (np.zeros(len(self._names), np.int64) for _ in range(2))
        self._unlabelled = 0
        self._weights, self._weight = NO_WEIGHTS, 0.0
        self._shards: list[Shard] = []

    def add_labels(self, rows: _Rows | None) -> None:
        """Counts texts that got labels."""
        if rows is not None:
            self._texts += len(rows.ids)
            self._weight += float(rows.weights.sum(dtype=np.float64))
            self._given += np.bincount(rows.pairs()[1], minlength=len(self._names))

    def add(self, rows: _Rows, written: ShardSummary, *, name: str) -> None:
        """Counts the rows of a file."""
        with_label, labels = rows.pairs()
        self._rows += len(rows.ids)
        self._unlabelled += len(rows.ids) - len(np.unique(with_label))
        self._of_labels += np.bincount(labels, minlength=len(self._names))
        self._weights = merge([self._weights, weight_sums(rows.weights, rows=with_label, labels=labels)])
        shard = Shard(path=name, bytes=written.bytes, records=written.records, sha256=written.sha256)
        self._shards.append(shard)

    def labelled(self, run: str) -> Labelled:
        """All together."""
        sums = numbers(self._weights)
        weights = SplitWeights(
            total=sums.total,
            squares=sums.squares,
            labels={self._names[label]: weight for label, weight in sums.labels.items()},
        )
        train = SplitSummary(
            rows=self._rows,
            labels=self._by_name(self._of_labels),
            no_labels=self._unlabelled,
            weights=weights,
            shards=self._shards,
        )
        given = self._by_name(self._given)
        return Labelled(run=run, train=train, texts=self._texts, weight=self._weight, labels=given)

    def _by_name(self, counts: Int64s) -> dict[str, int]:
        return dict(zip(self._names, counts.tolist(), strict=True))


def _write(path: str, rows: _Rows) -> ShardSummary:
    frames, written = frame(encode_records(rows.columns())), []
    files.write_by(path, lambda file: written.append(write_shard([frames], file, compression="gzip")))
    return written[0]


def _unlabelled_rows(records: RecordsFolder) -> int:
    return records.manifest.unlabelled.rows if records.manifest.unlabelled else 0


def _train_rows(records: RecordsFolder, *, batch: int) -> Iterator[_Rows]:
    scheme = records.scheme

    def parsed(serialized: tf.Tensor) -> tuple[tf.Tensor, ...]:
        rows = parse_records(serialized, records)
        labels = multi_hot(rows.labels, classes=len(scheme.names)) > 0 if scheme.several else rows.labels
        return rows.ids, labels, tf.ones_like(rows.word_counts, tf.float32) if rows.weights is None else rows.weights

    for rows in _parsed_batches(records, records.shard_paths("train"), parsed, batch=batch):
        yield _Rows(*(part.numpy() for part in rows))


def _other_rows(records: RecordsFolder, *, score: ScoreFunction, trim: bool, batch: int) -> Iterator[_Rows]:
    def parsed(serialized: tf.Tensor) -> tuple[tf.Tensor]:
        return (parse_ids(serialized, records),)

    for (rows,) in _parsed_batches(records, records.unlabelled_paths(), parsed, batch=batch):
        ids = rows.numpy()
        labels, weights = pseudo_labels(_scores(ids, records, score, trim=trim), several=records.scheme.several)
        yield _Rows(ids, labels, weights)


def _parsed_batches(
    records: RecordsFolder, paths: list[str], parsed: Callable[[tf.Tensor], tuple[tf.Tensor, ...]], *, batch: int
) -> Iterator[tuple[tf.Tensor, ...]]:
    """The records of some files, in order, a tensor for each feature."""
    batches: Any = serialized_records(paths).batch(batch).map(parsed).prefetch(1)
    yield from iterate_batches(batches, records)


def _scores(ids: Int64s, records: RecordsFolder, score: ScoreFunction, *, trim: bool) -> Float32s:
    """ids int64 [rows, max_length] -> float32 [rows, classes]."""
    lengths = (ids != PADDING_ID).sum(axis=1)
    order = np.argsort(lengths, kind="stable")
    scores = np.zeros([len(ids), len(records.labels)], np.float32)
    for begin in range(0, len(ids), _SCORED):
        own = order[begin : begin + _SCORED]
        longest = max(int(lengths[own].max()), 1) if trim else records.sequence.max_length
        at_end = records.sequence.padding == "pre"
        scores[own] = score(tf.constant(ids[own, -longest:] if at_end else ids[own, :longest])).numpy()
    return scores
