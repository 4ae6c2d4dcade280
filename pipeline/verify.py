"""A records folder in, what is wrong with it out: every shard is hashed and every record read and compared with the manifest."""

import glob
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.contract import (
    FORMAT_VERSION,
    MANIFEST_FILE,
    PADDING_ID,
    RECORDS_FOLDER,
    VOCABULARY_FILE,
    Compression,
    Split,
    shard_file,
)
from pipeline.errors import UserError
from pipeline.records.damaged import DamagedRecordsError
from pipeline.records.decode import decode_examples
from pipeline.records.shards import read_shard
from pipeline.sources.files import Files

Int64s = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class VerifyResult:
    """What was found wrong, a line each that begins with the file; and how much was read."""

    problems: tuple[str, ...]
    shards: int
    records: int
    bytes: int


class _Part(BaseModel):
    """A part of the manifest; keys that verify doesn't compare are left alone."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class _Shard(_Part):
    path: str
    bytes: int
    records: int
    sha256: str


class _Split(_Part):
    rows: int
    shards: list[_Shard]
    labels: dict[str, int]


class _Sequence(_Part):
    max_length: int
    padding: Literal["pre", "post"]


class _VocabularySettings(_Part):
    top_words: int


class _Output(_Part):
    compression: Compression


class _Config(_Part):
    sequence: _Sequence
    vocabulary: _VocabularySettings
    output: _Output


class _Vocabulary(_Part):
    sha256: str


class _Manifest(_Part):
    config: _Config
    labels: list[str]
    vocabulary: _Vocabulary
    splits: dict[Split, _Split]


def verify_folder(folder: str, files: Files) -> VerifyResult:
    """Compares a records folder with its manifest, to the end, whatever is found on the way.

    Raises:
      UserError: it has no manifest, or none that this version can read.
    """
    folder = folder.rstrip("/")
    return _Verification(folder, files, _read_manifest(folder, files)).result()


@dataclass
class _ShardContent:
    """What was read of a shard. labels: int64 [labels], records of each; complete: whether it was read to its end."""

    labels: Int64s
    records: int = 0
    complete: bool = False


@dataclass
class _Verification:
    folder: str
    files: Files
    manifest: _Manifest
    problems: list[str] = field(default_factory=list)
    shards: int = 0
    records: int = 0
    bytes: int = 0

    def result(self) -> VerifyResult:
        present = self._names_in(RECORDS_FOLDER)
        for split, entry in self.manifest.splits.items():
            self._verify_split(split, entry, present)
        named = {shard.path for entry in self.manifest.splits.values() for shard in entry.shards}
        for path in sorted(present - named):
            self._problem(path, "the manifest names no such file; delete it")
        self._verify_vocabulary()
        return VerifyResult(
            problems=tuple(self.problems), shards=self.shards, records=self.records, bytes=self.bytes
        )

    def _problem(self, path: str, what: str) -> None:
        self.problems.append(f"{path}: {what}")

    def _compare(self, path: str, what: str, *, got: object, expected: object) -> None:
        if got != expected:
            self._problem(path, f"{what}: got {got}, expected {expected}")

    def _names_in(self, subfolder: str) -> set[str]:
        found = self.files.match(f"{glob.escape(self.folder)}/{subfolder}/*")
        return {f"{subfolder}/{PurePath(file.path).name}" for file in found}

    def _verify_split(self, split: Split, entry: _Split, present: set[str]) -> None:
        compression = self.manifest.config.output.compression
        contents = []
        for index, shard in enumerate(entry.shards):
            name = shard_file(split, index, shards=len(entry.shards), compression=compression)
            self._compare(MANIFEST_FILE, f"shard {index} of {split}", got=shard.path, expected=name)
            if shard.path in present:
                contents.append(self._verify_shard(shard))
            else:
                self._problem(shard.path, f"the file is missing; the manifest says {shard.records} records")
        listed = sum(shard.records for shard in entry.shards)
        self._compare(MANIFEST_FILE, f"rows of {split}, against its shards", got=entry.rows, expected=listed)
        if len(contents) == len(entry.shards) and all(content.complete for content in contents):
            self._verify_labels(split, entry, contents)

    def _verify_labels(self, split: Split, entry: _Split, contents: list[_ShardContent]) -> None:
        rows = sum((content.labels for content in contents), np.zeros(len(self.manifest.labels), np.int64))
        for label, found in zip(self.manifest.labels, rows.tolist(), strict=True):
            what = f"rows of {split} with label {label!r}, against its records"
            self._compare(MANIFEST_FILE, what, got=entry.labels.get(label, 0), expected=found)
        for label in sorted(entry.labels.keys() - set(self.manifest.labels)):
            self._problem(MANIFEST_FILE, f"{split} counts label {label!r}, expected one of {self.manifest.labels}")

    def _verify_shard(self, shard: _Shard) -> _ShardContent:
        content = _ShardContent(labels=np.zeros(len(self.manifest.labels), np.int64))
        with self.files.open(f"{self.folder}/{shard.path}") as opened:
            file = _HashedFile(opened)
            try:
                self._read_records(shard.path, file, content)
                content.complete = True
            except DamagedRecordsError as error:
                self._problem(shard.path, f"{error}; expected a record as the pipeline writes it")
            file.read_to_end()
        self._compare(shard.path, "bytes", got=file.bytes, expected=shard.bytes)
        self._compare(shard.path, "SHA-256", got=file.digest.hexdigest(), expected=shard.sha256)
        if content.complete:
            self._compare(shard.path, "records", got=content.records, expected=shard.records)
        self.shards += 1
        self.records += content.records
        self.bytes += file.bytes
        return content

    def _read_records(self, path: str, file: "_HashedFile", content: _ShardContent) -> None:
        config = self.manifest.config
        wrong: dict[str, tuple[int, int]] = {}  # what is wrong -> first record, number of records
        try:
            for records in read_shard(file, compression=config.output.compression):
                try:
                    ids, labels = decode_examples(records, config.sequence.max_length)
                except DamagedRecordsError as error:
                    raise DamagedRecordsError(error.why, record=content.records + error.record) from error
                for what, is_wrong in _wrong_values(ids, labels, self.manifest):
                    first, count = wrong.get(what, (content.records + int(np.argmax(is_wrong)), 0))
                    wrong[what] = first, count + int(is_wrong.sum())
                known = labels[labels < len(self.manifest.labels)]
                content.labels += np.bincount(known, minlength=len(self.manifest.labels))
                content.records += len(records)
        finally:
            for what, (first, count) in wrong.items():
                self._problem(path, f"record {first} {what}; so in {count} records")

    def _verify_vocabulary(self) -> None:
        if not _exists(self.folder, VOCABULARY_FILE, self.files):
            self._problem(VOCABULARY_FILE, "the file is missing")
            return
        with self.files.open(f"{self.folder}/{VOCABULARY_FILE}") as opened:
            file = _HashedFile(opened)
            file.read_to_end()
        found = file.digest.hexdigest()
        self._compare(VOCABULARY_FILE, "SHA-256", got=found, expected=self.manifest.vocabulary.sha256)


class _HashedFile:
    """A file that is hashed and counted while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int, /) -> bytes:
        content = self._file.read(size)
        self.digest.update(content)
        self.bytes += len(content)
        return content

    def read_to_end(self) -> None:
        while self.read(_READ_BYTES):
            pass


