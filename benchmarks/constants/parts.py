"""`python -m benchmarks.constants.parts PART`: prints figures of a part of the job as JSON, each in its own process.

start                       a worker process before it has read anything: memory
words --distinct 50000000   the vocabulary's merge as on workers, bucket by bucket: peak memory, CPU a row
files --files 1000000       that many files, grouped into read tasks: CPU, memory, bytes of the groups
blocks --input FILE         count tables and blocks of records of texts: bytes that cross a shuffle, CPU to pack
shard --records 200000      a shard is ordered: memory
"""

import argparse
import io
import json
import pickle
import resource
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config.input_settings import InputSettings
from pipeline.files.local import FileInfo, stamp_of
from pipeline.sources import plan_tasks
from pipeline.support import arrow_ipc
from pipeline.support.lean_imports import lean_imports
from pipeline.support.tensorflow_startup import import_tensorflow
from pipeline.vocabulary import count_tables

Figures = dict[str, float]

# A bucket has 256 MB of text (job/limits.py), which has 2 million distinct words at most.
_WORDS_A_BUCKET = 2_000_000
# Three of four bundles have a word.
_BUNDLES = 4
# Records of a block. Their cost is told for each.
BLOCKS = (1, 10, 100, 1000)
# Ids of a record: at the worst there is no padding.
_IDS = 500


def start() -> Figures:
    """The memory of a worker process."""
    with lean_imports():
        import_tensorflow(beside_transform=True)
        import apache_beam.runners.worker.sdk_worker_main

        import pipeline.job.run

        del apache_beam, pipeline
    return {"process_bytes": _peak(), "start_cpu_seconds": time.process_time()}


