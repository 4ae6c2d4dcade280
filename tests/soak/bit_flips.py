"""Flipped bits in input files: the rows are right, or the file is refused; never a wrong row.

In plain CSV and JSON lines a flipped bit makes another text, and nobody can know. The formats here have checksums:
gzip, zstd, Parquet, TFRecord. With `input.damaged: use_what_is_whole` the rows must be the first ones of the right
rows; of Parquet some of them, in order.
"""

import gzip
import io
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from pipeline.config.input_settings import Damaged
from pipeline.errors import UserError
from pipeline.sources import check_columns, read_tasks
from tests.soak.part import Part
from tests.support.memory_files import COLUMNS, MemoryFiles, plan, rows_of
from tests.support.tf_examples import framed, serialized

_ROWS: Final = 300
_ROWS_OF_A_GROUP: Final = 60

_WAYS: Final[tuple[Damaged, ...]] = ("refuse", "use_what_is_whole")

Pair = tuple[str, str]


def _pairs(draw: random.Random) -> list[Pair]:
    """Texts and labels. Each text begins with its number, so no two rows are equal."""
    words = ["one", "two", "naïve", "日本", "film", "quoth"]
    return [(f"{row} {' '.join(draw.choices(words, k=draw.randrange(20)))}", "ab"[row % 2]) for row in range(_ROWS)]


def _files(pairs: Sequence[Pair]) -> dict[str, bytes]:
    """The same rows as a file of each format."""
    csv = "text,label\n" + "".join(f"{text},{label}\n" for text, label in pairs)
    lines = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in pairs).encode()
    half = lines.index(b"\n", len(lines) // 2) + 1
    table = pa.table({"text": [text for text, _ in pairs], "label": [label for _, label in pairs]})
    parquet = io.BytesIO()
    pq.write_table(table, parquet, row_group_size=_ROWS_OF_A_GROUP, write_page_checksum=True)
    records = framed(*[serialized({"text": text.encode(), "label": label.encode()}) for text, label in pairs])
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    return {
        "a.csv.gz": gzip.compress(csv.encode(), mtime=0),
        "a.jsonl.gz": gzip.compress(lines[:half], mtime=0) + gzip.compress(lines[half:], mtime=0),
        "a.csv.zst": compressor.compress(csv.encode()),
        "a.parquet": parquet.getvalue(),
        "a.tfrecord": records,
        "a.tfrecord.gz": gzip.compress(records, mtime=0),
    }


def _read(name: str, content: bytes, damaged: Damaged) -> list[Pair]:
    """The rows that a job would use.

    Raises:
      UserError: the file is refused.
    """
    files = MemoryFiles({name: content})
    tasks = plan(files)
    check_columns(tasks, COLUMNS, files, damaged=damaged)
    batches = [batch for task in tasks for batch in read_tasks([task], COLUMNS, files, damaged=damaged)]
    return [(text, label) for text, label, _ in rows_of(batches)]


def _are_some_of(rows: Iterable[Pair], right: Sequence[Pair]) -> bool:
    """Whether the rows are some of the right ones, in their order."""
    rest = iter(right)
    return all(row in rest for row in rows)


def run(tries: int, folder: Path, seed: int) -> Part:
    """Flips one bit `tries` times in each format, and reads the file in both ways."""
    del folder
    draw = random.Random(seed)
    part = Part("flipped bits, in each of six formats")
    pairs = _pairs(draw)
    for name, content in _files(pairs).items():
        used = 0
        for _ in range(tries):
            bit = draw.randrange(8 * len(content))
            flipped = content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]
            for damaged in _WAYS:
                what = f"{name}, bit {bit}, {damaged}"
                try:
                    rows = _read(name, flipped, damaged)
                except UserError as error:
                    part.add("refused")
                    if name not in str(error):
                        part.fail(f"{what}: the message does not name the file: {error}")
                    continue
                except Exception as error:
                    part.fail(f"{what}: {type(error).__name__}: {str(error)[:200]}")
                    continue
                if rows == pairs:
                    part.add("all rows right")
                elif damaged == "use_what_is_whole" and _are_some_of(rows, pairs):
                    part.add("only whole rows used")
                    used += len(rows)
                else:
                    part.fail(f"{what}: {len(rows)} rows, some of them wrong or missing")
        part.facts[name] = f"{used / max(1, tries):.0f} of {_ROWS} rows used"
    return part
