"""A records folder's shards, compared with its manifest before the first training step.

Names and hashes come first, because they need no record to be decoded. Then every record is read once: labels
are counted, weights added up, and ids and padding compared with the settings. So a truncated, damaged or foreign shard,
and a manifest that is not of these records, is an error before the first step, and not a bad model after the last one.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import tensorflow as tf

from pipeline.contract import MANIFEST_FILE, RECORDS_FOLDER, SPLITS, Split
from pipeline.errors import UserError
from pipeline.records_folder.manifest import all_shards
from pipeline.records_folder.reader import remedy_of
from pipeline.records_folder.record_files import SplitWeights
from pipeline.support.strict_json import shown
from trainer import files
from trainer.data.checked_files import COPY_REMEDY, checked_parts
from trainer.data.record_batches import RecordBatch, record_batches
from trainer.data.records_folder import RecordsFolder, stamp

# Endings of record files. Other files in records/, as some systems leave them, are not read and do no harm.
_SHARD_ENDINGS = (".tfrecord", ".tfrecord.gz")
# Sums of the same weights in another order differ in the last bits of float64 alone.
_WEIGHT_TOLERANCE: Final = 1e-6


def check_shards(records: RecordsFolder, *, unlabelled: bool = False) -> RecordsFolder:
    """The records folder with the stamps of the splits' shards, which are as the manifest says.

    unlabelled: compare the hashes of the texts without labels as well. They may be many times as large, and a training
    reads them with `training.self_training` alone; `python -m pipeline verify` always compares them.

    For the 25,000 records of IMDB (7 MB) the hashes take 13 ms and the records 0.3 s; an epoch takes half a minute.

    Raises:
      UserError: a file is missing, its bytes are not those that the manifest describes, records/ has a record file that
        the manifest does not list, or the records are not those that the manifest describes.
    """
    _refuse_unlisted(records)
    stamps = {}
    shards = [shard for part in records.splits.values() for shard in part.shards]
    if unlabelled and records.manifest.unlabelled is not None:
        shards += records.manifest.unlabelled.shards
    for shard in shards:
        path = files.join(records.path, shard.path)
        stamps[path] = stamp(path)
        for _ in checked_parts(path, bytes=shard.bytes, sha256=shard.sha256):
            pass
    for split in SPLITS:
        _check_records(records, split)
    return replace(records, stamps=stamps)


def _refuse_unlisted(records: RecordsFolder) -> None:
    folder = files.join(records.path, RECORDS_FOLDER)
    listed = {shard.path for shard in all_shards(records.manifest)}
    try:
        names = files.names_in(folder)
    except OSError as error:
        remedy = remedy_of(error, otherwise=COPY_REMEDY)
        raise UserError(f"{folder} can't be read: {files.reason_of(error)}; {remedy}") from error
    for name in sorted(names):
        if name.endswith(_SHARD_ENDINGS) and f"{RECORDS_FOLDER}/{name}" not in listed:
            raise UserError(
                f"{folder}/{name} is not in the manifest; are the files of two folders in one? Take it out, or "
                f"{COPY_REMEDY}"
            )


def _check_records(records: RecordsFolder, split: Split) -> None:
    """Reads all records of a split, and compares them with the manifest."""
    found = _Sums(len(records.labels))
    try:
        for batch in record_batches(records, split):
            mistake = _mistake(batch, records)
            if mistake is not None:
                raise _contradiction(records, f"{mistake} in {split}")
            found.add(batch)
    except tf.errors.OpError as error:
        expected = f"{records.sequence.max_length} ids (config.sequence.max_length){_other_parts(records)}"
        reason = files.reason_of(error)
        raise _contradiction(records, f"the records of {split} can't be read as {expected}: {reason}") from error
    summary, key = records.splits[split], f"splits.{split}"
    for name, count in zip(records.labels, found.rows.tolist(), strict=True):
        listed = summary.labels.get(name, 0)
        if listed != count:
            raise _contradiction(
                records, f"{key}.labels has {listed} rows of {shown(name)}, but its records have {count}"
            )
    if summary.no_labels != found.no_labels:
        raise _contradiction(
            records, f"{key}.no_labels is {summary.no_labels}, but {found.no_labels} of its records have no label"
        )
    if summary.weights is not None:
        mistake = _other_weights(summary.weights, found, names=records.labels, key=f"{key}.weights")
        if mistake is not None:
            raise _contradiction(records, mistake)


class _Sums:
    """What the records of a split add up to; the weights in float64."""

    def __init__(self, classes: int) -> None:
        self.rows = np.zeros(classes, np.int64)
        self.no_labels = 0
        self.weights = np.zeros(classes)
        self.total = self.squares = 0.0

    def add(self, batch: RecordBatch) -> None:
        """Adds a batch."""
        classes = len(self.rows)
        self.rows += np.bincount(batch.labels, minlength=classes)
        self.no_labels += int(batch.rows) - np.unique(batch.label_rows).size
        if batch.weights is not None:
            weights = batch.weights.astype(np.float64)
            self.weights += np.bincount(batch.labels, weights[batch.label_rows], minlength=classes)
            self.total += float(weights.sum())
            self.squares += float(np.square(weights).sum())


def _mistake(batch: RecordBatch, records: RecordsFolder) -> str | None:
    """What a record of the batch contradicts in the manifest, or None."""
    labels, rows = len(records.labels), records.vocabulary_size
    if batch.labels.size and (batch.labels.min() < 0 or batch.labels.max() >= labels):
        return f"labels has {labels} labels, but there is a record of another one"
    is_same_row = np.diff(batch.label_rows) == 0
    if (is_same_row & (np.diff(batch.labels) <= 0)).any():
        return "record.several_labels is true, but there is a record whose labels do not ascend"
    if batch.weights is not None and not (np.isfinite(batch.weights) & (batch.weights > 0)).all():
        other = batch.weights[~(np.isfinite(batch.weights) & (batch.weights > 0))][0]
        return f"record.weighted is true, but there is a record with the weight {other:g}"
    if batch.lowest_id < 0 or batch.highest_id >= rows:
        other = batch.lowest_id if batch.lowest_id < 0 else batch.highest_id
        return f"config.vocabulary.top_words is {rows}, but there is a record with the id {other}"
    if batch.has_inner_padding:
        return f"config.sequence.padding is {records.sequence.padding!r}, but there is a record padded elsewhere"
    return None


def _other_weights(listed: SplitWeights, found: _Sums, *, names: Sequence[str], key: str) -> str | None:
    """Where the sums of weights in the manifest are not those of the records, or None."""
    sums = [("total", listed.total, found.total), ("squares", listed.squares, found.squares)]
    sums += [
        (f"labels.{name}", listed.labels.get(name, 0.0), weight)
        for name, weight in zip(names, found.weights.tolist(), strict=True)
    ]
    for name, said, is_now in sums:
        if not math.isclose(said, is_now, rel_tol=_WEIGHT_TOLERANCE):
            return f"{key}.{name} is {said:g}, but the weights of its records add up to {is_now:g}"
    return None


def _other_parts(records: RecordsFolder) -> str:
    """What a record holds after its ids, for a message."""
    form = records.manifest.record
    parts = ["labels" if form.several_labels else "a label"]
    parts += ["a weight"] if form.weighted else []
    parts += [f"{len(form.slices)} slices"] if form.slices else []
    return "".join(f", {part}" for part in parts[:-1]) + f" and {parts[-1]}"


def _contradiction(records: RecordsFolder, what: str) -> UserError:
    return UserError(f"{files.join(records.path, MANIFEST_FILE)}: {what}; {COPY_REMEDY}")
