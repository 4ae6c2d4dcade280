"""`python -m benchmarks.constants.parts PART`: what docs/explanation/scale.md is made of, each in its own process.

words --distinct 50000000   the vocabulary's merge as on workers, bucket by bucket: peak memory, CPU a row
files --files 1000000       that many files, grouped into read tasks: CPU, peak memory, bytes of the groups
bytes --input FILE          count tables and blocks of records of real texts: bytes that cross a shuffle, a text
"""

import argparse
import io
import pickle
import resource
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from pipeline.config.input_settings import InputSettings
from pipeline.config.settings import TextSettings
from pipeline.files.local import FileInfo, LocalFiles, stamp_of
from pipeline.sources import plan_tasks, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.support import arrow_ipc
from pipeline.vocabulary import count_tables

# A bucket has 256 MB of text (job/plan.py), which has 2 million distinct words at most.
_WORDS_A_BUCKET = 2_000_000
# Three of four bundles have a word.
_BUNDLES = 4


def words(distinct: int, top_words: int) -> Iterator[str]:
    """Merges buckets one after the other, then their tops, as the job's workers do."""
    from pipeline.vocabulary.merge_counts import MergeTops, top_of_bucket, vocabulary_plan

    number = -(-distinct // _WORDS_A_BUCKET)
    plan = vocabulary_plan(top_words=top_words, min_count=1, oov="drop", summary_path="", buckets=number)
    combine = MergeTops(plan)
    tops = combine.create_accumulator()
    yield f"imports: {_peak()} MB"
    begin, rows = time.process_time(), 0
    for bucket in range(number):
        tables = list(_bundles(bucket, min(_WORDS_A_BUCKET, distinct - bucket * _WORDS_A_BUCKET)))
        rows += sum(table.num_rows for table in tables)
        packed = [arrow_ipc.pack(table) for table in tables]
        del tables
        started = time.process_time()
        tops = combine.add_input(tops, top_of_bucket((bucket, packed), plan=plan))
        if bucket in (0, number // 2, number - 1):
            yield f"bucket {bucket}: {time.process_time() - started:.1f} s of CPU, peak {_peak()} MB"
    top = combine.extract_output(tops)
    assert top.summary.distinct == distinct
    yield (
        f"{distinct} words in {rows} rows of {number} buckets -> the best {top.rows}: "
        f"{time.process_time() - begin:.0f} s of CPU with making them, peak {_peak()} MB"
    )


def _bundles(bucket: int, size: int) -> Iterator[pa.Table]:
    ids = np.arange(size, dtype=np.int64)
    for bundle in range(_BUNDLES):
        here = ids[ids % _BUNDLES != bundle] + bucket * _WORDS_A_BUCKET
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


def files(number: int) -> Iterator[str]:
    """Groups files of 100 kB each."""
    yield f"imports: {_peak()} MB"
    begin = time.process_time()
    plan = plan_tasks(InputSettings(path="data"), _ManyFiles(number))
    yield f"{number} files in {len(plan.groups)} groups: {time.process_time() - begin:.1f} s of CPU, peak {_peak()} MB"
    yield f"the groups on their way to the workers: {len(zlib.compress(pickle.dumps(plan.groups), 1))} bytes"


def shuffled(path: str) -> Iterator[str]:
    """Counts and encodes real texts as one bundle, then as parts of one."""
    from pipeline.records import encode, framing, shuffle
    from pipeline.records.keys import content_keys
    from pipeline.text.fast_tokenizer import make_tokenizer
    from pipeline.vocabulary.count_words import count_words

    tasks = list(plan_tasks(InputSettings(path=path), LocalFiles()).tasks())
    batches = [batch.rows for batch in read_tasks(tasks, ColumnNames("text", "label"), LocalFiles())]
    rows = pa.Table.from_batches(batches)
    size = rows["text"].nbytes
    yield f"{rows.num_rows} texts of {size / rows.num_rows:.0f} bytes"
    tokenize = make_tokenizer(TextSettings())
    merger, begin = count_tables.Merger(), time.process_time()
    for batch in batches:
        position = batch["position"][0].as_py()
        merger.add(count_words(tokenize(batch["text"]), rows=slice(0, batch.num_rows), position=position))
    table = merger.result()
    for number in (4, 1024):
        packed = sum(len(arrow_ipc.pack(part)) for _, part in count_tables.buckets(table, number))
        yield f"count table of {table.num_rows} words in {number} buckets: {packed / rows.num_rows:.0f} bytes a text"
    yield f"counting: {(time.process_time() - begin) / size * 1e9:.0f} ms of CPU a MB"

    ids = np.random.default_rng(0).integers(1, 5000, (rows.num_rows, 500))  # at the worst: no padding
    keys = content_keys(rows["text"].to_pylist(), seed=0).cast(pa.binary(16))
    records = framing.frame(encode.encode_examples(ids, np.zeros(rows.num_rows, np.int64)))
    labels = pa.array(np.zeros(rows.num_rows, np.int32))
    block = pa.RecordBatch.from_arrays([keys, records, labels], schema=shuffle.SCHEMA)
    for a_block in (1, 10, 100, 1000):
        begin, packed = time.process_time(), 0
        for start in range(0, min(rows.num_rows, 2000 * a_block) - a_block + 1, a_block):
            packed += len(shuffle.pack_piece(block.slice(start, a_block)))
        done = start + a_block
        yield (
            f"blocks of {a_block} records: {packed / done:.0f} bytes a text, "
            f"{(time.process_time() - begin) / done * 1e6:.0f} us of CPU a text"
        )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one part and prints what it finds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.constants.parts", allow_abbrev=False)
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("words")
    part.add_argument("--distinct", type=int, default=50_000_000)
    part.add_argument("--top_words", type=int, default=1_000_000)
    parts.add_parser("files").add_argument("--files", type=int, default=1_000_000)
    parts.add_parser("bytes").add_argument("--input", required=True)
    given = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    if given.part == "words":
        lines = words(given.distinct, given.top_words)
    else:
        lines = files(given.files) if given.part == "files" else shuffled(given.input)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
