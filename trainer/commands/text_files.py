"""A file of texts without labels -> its rows, in order, each with a text or with the reason why it has none.

    .csv .tsv                 the first row names the columns
    .jsonl .ndjson .json      an object a line
    .parquet .pq
    anything else, and stdin  a text a line

The first three are read by their text column. Text files may be compressed (.gz, .zst, .bz2). A text need not be valid
UTF-8: the model takes any bytes. Lines end with LF or CRLF.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import UserError
from pipeline.sources.schema import missing_column

_DELIMITERS: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
_PARQUET: Final = (".parquet", ".pq")
_COMPRESSED: Final = (".gz", ".zst", ".bz2")
# Python's csv module refuses fields of more than 128 KiB by default.
_LONGEST_FIELD: Final = 2**31 - 1


class Row(NamedTuple):
    """A text, or why there is none."""

    text: bytes | None
    problem: str = ""


def read_texts(path: str, *, column: str) -> Iterator[Row]:
    """The rows of a file.

    Raises:
      UserError: it can't be read, or lacks the column.
    """
    try:
        ending = _ending(path)
        if ending in _PARQUET:
            yield from _parquet(path, column)
            return
        # Arrow's stream decompresses, and Python's around it knows lines.
        with pa.input_stream(path, compression="detect") as stream, io.BufferedReader(stream) as file:
            if ending in _DELIMITERS:
                yield from _delimited(file, path, column, delimiter=_DELIMITERS[ending])
            elif ending in _JSON_LINES:
                yield from _json_lines(file, column)
            else:
                yield from read_lines(file)
    except (OSError, EOFError, pa.ArrowException, csv.Error) as error:
        raise UserError(f"--input: {path} can't be read: {error}") from error


def read_lines(file: IO[bytes]) -> Iterator[Row]:
    r"""A text a line.

    >>> [row.text for row in read_lines(io.BytesIO(b"good\r\n\nbad"))]
    [b'good', b'', b'bad']
    """
    for line in file:
        yield Row(line.removesuffix(b"\n").removesuffix(b"\r"))


def _ending(path: str) -> str:
    suffixes = [suffix for suffix in Path(path.lower()).suffixes if suffix not in _COMPRESSED]
    return suffixes[-1] if suffixes else ""


def _delimited(file: IO[bytes], path: str, column: str, *, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(min(_LONGEST_FIELD, sys.maxsize))
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(lines, delimiter=delimiter)
    header = next(rows, [])
    place = _place(column, header, path)
    for row in rows:
        if len(row) == len(header):
            yield Row(row[place].encode("utf-8", "surrogateescape"))
        elif row:
            yield Row(None, f"{len(row)} columns, the header has {len(header)}")


def _place(column: str, names: Sequence[str], path: str) -> int:
    if column not in names:
        raise missing_column("--text_column", column, path, names)
    return list(names).index(column)


def _json_lines(file: IO[bytes], column: str) -> Iterator[Row]:
    for line in file:
        if line.strip():
            yield _json_row(line, column)


def _json_row(line: bytes, column: str) -> Row:
    try:
        row = json.loads(line)
    except ValueError:
        return Row(None, "broken JSON")
    if not isinstance(row, dict):
        return Row(None, "not a JSON object")
    return _typed(row.get(column), column)


def _parquet(path: str, column: str) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        _place(column, file.schema_arrow.names, path)
        for batch in file.iter_batches(columns=[column]):
            for value in batch.column(0).to_pylist():
                yield _typed(value, column)


def _typed(value: object, column: str) -> Row:
    """
    >>> _typed("good", "text"), _typed(None, "text"), _typed(7, "text")
    (Row(text=b'good', problem=''), Row(text=None, problem='no text'), Row(text=None, problem='text is no string'))
    """
    if isinstance(value, str):
        return Row(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return Row(value)
    return Row(None, f"no {column}" if value is None else f"{column} is no string")
