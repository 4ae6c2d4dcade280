"""The words of an imported vocabulary among the counted ones: functions of Arrow tables, and the file of the words.

    id     int64         the word's id, rising; ids may have gaps
    token  large_binary  escaped as text/graph.py does

Workers read the words from a file. In the job's graph a million words would be 20 MB in each stage.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.files.beam import BeamFiles
from pipeline.records_folder.vocabulary_tsv import format_words
from pipeline.support import arrow_ipc

_SCHEMA = pa.schema([("id", pa.int64()), ("token", pa.large_binary())])


class ImportedWords(NamedTuple):
    """The file of the words, and the highest id that is in use, which may belong to no word."""

    path: str
    last_id: int


def write(path: str, words: Sequence[tuple[int, str]]) -> None:
    """Writes (id, token) pairs into the file that workers read."""
    numbers = pa.array([number for number, _ in words], pa.int64())
    tokens = pa.array([token.encode() for _, token in words], pa.large_binary())
    BeamFiles().write(path, arrow_ipc.pack(pa.table([numbers, tokens], schema=_SCHEMA)))


def read(imported: ImportedWords | None) -> pa.Table:
    """The words that `write` wrote, a table of id and token; without rows if no vocabulary is imported."""
    return _SCHEMA.empty_table() if imported is None else arrow_ipc.unpack(BeamFiles().read(imported.path))


def divide(table: pa.Table, words: pa.Table) -> tuple[pa.Table, pa.Table]:
    """A count table -> its rows of imported words, and its other rows.

    >>> table = pa.table({"token": pa.array([b"a", b"b"], pa.large_binary())})
    >>> words = pa.table({"id": [1], "token": pa.array([b"b"], pa.large_binary())})
    >>> [part["token"].to_pylist() for part in divide(table, words)]
    [[b'b'], [b'a']]
    """
    if not words.num_rows:
        return table.slice(0, 0), table
    is_imported = pc.is_in(table["token"], words["token"].combine_chunks())
    return table.filter(is_imported), table.filter(pc.invert(is_imported))


def imported_lines(words: pa.Table, table: pa.Table) -> bytes:
    r"""The imported words and a count table -> their lines of vocabulary.tsv; the count is 0 if the table has none.

    >>> words = pa.table({"id": [1, 7], "token": pa.array([b"a", b"b"], pa.large_binary())})
    >>> table = pa.table({"token": pa.array([b"b"], pa.large_binary()), "count": [3]})
    >>> imported_lines(words, table)
    b'1\ta\t0\n7\tb\t3\n'
    """
    row = pc.index_in(words["token"], table["token"].combine_chunks())
    counts = pc.fill_null(table["count"].take(row), 0).to_pylist()
    return format_words(words["id"].to_pylist(), words["token"].to_pylist(), counts)
