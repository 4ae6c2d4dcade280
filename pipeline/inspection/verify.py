"""A records folder -> its problems: files are hashed, records are read, and both compared with the manifest."""

import glob
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np

from pipeline.contract import MANIFEST_FILE, RECORDS_FOLDER, VOCABULARY_FILE, Split, shard_file
from pipeline.files.local import Files
from pipeline.records.check import HashedFile, RecordRules, ShardContent, check_shard
from pipeline.records_folder.manifest import Manifest, Shard, SplitSummary
from pipeline.records_folder.reader import no_manifest, read_manifest


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
        present = self._record_files()
        for split, entry in manifest.splits.items():
            self._verify_split(split, entry, manifest, present)
        self._verify_vocabulary(manifest)
        named = {shard.path for entry in manifest.splits.values() for shard in entry.shards}
        for path in sorted(present - named):
            self._problem(path, "got a file, expected none: the manifest doesn't name it")
        return VerifyResult(problems=tuple(self.problems), shards=self.shards, records=self.records, bytes=self.bytes)

    def _record_files(self) -> set[str]:
        """Paths, from the folder on, of the files in records/."""
        prefix = f"{RECORDS_FOLDER}/"
        files = self.files.match(f"{glob.escape(self.folder)}/{prefix}*")
        return {prefix + PurePath(file.path).as_posix().rpartition(f"/{prefix}")[2] for file in files}

    def _has(self, name: str) -> bool:
        return bool(self.files.match(glob.escape(f"{self.folder}/{name}")))

    def _manifest(self) -> Manifest:
        if not self._has(MANIFEST_FILE):
            raise no_manifest(self.folder)
        return read_manifest(self.folder, self.files)[1]

    def _verify_split(self, split: Split, entry: SplitSummary, manifest: Manifest, present: set[str]) -> None:
        compression = manifest.config.output.compression
        contents = []
        for index, shard in enumerate(entry.shards):
            name = shard_file(split, index, shards=len(entry.shards), compression=compression)
            self._compare(MANIFEST_FILE, f"shard {index} of {split}", got=shard.path, expected=name)
            if shard.path in present:
                contents.append(self._verify_shard(shard, manifest))
            else:
                self._problem(shard.path, f"records: got no file, expected {shard.records}")
        listed = sum(shard.records for shard in entry.shards)
        self._compare(MANIFEST_FILE, f"rows of {split}", got=entry.rows, expected=listed)
        if len(contents) == len(entry.shards) and not any(content.damage for content in contents):
            self._verify_labels(split, entry, manifest, contents)

    def _verify_shard(self, shard: Shard, manifest: Manifest) -> ShardContent:
        config = manifest.config
        rules = RecordRules(
            max_length=config.sequence.max_length,
            top_words=config.vocabulary.top_words,
            padding=config.sequence.padding,
            labels=len(manifest.labels),
        )
        with self.files.open(f"{self.folder}/{shard.path}") as file:
            content = check_shard(file, rules, compression=config.output.compression)
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

    def _verify_vocabulary(self, manifest: Manifest) -> None:
        if not self._has(VOCABULARY_FILE):
            self._problem(VOCABULARY_FILE, f"SHA-256: got no file, expected {manifest.vocabulary.sha256}")
            return
        with self.files.open(f"{self.folder}/{VOCABULARY_FILE}") as opened:
            file = HashedFile(opened)
            file.read_to_end()
        self._compare(VOCABULARY_FILE, "SHA-256", got=file.sha256(), expected=manifest.vocabulary.sha256)

    def _problem(self, path: str, what: str) -> None:
        self.problems.append(f"{path}: {what}")

    def _compare(self, path: str, what: str, *, got: object, expected: object) -> None:
        if got != expected:
            self._problem(path, f"{what}: got {got}, expected {expected}")