def words(distinct: int, *, bucket_words: int, top_words: int) -> Figures:
    """Merges buckets one after the other, then their tops, as the job's workers do."""
    from pipeline.vocabulary.merge_counts import MergeTops, top_of_bucket, vocabulary_plan

    number = -(-distinct // bucket_words)
    plan = vocabulary_plan(top_words=top_words, min_count=1, oov="drop", summary_path="", buckets=number)
    combine = MergeTops(plan)
    tops = combine.create_accumulator()
    before, rows, seconds = _peak(), 0, 0.0
    for bucket in range(number):
        first = bucket * bucket_words
        tables = list(_bundles(first, min(bucket_words, distinct - first)))
        rows += sum(table.num_rows for table in tables)
        packed = [arrow_ipc.pack(table) for table in tables]
        del tables
        begin = time.process_time()
        tops = combine.add_input(tops, top_of_bucket((bucket, packed), plan=plan))
        seconds += time.process_time() - begin
        print(f"bucket {bucket}: peak {_peak() >> 20} MB", file=sys.stderr, flush=True)
    top = combine.extract_output(tops)
    if top.summary.distinct != distinct:
        raise RuntimeError(f"{top.summary.distinct} distinct words of {distinct}")
    return {
        "merged_words": distinct,
        "merged_rows": rows,
        "best_words": top.rows,
        "merge_cpu_seconds": seconds,
        "merge_bytes": _peak() - before,
        "merge_words_at_once": min(distinct, bucket_words),
    }


def _bundles(first: int, size: int) -> Iterator[pa.Table]:
    ids = np.arange(size, dtype=np.int64)
    for bundle in range(_BUNDLES):
        here = ids[ids % _BUNDLES != bundle] + first
        token = pa.array(here).cast(pa.large_string()).cast(pa.large_binary())
        columns = [here % 97 + 1, np.full(len(here), bundle << 40), np.arange(len(here)), here]
        yield pa.Table.from_arrays([token, *map(pa.array, columns)], schema=count_tables.SCHEMA)


class _ManyFiles:
    """A filesystem of files of which one is opened, to see whether a row has a list of labels."""

    def __init__(self, number: int) -> None:
        self._number = number

    def match(self, pattern: str) -> list[FileInfo]:
        return [
            FileInfo(f"gs://bucket/{pattern}/{n % 100:02}/{n:07}.jsonl", 100_000, stamp_of(100_000, n))
            for n in range(self._number)
        ]

    def stamp(self, path: str) -> bytes:
        raise AssertionError(path)

    def open(self, path: str) -> BinaryIO:
        assert path.endswith(".jsonl")
        return io.BytesIO(b'{"text": "a text", "label": 1}\n')


def files(number: int) -> Figures:
    """Groups files of 100 kB each."""
    before, begin = _peak(), time.process_time()
    plan = plan_tasks(InputSettings(path="data"), _ManyFiles(number))
    return {
        "files": number,
        "groups": len(plan.groups),
        "grouping_cpu_seconds": time.process_time() - begin,
        "grouping_bytes": _peak() - before,
        "groups_packed_bytes": len(zlib.compress(pickle.dumps(plan.groups), 1)),
    }


def blocks(path: Path) -> Figures:
    """Counts and encodes real texts as one bundle, then as parts of one."""
    texts = pq.read_table(path, columns=["text"])["text"].combine_chunks()
    found: Figures = {"texts": len(texts), "text_bytes": int(pc.sum(pc.binary_length(texts)).as_py())}
    counts = pc.value_counts(pc.utf8_split_whitespace(pc.utf8_lower(texts)).flatten())
    rows = len(counts)
    hashes = np.random.default_rng(0).integers(0, 2**62, rows)
    columns = [counts.field("counts"), np.zeros(rows, np.int64), np.arange(rows), hashes]
    token = counts.field("values").cast(pa.large_string()).cast(pa.large_binary())
    table = pa.Table.from_arrays([token, *map(pa.array, columns)], schema=count_tables.SCHEMA)
    for number in (4, 1024):
        packed = sum(len(arrow_ipc.pack(part)) for _, part in count_tables.buckets(table, number))
        found[f"counts_in_{number}_buckets_bytes"] = packed
    return found | _records(min(len(texts), 2 * max(BLOCKS)))


def _records(rows: int) -> Figures:
    """The bytes of blocks of records, and the CPU to pack them, a record."""
    from pipeline.records import shuffle

    found: Figures = {}
    records = _framed(rows, np.full(rows, _IDS))
    for block in BLOCKS:
        begin, packed, done = time.process_time(), 0, 0
        for first in range(0, rows - block + 1, block):
            packed += len(shuffle.pack_piece(records.slice(first, block)))
            done += block
        if done:
            found[f"record_in_{block}_bytes"] = packed / done
            found[f"record_in_{block}_cpu_seconds"] = (time.process_time() - begin) / done
    return found


def _framed(rows: int, lengths: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pa.RecordBatch:
    """Records of ids at random, `lengths` in each, behind padding."""
    from pipeline.records import encode, framing, shuffle

    random = np.random.default_rng(0)
    ids = np.where(np.arange(_IDS) < (_IDS - lengths)[:, None], 0, random.integers(1, 5000, (rows, _IDS)))
    keys = pa.array([random.bytes(16) for _ in range(rows)], pa.binary(16))
    records = framing.frame(encode.encode_examples(ids, np.zeros(rows, np.int64)))
    labels = pa.array(np.zeros(rows, np.int32))
    return pa.RecordBatch.from_arrays([keys, records, labels], schema=shuffle.SCHEMA)


def shard(records: int) -> Figures:
    """Orders a shard whose blocks have a thousand records; a text has 230 tokens, as reviews of IMDB have."""
    from pipeline.records import shuffle

    pieces, frames = [], 0
    for _ in range(0, records, max(BLOCKS)):
        block = _framed(max(BLOCKS), np.full(max(BLOCKS), 230))
        frames += block["frame"].nbytes
        pieces.append(shuffle.pack_piece(block))
    before = _peak()
    ordered = shuffle.order_records(iter(pieces))
    return {
        "shard_records": ordered.num_rows,
        "shard_frame_bytes": frames,
        "shard_bytes": _peak() - before,
    }


def _peak() -> int:
    """The most bytes of memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one part and prints what it finds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.constants.parts", allow_abbrev=False)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("start").set_defaults(run=lambda _: start())
    part = parts.add_parser("words")
    part.add_argument("--distinct", type=int, default=50_000_000)
    part.add_argument("--bucket_words", type=int, default=_WORDS_A_BUCKET)
    part.add_argument("--top_words", type=int, default=1_000_000)
    part.set_defaults(
        run=lambda given: words(given.distinct, bucket_words=given.bucket_words, top_words=given.top_words)
    )
    part = parts.add_parser("files")
    part.add_argument("--files", type=int, default=1_000_000)
    part.set_defaults(run=lambda given: files(given.files))
    part = parts.add_parser("blocks")
    part.add_argument("--input", type=Path, required=True)
    part.set_defaults(run=lambda given: blocks(given.input))
    part = parts.add_parser("shard")
    part.add_argument("--records", type=int, default=200_000)
    part.set_defaults(run=lambda given: shard(given.records))
    given = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    print(json.dumps(given.run(given)), flush=True)


if __name__ == "__main__":
    main()