def _wrong_values(ids: Int64s, labels: Int64s, manifest: _Manifest) -> Iterator[tuple[str, Mask]]:
    """What is wrong, and in which rows: bool [rows]."""
    top_words = manifest.config.vocabulary.top_words
    padding = manifest.config.sequence.padding
    real = ids != PADDING_ID
    # Padding at the front: once a row has become real it stays so; at the back: the other way round.
    stray = real[:, :-1] & ~real[:, 1:] if padding == "pre" else ~real[:, :-1] & real[:, 1:]
    checks = {
        f"holds an id of {ids.max(initial=0)}, expected 0 to {top_words - 1}": (ids >= top_words).any(axis=1),
        f"has padding between its words, or not at the {padding} end, expected only there": stray.any(axis=1),
        f"has label {labels.max(initial=0)}, expected 0 to {len(manifest.labels) - 1}": labels >= len(manifest.labels),
    }
    return ((what, is_wrong) for what, is_wrong in checks.items() if is_wrong.any())


def _read_manifest(folder: str, files: Files) -> _Manifest:
    path = f"{folder}/{MANIFEST_FILE}"
    if not _exists(folder, MANIFEST_FILE, files):
        raise UserError(
            f"{folder} is no complete records folder: it has no {MANIFEST_FILE}; name the output.path of a finished run"
        )
    with files.open(path) as file:
        content = file.read()
    try:
        manifest = json.loads(content)
        version = manifest.get("format_version") if isinstance(manifest, dict) else None
        if version != FORMAT_VERSION:
            raise UserError(f"{path}: format_version is {version!r}; this version reads {FORMAT_VERSION}")
        return _Manifest.model_validate(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{path} is damaged: {place}: {first['msg']}; run the pipeline again") from error
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); run the pipeline again") from error


def _exists(folder: str, name: str, files: Files) -> bool:
    return bool(files.match(glob.escape(f"{folder}/{name}")))
