"""The path of a records folder -> a `RecordsFolder`, from its manifest alone.

`check_shards` and `checked_copies` compare the other files with the manifest; both give a `RecordsFolder` that knows
what they have compared.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import tensorflow as tf
from pydantic import ValidationError

from pipeline.config.input_settings import InputSettings
from pipeline.config.settings import SequenceSettings
from pipeline.contract import MANIFEST_FILE, PUBLISHING_PREFIX, Split
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import MAX_MANIFEST_BYTES, Manifest, SplitSummary
from pipeline.records_folder.reader import MANIFEST_REMEDY, REMEDY, no_manifest, parse_manifest, remedy_of
from pipeline.records_folder.record_files import Shard
from pipeline.support.strict_json import first_mistake, shown
from trainer import files

# What an exported model knows of the section input.
_INPUT_KEYS: Final = ("text_column", "label_column", "label_map")

# Size in bytes, time of the last change in nanoseconds, number of the file; where files have no number it is 0.
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class RecordsFolder:
    """A records folder, as its manifest describes it.

    path: of the folder.
    manifest_sha256: SHA-256 of manifest.json. The manifest holds the SHA-256 of each shard, so two folders with the
      same `manifest_sha256` hold the same records.
    manifest: the content of manifest.json.
    copies: the folder of the copies of vocabulary.tsv and transform/ that were compared; None: there are none.
    stamps: of the shards when they were compared, by path; empty: they were not.
    train_path: the folder of other record files than the manifest's for the train split, all with weights and without
      slices; None: the split is the manifest's. The rows of the other splits then count once each, if the manifest
      gives them no weights.
    """

    path: str
    manifest_sha256: str
    manifest: Manifest
    copies: str | None = None
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    train_path: str | None = None

    @property
    def labels(self) -> list[str]:
        """The labels' names; a record's label is an index into this list."""
        return self.manifest.labels

    @property
    def scheme(self) -> LabelScheme:
        """What the labels are: their names, and how many of them a text may have."""
        form = self.manifest.record
        return LabelScheme(tuple(self.labels), several=form.several_labels, kind=form.label_kind)

    @property
    def is_weighted(self) -> bool:
        """Whether each record has a weight."""
        return self.manifest.record.weighted

    @property
    def vocabulary_size(self) -> int:
        """Rows of the embedding: ids run from 0 to `vocabulary_size` - 1, though a small corpus may use fewer."""
        return self.manifest.config.vocabulary.top_words

    @property
    def input(self) -> InputSettings:
        """The columns that the texts came from, and what became of labels; nothing else of the section input."""
        return _input_of(self.manifest)

    @property
    def sequence(self) -> SequenceSettings:
        """Length, padding and truncation of the records' ids."""
        return self.manifest.config.sequence

    @property
    def splits(self) -> dict[Split, SplitSummary]:
        """Rows and shards of train, eval and test; a split may be empty."""
        return self.manifest.splits

    def shard_paths(self, split: Split) -> list[str]:
        """The record files of a split that have one record or more, in the manifest's order."""
        folder = self.train_path if split == "train" and self.train_path is not None else self.path
        return [files.join(folder, shard.path) for shard in self.splits[split].shards if shard.records]

    @property
    def shards_to_learn_from(self) -> list[Shard]:
        """The record files of the train split, then those of the texts without labels."""
        without_labels = self.manifest.unlabelled
        return [*self.splits["train"].shards, *(without_labels.shards if without_labels else [])]

    def unlabelled_paths(self) -> list[str]:
        """The record files of the texts without labels that have one record or more; none without such texts."""
        part = self.manifest.unlabelled
        return [] if part is None else [files.join(self.path, shard.path) for shard in part.shards if shard.records]

    def small_file(self, path: str) -> str:
        """Where vocabulary.tsv or a part of transform/ is read; path: inside the records folder."""
        return files.join(self.copies or self.path, path)

    def refuse_changes(self) -> None:
        """Compares the shards with their stamps.

        Raises:
          UserError: a shard has changed since it was compared with the manifest.
        """
        for path, before in self.stamps.items():
            if stamp(path) != before:
                raise UserError(f"{path} has changed since the training began; {REMEDY}, and train again")


def open_records_folder(path: str) -> RecordsFolder:
    """Reads the manifest of a records folder.

    Raises:
      UserError: this is not a complete records folder, it has another format version, or fewer than two labels.
    """
    manifest_path = files.join(path, MANIFEST_FILE)
    try:
        content = files.read(manifest_path, most_bytes=MAX_MANIFEST_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        names = tf.io.gfile.listdir(path) if tf.io.gfile.isdir(path) else []
        is_unfinished = any(name.startswith(PUBLISHING_PREFIX) for name in names)
        raise no_manifest(path, is_unfinished=is_unfinished) from error
    except OSError as error:
        raise UserError(f"{manifest_path} can't be read: {files.reason_of(error)}; {MANIFEST_REMEDY}") from error
    manifest = parse_manifest(content, path=manifest_path)
    if len(manifest.labels) < 2:
        raise UserError(
            f"{manifest_path}: labels is {shown(manifest.labels)}; a classifier needs texts of two labels or more"
        )
    try:
        _input_of(manifest)
    except ValidationError as error:
        raise UserError(f"{manifest_path}: config.input: {first_mistake(error)}; {MANIFEST_REMEDY}") from error
    return RecordsFolder(path, hashlib.sha256(content).hexdigest(), manifest)


def _input_of(manifest: Manifest) -> InputSettings:
    stored = manifest.config.input
    return InputSettings.model_validate({key: stored[key] for key in _INPUT_KEYS if key in stored})


def stamp(path: str) -> Stamp:
    """What changes when somebody writes to a file, or puts another one in its place.

    Raises:
      UserError: there is no such file.
    """
    try:
        if files.is_local(path):
            status = os.stat(path)
            return status.st_size, status.st_mtime_ns, status.st_ino
        with files.as_os_errors():
            remote = tf.io.gfile.stat(path)
        return int(remote.length), int(remote.mtime_nsec), 0
    except OSError as error:
        raise UserError(
            f"{path} can't be read, and the manifest lists it: {files.reason_of(error)}; "
            f"{remedy_of(error, otherwise=REMEDY)}"
        ) from error
