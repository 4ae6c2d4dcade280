"""The words of a vocabulary from elsewhere on their way through the analyzer: pure functions of Arrow tables.

    id     int64         the word's id, rising; ids may have gaps
    token  large_binary  as text/graph.py spells it

They cross the job as a file and not within its graph: a million words are 20 MB, which each stage would hold a copy of.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.files.beam import BeamFiles
from pipeline.records_folder.vocabulary_tsv import format_words
from pipeline.support import arrow_ipc

_SCHEMA = pa.schema([("id", pa.int64()), ("token", pa.large_binary())])


class GivenWords(NamedTuple):
    """Where the words wait, and the highest id that is taken."""

    path: str
    last_id: int


def write(path: str, words: Sequence[tuple[int, str]]) -> None:
    """Leaves (id, token) pairs for the analyzer."""
    numbers = pa.array([number for number, _ in words], pa.int64())
    tokens = pa.array([token.encode() for _, token in words], pa.large_binary())
    BeamFiles().write(path, arrow_ipc.pack(pa.table([numbers, tokens], schema=_SCHEMA)))


def read(given: GivenWords | None) -> pa.Table:
    """The words that `write` left; a table without a row where there are none."""
    return _SCHEMA.empty_table() if given is None else arrow_ipc.unpack(BeamFiles().read(given.path))


def divide(table: pa.Table, words: pa.Table) -> tuple[pa.Table, pa.Table]:
    """A count table -> its rows of given words, and the others.

    >>> table = pa.table({"token": pa.array([b"a", b"b"], pa.large_binary())})
    >>> words = pa.table({"id": [1], "token": pa.array([b"b"], pa.large_binary())})
    >>> [part["token"].to_pylist() for part in divide(table, words)]
    [[b'b'], [b'a']]
    """
    if not words.num_rows:
        return table.slice(0, 0), table
    is_given = pc.is_in(table["token"], words["token"].combine_chunks())
    return table.filter(is_given), table.filter(pc.invert(is_given))


def counted_lines(words: pa.Table, table: pa.Table) -> bytes:
    r"""The words, with their counts in a count table (0 if they are not in it) -> lines of vocabulary.tsv.

    >>> words = pa.table({"id": [1, 7], "token": pa.array([b"a", b"b"], pa.large_binary())})
    >>> table = pa.table({"token": pa.array([b"b"], pa.large_binary()), "count": [3]})
    >>> counted_lines(words, table)
    b'1\ta\t0\n7\tb\t3\n'
    """
    row = pc.index_in(words["token"], table["token"].combine_chunks())
    counts = pc.fill_null(table["count"].take(row), 0).to_pylist()
    return format_words(words["id"].to_pylist(), words["token"].to_pylist(), counts)
