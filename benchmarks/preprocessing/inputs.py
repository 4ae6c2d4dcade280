"""Texts to measure with -> one Parquet file with the columns text, label (integer) and split, for all competitors.

Of ten rows one is eval and one is test. The split is a column, so that all learn from the same rows and their
vocabularies can be compared.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.sample_corpus import DEFAULT_SEED, sample_batch

# A review of the built-in corpus has 490 bytes. Three of them are about as long as a review of IMDB, 1,310 bytes.
JOINED = 3

_GROUP_ROWS = 10_000
_SPLITS = ("train",) * 8 + ("eval", "test")
_SCHEMA = pa.schema([("text", pa.string()), ("label", pa.int64()), ("split", pa.string())])


class Input(NamedTuple):
    """A file to measure with. name: in tables; text_bytes: of all its texts."""

    name: str
    path: Path
    rows: int
    text_bytes: int


def sample_input(rows: int, folder: Path, *, joined: int = JOINED) -> Input:
    """The first rows of the built-in corpus. Each text is `joined` reviews, one after the other."""
    tables = (
        _joined(sample_batch(joined * first, joined * min(_GROUP_ROWS, rows - first), seed=DEFAULT_SEED), joined)
        for first in range(0, rows, _GROUP_ROWS)
    )
    return _write(tables, folder / f"sample-{rows}.parquet", name=f"{rows:,} sample texts")


def _joined(reviews: pa.RecordBatch, number: int) -> pa.Table:
    """A text is `number` reviews, and has the label of the first."""
    starts = pa.array(np.arange(0, reviews.num_rows + 1, number), pa.int32())
    texts = pc.binary_join(pa.ListArray.from_arrays(starts, reviews["text"]), " ")
    labels = pc.equal(reviews["label"].take(starts[:-1]), "positive").cast(pa.int64())
    return pa.table({"text": texts, "label": labels})


def given_input(paths: Sequence[Path], folder: Path, *, rows: int | None = None) -> Input:
    """The rows of Parquet files with the columns text and label, an integer; at most `rows` of them.

    A label of -1, as the reviews without one have in the Large Movie Review Dataset, is a label like the others.
    """
    names = " + ".join(path.stem for path in paths)
    tables = (
        pa.Table.from_batches([batch])
        for path in paths
        for batch in pq.ParquetFile(path).iter_batches(_GROUP_ROWS, columns=["text", "label"])
    )
    given = _write(_first(tables, rows), folder / f"given-{rows or 'all'}.parquet", name="")
    return given._replace(name=f"{given.rows:,} rows of {names}")


def _first(tables: Iterator[pa.Table], rows: int | None) -> Iterator[pa.Table]:
    left = rows
    for table in tables:
        if left is None:
            yield table
        elif left > 0:
            yield table.slice(0, left)
            left -= min(left, table.num_rows)


def _write(tables: Iterator[pa.Table], path: Path, *, name: str) -> Input:
    rows = text_bytes = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as file:
        for table in tables:
            splits = [_SPLITS[place % len(_SPLITS)] for place in range(rows, rows + table.num_rows)]
            table = table.append_column("split", pa.array(splits))
            file.write_table(table.cast(_SCHEMA), row_group_size=_GROUP_ROWS)
            rows += table.num_rows
            text_bytes += int(np.sum(pc.binary_length(table["text"]).to_numpy()))
    return Input(name, path, rows, text_bytes)
