r"""vocabulary.tsv, in a records folder or among the assets of a graph: its bytes -> words, and back.

    1 TAB the TAB 336148
    2 TAB and TAB 164097

A line is a word: its id, its token and how often the train split has it. Lines are in the order of the ids; there is no
header. Tokens are as files write them (text/escaping.py), so none has a tab or a line feed.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest

from pipeline.contract import VOCABULARY_FILE
from pipeline.errors import UserError
from pipeline.files.local import Files

_REMEDY = "run the pipeline again, or copy the whole folder"


@dataclass(frozen=True, slots=True)
class Word:
    """A line, in the order of contract.VOCABULARY_COLUMNS."""

    id: int
    token: str
    count: int


def format_words(ids: Iterable[int], tokens: Iterable[bytes], counts: Iterable[int]) -> bytes:
    r"""The columns of words, each [words] -> their lines.

    Raises:
      ValueError: the columns are not equally long.

    >>> format_words([1, 2], [b"this", b"is"], [8, 5])
    b'1\tthis\t8\n2\tis\t5\n'
    """
    return b"".join(b"%d\t%b\t%d\n" % word for word in zip(ids, tokens, counts, strict=True))


def parse_words(content: bytes, *, path: str) -> Iterator[Word]:
    r"""The bytes of a vocabulary -> its words one by one; `path` is for the message.

    Raises:
      UserError: a line is not an id, a token and a count.

    >>> list(parse_words(b"1\tthis\t8\n2\tis\t5\n", path="vocabulary.tsv"))
    [Word(id=1, token='this', count=8), Word(id=2, token='is', count=5)]
    """
    # A file's lines end at LF alone. str.splitlines() would also cut within tokens, at U+2028 for example.
    for number, line in enumerate(io.BytesIO(content), start=1):
        try:
            word_id, token, count = line.decode().removesuffix("\n").split("\t")
            yield Word(int(word_id), token, int(count))
        except ValueError as error:
            raise UserError(
                f"{path} can't be read: line {number} is {line!r}, not an id, a token and a count with tabs "
                f"between them; {_REMEDY}"
            ) from error


def read_words(folder: str, files: Files) -> Iterator[Word]:
    """The words of a records folder, one by one.

    Raises:
      UserError: the file is missing, or damaged.
    """
    path = f"{folder.rstrip('/')}/{VOCABULARY_FILE}"
    try:
        with files.open(path) as file:
            content = file.read()
    except OSError as error:
        raise UserError(f"{path} can't be read: {error}; {_REMEDY}") from error
    return parse_words(content, path=path)


def most_frequent(words: Iterable[Word], number: int) -> list[Word]:
    """The words with the highest counts, falling. They are the first of the file only if ids come from counts.

    >>> most_frequent([Word(1, "old", 2), Word(7, "new", 9), Word(8, "rare", 1)], 2)
    [Word(id=7, token='new', count=9), Word(id=1, token='old', count=2)]
    """
    return nlargest(number, words, key=lambda word: word.count)
