"""A records folder -> its problems: files are hashed, records are read, and both compared with the manifest."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np

from pipeline.contract import (
    MANIFEST_FILE,
    RECORDS_FOLDER,
    TRANSFORM_FOLDER,
    VOCABULARY_FILE,
    VOCABULARY_IN_TRANSFORM,
    Split,
)
from pipeline.files.local import Files
from pipeline.records.check import HashedFile, RecordRules, ShardContent, check_shard
from pipeline.records.record_columns import RecordFeatures
from pipeline.records.weight_sums import merge, numbers
from pipeline.records_folder.manifest import Manifest, SplitSummary, all_shards
from pipeline.records_folder.reader import read_manifest
from pipeline.records_folder.record_files import Shard


@dataclass(frozen=True, kw_only=True)
class VerifyResult:
    """problems: a line each that begins with the file. shards, records, bytes: how much was read."""

    problems: tuple[str, ...]
    shards: int
    records: int
    bytes: int


def verify_folder(folder: str, files: Files) -> VerifyResult:
    """Compares a records folder with its manifest. A problem does not end the comparison.

    Raises:
      UserError: the folder has no manifest, or none that this version reads.
    """
    return _Verification(folder.rstrip("/"), files).run()


@dataclass
class _Verification:
    """One run over a folder, which collects problems and totals."""

    folder: str
    files: Files
    problems: list[str] = field(default_factory=list)
    shards: int = 0
    records: int = 0
    bytes: int = 0

    def run(self) -> VerifyResult:
        manifest = self._manifest()
        present = self._files_below(RECORDS_FOLDER) | self._files_below(TRANSFORM_FOLDER)
        for split, entry in manifest.splits.items():
            contents = self._verify_shards(entry.shards, manifest, present, labels=len(manifest.labels))
            if contents is not None:
                self._verify_labels(split, entry, manifest, contents)
        if manifest.unlabelled is not None:
            self._verify_shards(manifest.unlabelled.shards, manifest, present, labels=None)
        self._verify_files(manifest, present)
        named = {shard.path for shard in all_shards(manifest)}
        named |= {file.path for file in manifest.files or []}
        for path in sorted(present - named):
            if manifest.files is not None or path.startswith(RECORDS_FOLDER):
                self._problem(path, "got a file, expected none: the manifest doesn't name it")
        return VerifyResult(problems=tuple(self.problems), shards=self.shards, records=self.records, bytes=self.bytes)

    def _files_below(self, name: str) -> set[str]:
        """Paths, from the records folder on, of the files below one of its folders."""
        files = self.files.match(f"{self.folder}/{name}")
        return {f"{name}/" + PurePath(file.path).as_posix().rpartition(f"/{name}/")[2] for file in files}

    def _has(self, name: str) -> bool:
        return bool(self.files.match(glob.escape(f"{self.folder}/{name}")))

    def _manifest(self) -> Manifest:
        return read_manifest(self.folder, self.files)[1]

    def _verify_shards(
        self, shards: Sequence[Shard], manifest: Manifest, present: set[str], *, labels: int | None
    ) -> list[ShardContent] | None:
        """What the shards contain; None if one is missing or damaged. labels: as in RecordRules."""
        contents = []
        for shard in shards:
            if shard.path not in present:
                self._problem(shard.path, f"records: got no file, expected {shard.records}")
            elif (content := self._verify_shard(shard, manifest, labels=labels)) is not None:
                contents.append(content)
        return contents if len(contents) == len(shards) and not any(part.damage for part in contents) else None

    def _verify_shard(self, shard: Shard, manifest: Manifest, *, labels: int | None) -> ShardContent | None:
        """What the shard contains; None if it can't be read."""
        config, form = manifest.config, manifest.record
        rules = RecordRules(
            max_length=config.sequence.max_length,
            top_words=config.vocabulary.top_words,
            padding=config.sequence.padding,
            labels=labels,
            features=RecordFeatures(form.several_labels, len(form.slices), form.weighted),
        )
        try:
            with self.files.open(f"{self.folder}/{shard.path}") as file:
                content = check_shard(file, rules, compression=config.output.compression)
        except OSError as error:
            self._cannot_read(shard.path, error)
            return None
        self._compare(shard.path, "bytes", got=content.bytes, expected=shard.bytes)
        self._compare(shard.path, "SHA-256", got=content.sha256, expected=shard.sha256)
        if content.damage is None:
            self._compare(shard.path, "records", got=content.records, expected=shard.records)
        else:
            self._problem(shard.path, f"{content.damage} (expected records: {shard.records})")
        for finding in content.findings:
            self._problem(shard.path, finding)
        self.shards += 1
        self.records += content.records
        self.bytes += content.bytes
        return content

    def _verify_labels(
        self, split: Split, entry: SplitSummary, manifest: Manifest, contents: list[ShardContent]
    ) -> None:
        counts = sum((content.labels for content in contents), np.zeros(len(manifest.labels), np.int64))
        expected = {label: rows for label, rows in zip(manifest.labels, counts.tolist(), strict=True) if rows}
        got = {label: rows for label, rows in entry.labels.items() if rows}
        self._compare(MANIFEST_FILE, f"labels of {split}", got=got, expected=expected)
        no_labels = sum(content.no_labels for content in contents)
        self._compare(MANIFEST_FILE, f"rows of {split} without a label", got=entry.no_labels, expected=no_labels)
        if entry.weights is not None:
            sums = numbers(merge(content.weights for content in contents))
            of_labels = {manifest.labels[label]: total for label, total in sums.labels.items()}
            stored = entry.weights
            shown = (stored.total, stored.squares, {label: total for label, total in stored.labels.items() if total})
            what = f"sums of the weights of {split}"
            self._compare(MANIFEST_FILE, what, got=shown, expected=(sums.total, sums.squares, of_labels))

    def _verify_files(self, manifest: Manifest, present: set[str]) -> None:
        """Compares vocabulary.tsv and transform/ with the manifest; that of an earlier version has the first alone."""
        vocabulary = manifest.vocabulary.sha256
        if manifest.files is None:
            self._verify_file(VOCABULARY_FILE, vocabulary)
            if VOCABULARY_IN_TRANSFORM in present:
                self._verify_file(VOCABULARY_IN_TRANSFORM, vocabulary)
        for file in manifest.files or []:
            self._verify_file(file.path, file.sha256, size=file.bytes)

    def _verify_file(self, path: str, sha256: str, *, size: int | None = None) -> None:
        if not self._has(path):
            self._problem(path, f"SHA-256: got no file, expected {sha256}")
            return
        try:
            with self.files.open(f"{self.folder}/{path}") as opened:
                file = HashedFile(opened)
                file.read_to_end()
        except OSError as error:
            self._cannot_read(path, error)
            return
        if size is not None:
            self._compare(path, "bytes", got=file.bytes, expected=size)
        self._compare(path, "SHA-256", got=file.sha256(), expected=sha256)

    def _cannot_read(self, path: str, error: OSError) -> None:
        self._problem(path, f"can't be read: {error.strerror or error}")

    def _problem(self, path: str, what: str) -> None:
        self.problems.append(f"{path}: {what}")

    def _compare(self, path: str, what: str, *, got: object, expected: object) -> None:
        if got != expected:
            self._problem(path, f"{what}: got {got}, expected {expected}")
