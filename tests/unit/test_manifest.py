"""The schema of manifest.json: what it writes, what it reads of other versions, and what it says of its keys."""

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config.settings import Config
from pipeline.contract import MANIFEST_FILE, SPLITS
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.records_folder.manifest import (
    Manifest,
    RecordsConfig,
    SplitSummary,
    VocabularyOrigin,
    VocabularySummary,
    to_json,
)
from pipeline.records_folder.manifest_keys import described_keys
from pipeline.records_folder.reader import parse_manifest, read_manifest
from pipeline.records_folder.record_files import Shard
from pipeline.records_folder.text_findings import DistinctiveWord, DistinctiveWordsSummary
from tests.support.manifests import SHA256

CONFIG = Config.model_validate({"vocabulary": {"from": "tokens.txt"}})


def small_manifest() -> Manifest:
    shards = {
        split: [Shard(path=f"records/{split}-00000-of-00001.tfrecord.gz", bytes=1, records=1, sha256=SHA256)]
        for split in SPLITS
    }
    splits = {
        split: SplitSummary(rows=1, shards=shards[split], labels={"b": 1, "a": 0}, lengths=[(3, 1)]) for split in SPLITS
    }
    word = DistinctiveWord(token="caf\u00e9", score=2.0, count=3, elsewhere=1)
    return Manifest(
        config=RecordsConfig.model_validate(CONFIG.model_dump()),
        labels=["b", "a"],
        vocabulary=VocabularySummary(
            size=1,
            sha256=SHA256,
            origin=VocabularyOrigin(kind="token_list", path="tokens.txt", sha256=SHA256, words=1, last_id=1),
        ),
        coverage=[(1, 0.5), (2, 1.0)],
        splits=splits,
        distinctive_words=DistinctiveWordsSummary(sampled_rows=1, labels={"b": [word]}),
    )


def test_manifest_writes_its_keys_in_order_and_by_their_public_names() -> None:
    content = to_json(small_manifest())
    written = json.loads(content)
    assert list(written) == [
        "format_version", "config", "versions", "labels", "record", "input", "vocabulary", "coverage", "splits",
        "label_sets", "unlabelled",
        "files",
        "groups", "rejected", "duplicates", "quality", "telling_words", "samples", "advice",
        "checksum",
    ]  # fmt: skip
    assert list(written["config"]) == [
        "input", "split", "text", "vocabulary", "sequence", "output", "embedding", "model", "training", "metrics",
        "decision", "export", "compare",
    ]  # fmt: skip
    assert written["config"] == CONFIG.model_dump()
    assert written["vocabulary"]["from"] == {
        "kind": "token_list", "path": "tokens.txt", "sha256": SHA256, "words": 1, "last_id": 1,
    }  # fmt: skip
    assert written["coverage"] == [[1, 0.5], [2, 1.0]]
    assert list(written["splits"]["eval"]["labels"].items()) == [("b", 1), ("a", 0)]
    assert content.startswith(b'{\n "format_version": 1,\n "config": {\n  "input": {\n   "path": "sample",\n')
    assert '"token": "caf\u00e9"'.encode() in content
    assert content.endswith(b"}\n")


def test_manifest_is_read_as_it_was_written() -> None:
    assert parse_manifest(to_json(small_manifest()), path="manifest.json") == small_manifest()


def test_manifest_passes_over_keys_of_a_later_version() -> None:
    written = json.loads(to_json(small_manifest()))
    written["later"] = written["splits"]["train"]["later"] = 1
    written["config"]["model"]["later"] = written["config"]["later"] = {"key": 1}
    manifest = parse_manifest(json.dumps(written).encode(), path="manifest.json")
    assert manifest.splits == small_manifest().splits
    assert manifest.config.text == small_manifest().config.text


def test_manifest_is_read_by_its_public_names_alone() -> None:
    written = json.loads(to_json(small_manifest()))
    written["distinctive_words"] = written.pop("telling_words")
    written["vocabulary"]["origin"] = written["vocabulary"].pop("from")
    written["config"]["vocabulary"]["from"] = None
    manifest = parse_manifest(json.dumps(written).encode(), path="manifest.json")
    assert manifest.vocabulary.origin is None
    assert manifest.distinctive_words.labels == {}


def test_manifest_takes_no_value_of_another_type() -> None:
    with pytest.raises(ValidationError, match="rows"):
        SplitSummary.model_validate({"rows": 1.0, "shards": [], "labels": {}})


# key, type, begin of its meaning
KEYS = [
    ("format_version", "int", "Of this file"),
    ("config", "object", "All settings"),
    ("versions", "{package: string}", "Of TextRecords, Python"),
    ("vocabulary.from", "object or null", "Where the ids come from"),  # not `origin`, its name in Python
    ("vocabulary.from.last_id", "int", "Its highest id"),
    ("coverage", "list of [int, float]", "`[words, share]`"),
    ("splits.<split>.shards[].sha256", "string", "SHA-256"),
    ("rejected.examples", "{reason: list of object}", "A few rejected rows"),
    ("duplicates.normalised.across[].rows", "[int, int]", "Rows of the first"),  # nested four deep
    ("quality.findings.<finding>.share", "float", "`count` / `of`"),
    ("telling_words.labels.<label>[].token", "string", "The word"),
    ("advice[].text", "string", "One sentence"),
]


@pytest.mark.parametrize(("path", "type_name", "begin"), KEYS, ids=[key[0] for key in KEYS])
def test_manifest_keys_are_described(path: str, type_name: str, begin: str) -> None:
    (key,) = [key for key in described_keys() if key.path == path]
    assert key.type == type_name
    assert key.meaning.startswith(begin)


def test_manifest_keys_all_have_a_sentence() -> None:
    keys = list(described_keys())
    assert len({key.path for key in keys}) == len(keys) > 90
    assert [key.path for key in keys if not key.meaning.endswith(".")] == []
    assert [key.path for key in keys if key.notes] == ["duplicates", "quality", "telling_words"]


def test_manifest_that_the_system_does_not_open_is_named_with_what_helps(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MANIFEST_FILE)
    with pytest.raises(UserError, match=r"manifest\.json can't be read: it is a named pipe.*; give a records folder"):
        read_manifest(str(tmp_path), LocalFiles())
