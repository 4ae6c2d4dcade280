"""Manifests of tests: what a test does not care about is made to agree with the rest."""

import json
from typing import Any

from pipeline.config.settings import Config
from pipeline.contract import SPLITS, shard_file
from pipeline.records_folder.manifest import Manifest, checksum_of
from pipeline.records_folder.reader import parse_manifest

SHA256 = "5a" * 32


def completed(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a manifest; a hash of its vocabulary, and a shard with all rows of a split that has none."""
    splits = content["splits"]
    compression = content["config"]["output"].get("compression", "gzip")
    for split in SPLITS:
        path = shard_file(split, 0, shards=1, compression=compression)
        shard = {"path": path, "bytes": 0, "records": splits[split]["rows"], "sha256": SHA256}
        splits = {**splits, split: {**splits[split], "shards": splits[split].get("shards") or [shard]}}
    return {**content, "vocabulary": {"sha256": SHA256, **content["vocabulary"]}, "splits": splits}


def manifest_of(content: dict[str, Any]) -> Manifest:
    """The manifest that a reader gets of the completed content."""
    return parse_manifest(json.dumps(completed(content)).encode(), path="manifest.json")


def unlabelled_part(*, rows: int) -> dict[str, Any]:
    """Texts without labels as a manifest describes them; all in one shard."""
    path = shard_file("unlabelled", 0, shards=1, compression="gzip")
    return {
        "files": 1, "bytes": 40, "rejected": 0, "rows": rows, "tokens": 5, "unknown_tokens": 1, "truncated_texts": 0,
        "empty_texts": 1, "wordless_texts": 0, "lengths": [],
        "duplicates": {"rows": 0, "in_splits": {"train": 1, "eval": 0, "test": 0}},
        "shards": [{"path": path, "bytes": 0, "records": rows, "sha256": SHA256}],
    }  # fmt: skip


def full_content() -> dict[str, Any]:
    """The content of a manifest that has every key of the schema, and an item in each list and object."""
    config = Config.model_validate({
        "vocabulary": {"from": "words.txt", "cache": "cache", "top_words": 9},
        "sequence": {"max_length": 3},
        "split": {"column": "split"},
        "input": {"unlabelled": "more.txt"},
    }).model_dump()  # fmt: skip
    repeated = {"texts": 1, "rows": 1, "conflicting": 1}
    across = {"splits": ["train", "test"], "texts": 1, "rows": [1, 1], "conflicting": 0}
    repeats = {**repeated, "splits": {"train": repeated}, "most_frequent": {"train": 2}, "across": [across]}
    near = {"similarity": 0.8, "sampled_rows": 6, "across": [{"splits": ["train", "test"], "rows": 1}]}
    part = {
        "rows": 2, "labels": {"bad": 1, "good": 1}, "tokens": 4, "unknown_tokens": 1, "truncated_texts": 1,
        "empty_texts": 1, "wordless_texts": 0, "lengths": [[0, 1], [4, 1]], "no_labels": 0,
        "weights": {"total": 3.0, "squares": 5.0, "labels": {"bad": 1.0, "good": 2.0}},
    }  # fmt: skip
    word = {"token": "fine", "score": 2.5, "count": 1, "elsewhere": 0}
    finding = {"count": 1, "of": 6, "share": 0.1667, "exact": True, "examples": ["<b>"]}
    example = {"file": "rows.csv", "row": 7, "reason": "no text", "content": "", "id": "7"}
    content = completed({
        "format_version": 1,
        "config": config,
        "versions": {"python": "3.11"},
        "labels": ["bad", "good"],
        "record": {"several_labels": False, "label_kind": "nominal", "weighted": True, "slices": ["source"]},
        "input": {
            "files": 1, "bytes": 90, "rows": 7, "left_out_rows": 1, "mapped_labels": {"good": 1},
            "spanning_rows": 2, "repeated_headers": 1,
            "left_out": {"unsup": 1}, "left_out_examples": {"unsup": ["in/unsup/1.txt"]}, "damaged": 1,
            "tables": [{"path": "bigquery://p.d.t", "taken": "2024-01-31T08:00:00Z", "parts": 2, "query_bytes": 9}],
            "named_splits": {"train": 1, "test": 1},
            "lake_tables": [{"path": "in/reviews", "kind": "Delta", "version": "3", "files": 1}],
            "damaged_files": [{"file": "rows.csv", "rows": 7, "why": "cut"}],
        },
        "vocabulary": {
            "size": 3, "tokens": 4, "distinct_tokens": 4, "sha256": SHA256,
            "from": {"kind": "token_list", "path": "words.txt", "sha256": SHA256, "words": 3, "last_id": 3},
            "cache": {"reused_files": 0, "counted_files": 1},
        },
        "coverage": [[1, 0.5], [4, 1.0]],
        "splits": {"train": part, "eval": part, "test": part},
        "label_sets": {
            "sampled_rows": 2, "exact": True, "distinct": 1, "most_frequent": [{"labels": ["good"], "rows": 2}],
        },
        "unlabelled": unlabelled_part(rows=2) | {"lengths": [[0, 1], [4, 1]]},
        "files": [
            {"path": "vocabulary.tsv", "bytes": 16, "sha256": SHA256},
            {"path": "transform/transform_fn/saved_model.pb", "bytes": 9, "sha256": SHA256},
        ],
        "groups": {"groups": 3, "exact": True, "largest": 2},
        "rejected": {
            "rows": 1, "by_reason": {"no text": 1}, "asked_for": {"no text": 1},
            "examples": {"no text": [example]}, "with_rejects": 1,
            "files": [{"file": "rows.csv", "rows": 7, "used": 6, "rejected": 1}],
        },
        "duplicates": {**repeated, "exact": repeats, "normalised": repeats, "near": near},
        "quality": {"rows": 6, "sampled_rows": 6, "findings": {"html": finding}},
        "telling_words": {"sampled_rows": 2, "exact": True, "labels": {"good": [word]}},
        "samples": [{"split": "train", "text": "a fine film", "label": "good", "labels": [], "ids": [0, 2, 3]}],
        "advice": [{"setting": "text.split", "text": "A sentence."}],
    })  # fmt: skip
    copy: dict[str, Any] = json.loads(json.dumps(content))  # no part in two places: a test changes one
    return copy | {"checksum": checksum_of(copy)}
