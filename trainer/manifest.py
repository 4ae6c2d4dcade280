"""A records folder -> what training needs of its manifest.json, with every shard checked.

`read_manifest` reads and checks manifest.json alone; `check_shards` re-hashes the record files that it lists, so that
a truncated, damaged or foreign shard is an error before the first step and not a strange model after the last.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.config import SequenceSettings
from pipeline.contract import FORMAT_VERSION, MANIFEST_FILE, SPLITS, Split
from pipeline.errors import UserError
from trainer import files

_BLOCK_BYTES = 8 << 20


class _Part(BaseModel):
    """A part of manifest.json; what training has no use for is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Shard(_Part):
    """A record file: its path inside the folder, its number of records and what its bytes must be."""

    path: str
    bytes: int = Field(ge=0)
    records: int = Field(ge=0)
    sha256: str


class SplitRecords(_Part):
    """The records of a split; a shard may be empty, and so may the split."""

    rows: int = Field(ge=0)
    shards: list[Shard]


class _Vocabulary(_Part):
    size: int = Field(ge=1)


class _Settings(_Part):
    sequence: SequenceSettings


class _Content(_Part):
    config: _Settings
    labels: list[str]
    vocabulary: _Vocabulary
    splits: dict[Split, SplitRecords]


class Manifest(_Part):
    """What a records folder holds.

    folder: where it lies.
    sha256: of manifest.json, which names every shard's own: two folders with the same one hold the same records.
    labels: by the index that a record's `label` gives.
    vocabulary_size: rows of the embedding; ids run from 0 to `vocabulary_size` - 1.
    sequence: length, padding and truncation of the ids.
    """

    folder: str
    sha256: str
    labels: list[str]
    vocabulary_size: int
    sequence: SequenceSettings
    splits: dict[Split, SplitRecords]

    def shard_paths(self, split: Split) -> list[str]:
        """The record files of a split that hold anything, in the manifest's order."""
        return [files.join(self.folder, shard.path) for shard in self.splits[split].shards if shard.records]


def read_manifest(folder: str) -> Manifest:
    """The manifest of a records folder.

    Raises:
      UserError: no complete records folder, another format version, or labels and rows that can't be trained on.
    """
    path = files.join(folder, MANIFEST_FILE)
    try:
        content = files.read(path)
    except tf.errors.OpError as error:
        raise UserError(
            f"output.path: {folder} holds no readable {MANIFEST_FILE}, so it is no complete records folder; "
            "make one with python -m pipeline run"
        ) from error
    parsed = _parse(content, path=path)
    if len(parsed.labels) < 2:
        raise UserError(f"{path}: labels is {parsed.labels}; a classifier needs texts of two labels or more")
    if not parsed.splits["train"].rows:
        raise UserError(f"{path}: the train split has no rows; give the pipeline more texts or a larger split.train")
    return Manifest(
        folder=folder,
        sha256=hashlib.sha256(content).hexdigest(),
        labels=parsed.labels,
        vocabulary_size=parsed.vocabulary.size,
        sequence=parsed.config.sequence,
        splits=parsed.splits,
    )


def check_shards(manifest: Manifest, splits: Iterable[Split] = SPLITS) -> None:
    """Re-hashes the record files of `splits`: a thousandth of the time that an epoch over them takes.

    Raises:
      UserError: a file is missing, or its bytes are not those that the manifest promises.
    """
    for split in splits:
        for shard in manifest.splits[split].shards:
            _check_shard(files.join(manifest.folder, shard.path), shard)


def _check_shard(path: str, shard: Shard) -> None:
    remedy = "run the pipeline again (--overwrite), or copy the whole folder again"
    found = hashlib.sha256()
    size = 0
    try:
        for block in _blocks(path):
            found.update(block)
            size += len(block)
    except tf.errors.OpError as error:
        raise UserError(f"{path} can't be read, and the manifest lists it; {remedy}") from error
    if size != shard.bytes:
        raise UserError(f"{path} has {size} bytes, and the manifest says {shard.bytes}; {remedy}")
    if found.hexdigest() != shard.sha256:
        raise UserError(f"{path} is damaged, or another folder's: its sha256 is not the manifest's; {remedy}")


def _blocks(path: str) -> Iterator[bytes]:
    with tf.io.gfile.GFile(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _parse(content: bytes, *, path: str) -> _Content:
    try:
        values = json.loads(content)
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); run the pipeline again with --overwrite") from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path}: format_version is {version!r}, and this trainer reads {FORMAT_VERSION}; "
            "train with the version of this package that made the folder, or run the pipeline again"
        )
    try:
        parsed = _Content.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {_first_mistake(error)}; run the pipeline again with --overwrite") from error
    _check_sums(parsed, path=path)
    return parsed


def _check_sums(parsed: _Content, *, path: str) -> None:
    for split in SPLITS:
        if split not in parsed.splits:
            raise UserError(f"{path}: splits.{split} is missing; run the pipeline again with --overwrite")
        listed = sum(shard.records for shard in parsed.splits[split].shards)
        if listed != parsed.splits[split].rows:
            raise UserError(
                f"{path}: splits.{split}.rows is {parsed.splits[split].rows}, and its shards hold {listed}; "
                "run the pipeline again with --overwrite"
            )


def _first_mistake(error: ValidationError) -> str:
    first: Any = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
