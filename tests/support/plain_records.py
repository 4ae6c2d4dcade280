"""A records folder of five rows, made without TensorFlow and without a job, for what reads or checks such folders."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.contract import Compression
from pipeline.records.encode import encode_records
from pipeline.records.framing import frame
from pipeline.records.record_columns import RecordColumns
from pipeline.records.shards import write_shard
from pipeline.records_folder.manifest import Manifest, to_json

Row = tuple[list[int], int]  # ids, label

VOCABULARY = "1\tthis\t4\n2\tis\t3\n"
GRAPH = "transform/transform_fn/saved_model.pb"
WORDS_OF_GRAPH = "transform/transform_fn/assets/vocabulary"
FILES = {"vocabulary.tsv": VOCABULARY.encode(), GRAPH: b"a graph", WORDS_OF_GRAPH: VOCABULARY.encode()}

ROWS: dict[str, list[list[Row]]] = {
    # split: rows of each shard; a shard may be empty
    "train": [[([0, 1, 2, 3], 0), ([1, 2, 3, 4], 1)], [([0, 0, 0, 9], 1)]],
    "eval": [[([0, 0, 0, 0], 0)]],
    "test": [[]],
}

TRAIN_0 = "records/train-00000-of-00002.tfrecord"
TRAIN_1 = "records/train-00001-of-00002.tfrecord"
EVAL = "records/eval-00000-of-00001.tfrecord"
UNLABELLED = "records/unlabelled-00000-of-00001.tfrecord"


def write(
    path: Path, rows: list[Row], compression: Compression = "none", *, labelled: bool = True
) -> dict[str, object]:
    """Writes a shard and returns what the manifest says of it."""
    ids = np.array([row[0] for row in rows], np.int64).reshape(len(rows), 4)
    labels = np.array([row[1] for row in rows], np.int64) if labelled else None
    return write_columns(path, RecordColumns(ids, labels), compression)


def write_columns(path: Path, columns: RecordColumns, compression: Compression = "none") -> dict[str, object]:
    """The same for records with any features."""
    with path.open("wb") as file:
        summary = write_shard([frame(encode_records(columns))], file, compression=compression)
    return {
        "path": f"records/{path.name}",
        "bytes": summary.bytes,
        "records": summary.records,
        "sha256": summary.sha256,
    }


def add_unlabelled(folder: Path, rows: list[Row], *, labelled: bool = False) -> None:
    """Adds texts without labels to a folder of plain files; labelled: their records have one by mistake."""
    shard = write(folder / UNLABELLED, rows, labelled=labelled)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["config"]["input"]["unlabelled"] = "more.csv"
    manifest["unlabelled"] = {"files": 1, "rows": len(rows), "shards": [shard]}
    (folder / "manifest.json").write_bytes(to_json(Manifest.model_validate_json(json.dumps(manifest))))


# Of the records of FEATURED_ROWS: ids, labels, values of a slice, weight.
FeaturedRow = tuple[list[int], list[int], str, float]
FEATURED_ROWS: dict[str, list[list[FeaturedRow]]] = {
    "train": [[([0, 1, 2, 3], [0, 1], "web", 0.5), ([1, 2, 3, 4], [1], "", 2.0)], [([0, 0, 0, 9], [], "web", 0.25)]],
    "eval": [[([0, 0, 0, 0], [0], "mail", 1.0)]],
    "test": [[]],
}


def make_featured_folder(folder: Path, rows: dict[str, list[list[FeaturedRow]]] = FEATURED_ROWS) -> Path:
    """A folder as `make_folder` makes it, whose records have several labels, weights and a slice."""
    make_folder(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["record"] = {"several_labels": True, "label_kind": "nominal", "weighted": True, "slices": ["source"]}
    for split, shards in rows.items():
        part = manifest["splits"][split]
        part["shards"] = [
            write_columns(folder / entry["path"], _featured_columns(of_shard))
            for entry, of_shard in zip(part["shards"], shards, strict=True)
        ]
        every = [row for of_shard in shards for row in of_shard]
        names = {"bad": 0, "good": 1}
        part["labels"] = {name: sum(label in row[1] for row in every) for name, label in names.items()}
        part["no_labels"] = sum(not row[1] for row in every)
        part["weights"] = {
            "total": sum(row[3] for row in every),
            "squares": sum(row[3] ** 2 for row in every),
            "labels": {name: sum(row[3] for row in every if label in row[1]) for name, label in names.items()},
        }
    (folder / "manifest.json").write_bytes(to_json(Manifest.model_validate_json(json.dumps(manifest))))
    return folder


def _featured_columns(rows: list[FeaturedRow]) -> RecordColumns:
    return RecordColumns(
        np.array([row[0] for row in rows], np.int64).reshape(len(rows), 4),
        pa.array([row[1] for row in rows], pa.large_list(pa.int64())),
        pa.array([[row[2].encode()] for row in rows], pa.large_list(pa.large_binary())),
        np.array([row[3] for row in rows], np.float32),
    )


def make_folder(folder: Path, compression: Compression = "none") -> Path:
    (folder / "records").mkdir(parents=True)
    ending = ".gz" if compression == "gzip" else ""
    splits = {}
    for split, rows_of_shards in ROWS.items():
        names = [
            f"{split}-{index:05d}-of-{len(rows_of_shards):05d}.tfrecord{ending}" for index in range(len(rows_of_shards))
        ]
        labels = [row[1] for rows in rows_of_shards for row in rows]
        splits[split] = {
            "rows": len(labels),
            "shards": [
                write(folder / "records" / name, rows, compression)
                for name, rows in zip(names, rows_of_shards, strict=True)
            ],
            "labels": {"bad": labels.count(0), "good": labels.count(1)},
        }
    files = []
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        files.append({"path": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    manifest = {
        "format_version": 1,
        "config": {
            "sequence": {"max_length": 4, "padding": "pre", "truncating": "pre"},
            "vocabulary": {"top_words": 10},
            "output": {"compression": compression},
        },
        "labels": ["bad", "good"],
        "vocabulary": {"size": 2, "sha256": hashlib.sha256(VOCABULARY.encode()).hexdigest()},
        "splits": splits,
        "files": files,
    }
    # By the schema, which adds all keys that have a default.
    (folder / "manifest.json").write_bytes(to_json(Manifest.model_validate_json(json.dumps(manifest))))
    return folder
