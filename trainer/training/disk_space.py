"""A model and its records -> the bytes that training and export will write, and whether the disks have room for them.

It is asked before the first step: a disk that is full after hours of training costs them. A quota can't be seen here,
and other programs write too; then the write that fails says so, and the last checkpoint stays whole.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.contract import VOCABULARY_FILE
from pipeline.errors import UserError
from trainer import files
from trainer.data.records_folder import RecordsFolder
from trainer.savedmodel.loading import WORDS_BEFORE_TRAINING
from trainer.training.step import TrainingStep

# history.csv, metrics.json, event files of 1,000 points and training.html: 0.2 to 1.5 MB (measured).
_LOGS_AND_PAGE: Final = 2 << 20
# saved_model.pb, the odd texts of the certificate and the warm-up requests: 0.6 to 1.5 MB (measured).
_GRAPH_AND_REQUESTS: Final = 2 << 20
# An id of the certificate: its digits, a comma and a space.
_ID_BYTES: Final = 8
# Texts of the certificate that are not sample rows, rounded up.
_ODD_TEXTS: Final = 32


class Need(NamedTuple):
    """setting: whose value the folder is; size: the bytes that will be written there."""

    setting: str
    folder: str
    size: int


def training_bytes(training_step: TrainingStep) -> int:
    """The most bytes that training.path holds at once: old and new checkpoint, old and new weights, logs, the page."""
    checkpoint = sum(variable.numpy().nbytes for variable in training_step.variables)
    weights = sum(variable.numpy().nbytes for variable in training_step.model.variables)
    return 2 * (checkpoint + weights) + _first_vectors(training_step) + _LOGS_AND_PAGE


def export_bytes(training_step: TrainingStep, records: RecordsFolder) -> int:
    """The bytes of a version in export.path: graph, weights, vocabulary, first vectors, certificate."""
    weights = sum(variable.numpy().nbytes for variable in training_step.model.variables)
    texts = len(records.manifest.samples) + _ODD_TEXTS
    certificate = texts * records.sequence.max_length * _ID_BYTES
    vocabulary = files.size(records.small_file(VOCABULARY_FILE))
    ngrams = _ngram_bytes(training_step, records)
    return weights + ngrams + vocabulary + _first_vectors(training_step) + certificate + _GRAPH_AND_REQUESTS


def check_room(needs: Sequence[Need]) -> None:
    """Compares what will be written with the free bytes of the disks; folders of an object store have room.

    Raises:
      UserError: a disk has too few free bytes.
    """
    by_disk: defaultdict[int, list[Need]] = defaultdict(list)
    for need in needs:
        if files.is_local(need.folder):
            by_disk[os.stat(_existing(need.folder)).st_dev].append(need)
    for on_disk in by_disk.values():
        size, free = sum(need.size for need in on_disk), shutil.disk_usage(_existing(on_disk[0].folder)).free
        if size > free:
            folders = " and ".join(need.folder for need in on_disk)
            settings = " or ".join(need.setting for need in on_disk)
            raise UserError(
                f"{on_disk[0].setting}: the disk of {folders} has too little room: about {_megabytes(size)} are "
                f"needed, {_megabytes(free)} are free; make room there, or give another {settings}"
            )


def _ngram_bytes(training_step: TrainingStep, records: RecordsFolder) -> int:
    """Keys and weights of model.ngrams, 4 bytes each."""
    settings = training_step.model.settings
    if not settings.ngrams:
        return 0
    return 4 * (settings.ngram_buckets + (settings.ngram_buckets + records.vocabulary_size) * records.scheme.outputs)


def _first_vectors(training_step: TrainingStep) -> int:
    rows, dim = training_step.model.embedding.embeddings.shape
    return min(rows, WORDS_BEFORE_TRAINING) * dim * 4


def _existing(folder: str) -> Path:
    """The folder, or the nearest one above it that exists."""
    path = Path(folder).absolute()
    return next(parent for parent in [path, *path.parents] if parent.exists())


def _megabytes(size: int) -> str:
    """
    >>> _megabytes(4_350_000)
    '4.35 MB'
    """
    return f"{size / 1e6:,.2f} MB"
