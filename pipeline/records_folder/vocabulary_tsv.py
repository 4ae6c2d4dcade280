r"""vocabulary.tsv, in a records folder or among the assets of a graph: its bytes -> words, and back.

    1 TAB the TAB 336148
    2 TAB and TAB 164097

A line is a word: its id, its token and how often the train split has it. Lines are in the order of the ids; there is no
header. Tokens are as files write them (text/escaping.py), so none has a tab or a line feed.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from pipeline.contract import VOCABULARY_FILE
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.records_folder.reader import remedy_of

REMEDY = "run the pipeline again, or copy the whole folder"
# More than any vocabulary: 50 million words of 40 bytes.
MAX_VOCABULARY_BYTES: Final = 2 << 30
# Bytes of a damaged line that a message shows.
_SHOWN_BYTES: Final = 60
# What ends the three fields of a line.
_ENDS = np.frombuffer(b"\t\t\n", np.uint8)


@dataclass(frozen=True, slots=True)
class Word:
    """A line, in the order of contract.VOCABULARY_COLUMNS."""

    id: int
    token: str
    count: int


class WordColumns(NamedTuple):
    """The lines of a vocabulary by column, each [words]."""

    ids: list[int]
    tokens: list[str]
    counts: list[int]


def format_words(ids: Iterable[int], tokens: Iterable[bytes], counts: Iterable[int]) -> bytes:
    r"""The columns of words, each [words] -> their lines.

    Raises:
      ValueError: the columns are not equally long.

    >>> format_words([1, 2], [b"this", b"is"], [8, 5])
    b'1\tthis\t8\n2\tis\t5\n'
    """
    return b"".join(b"%d\t%b\t%d\n" % word for word in zip(ids, tokens, counts, strict=True))


def parse_columns(content: bytes, *, path: str, remedy: str = REMEDY) -> WordColumns:
    r"""The bytes of a vocabulary -> its columns. path, remedy: the place and the advice of the message.

    All lines are split at once: a million words take 0.4 s, and 1.1 s line by line.

    Raises:
      UserError: a line is not an id, a token and a count.

    >>> parse_columns(b"1\tthis\t8\n2\tis\t5\n", path="vocabulary.tsv")
    WordColumns(ids=[1, 2], tokens=['this', 'is'], counts=[8, 5])
    """
    if content and not content.endswith(b"\n"):
        content += b"\n"
    try:
        if not _has_three_fields_a_line(content):
            raise ValueError("a line has not three fields")
        fields = content.decode().replace("\n", "\t").split("\t")
        del fields[-1]  # after the last line feed
        ids, counts = (list(map(int, islice(fields, first, None, 3))) for first in (0, 2))
        return WordColumns(ids, fields[1::3], counts)
    except ValueError as error:
        number, line = _damaged_line(content)
        raise UserError(
            f"{path} can't be read: line {number} is {_quoted(line)}, not an id, a token and a count with tabs "
            f"between them; {remedy}"
        ) from error


def read_columns(folder: str, files: Files, *, sha256: str) -> WordColumns:
    """The words of a records folder, by column. sha256: of vocabulary.tsv, as the manifest says.

    Raises:
      UserError: the file is missing, not a regular file, too large, or another one than the manifest says.
    """
    path = f"{folder.rstrip('/')}/{VOCABULARY_FILE}"
    try:
        with files.open(path) as file:
            content = file.read(MAX_VOCABULARY_BYTES + 1)
    except OSError as error:
        raise UserError(
            f"{path} can't be read: {error.strerror or error}; {remedy_of(error, otherwise=REMEDY)}"
        ) from error
    if len(content) > MAX_VOCABULARY_BYTES:
        raise UserError(f"{path} has more than {MAX_VOCABULARY_BYTES >> 30} GB, which no run writes; {REMEDY}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UserError(
            f"{path} is damaged, or another folder's: its sha256 is not the manifest's; {REMEDY} "
            "(`python -m pipeline verify` tells what else is wrong there)"
        )
    return parse_columns(content, path=path)


def most_frequent(words: WordColumns, number: int) -> list[Word]:
    """The words with the highest counts, falling. They are the first of the file only if ids come from counts.

    >>> most_frequent(WordColumns([1, 7, 8], ["old", "new", "rare"], [2, 9, 1]), 2)
    [Word(id=7, token='new', count=9), Word(id=1, token='old', count=2)]
    """
    places = np.argsort(-np.array(words.counts, np.int64), kind="stable")[:number].tolist()
    return [Word(words.ids[place], words.tokens[place], words.counts[place]) for place in places]


def by_falling_count(words: WordColumns) -> WordColumns:
    """The words with the highest counts first; words with equal counts stay in their order.

    >>> by_falling_count(WordColumns([1, 7, 8], ["old", "new", "rare"], [1, 9, 1]))
    WordColumns(ids=[7, 1, 8], tokens=['new', 'old', 'rare'], counts=[9, 1, 1])
    """
    places = np.argsort(-np.array(words.counts, np.int64), kind="stable").tolist()
    return WordColumns(*([column[place] for place in places] for column in words))


def _has_three_fields_a_line(content: bytes) -> bool:
    data = np.frombuffer(content, np.uint8)
    ends = data[(data == _ENDS[0]) | (data == _ENDS[2])]
    return ends.size % 3 == 0 and bool((ends.reshape(-1, 3) == _ENDS).all())


def _damaged_line(content: bytes) -> tuple[int, bytes]:
    """(number from 1, line) of the first line that is not an id, a token and a count."""
    # A file's lines end at LF alone. splitlines() would also cut within tokens, at a carriage return for example.
    lines = content.removesuffix(b"\n").split(b"\n")
    return next((number, line + b"\n") for number, line in enumerate(lines, start=1) if not _is_word(line))


def _quoted(line: bytes) -> str:
    return repr(line[:_SHOWN_BYTES]) + (" ..." if len(line) > _SHOWN_BYTES else "")


def _is_word(line: bytes) -> bool:
    try:
        word_id, _, count = line.decode().split("\t")
        int(word_id)
        int(count)
    except ValueError:
        return False
    return True
