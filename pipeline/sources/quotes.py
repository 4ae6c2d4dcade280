"""Bytes of a CSV or TSV file that begin with a row -> where its rows end, quoted line breaks left out.

A quote opens only where a field begins, as in pyarrow's parser and Python's: `5" disk` holds a plain
character.
"""

from typing import Final

import numpy as np

from pipeline.sources.chunks import RowEnd

QUOTE: Final = ord('"')

Span = tuple[int, int]


def last_row_end(data: bytes, *, delimiter: str) -> RowEnd:
    """Where the last whole row ends (0: there is none), and whether a quote is open where the bytes end.

    >>> last_row_end(b'a,1\\n"b\\nb",2\\n"c\\n', delimiter=",")
    RowEnd(end=12, in_quotes=True)
    """
    spans, in_quotes = _unquoted(data, delimiter)
    for start, stop in reversed(spans):
        end = max(data.rfind(b"\n", start, stop), data.rfind(b"\r", start, stop)) + 1
        if end:
            return RowEnd(end, in_quotes)
    return RowEnd(0, in_quotes)


def first_row_end(data: bytes, *, delimiter: str) -> int:
    """Where the first row's line end stands; the bytes' length where there is none.

    >>> first_row_end(b'"a\\nb",c\\nd', delimiter=",")
    7
    """
    for start, stop in _unquoted(data, delimiter)[0]:
        ends = [end for end in (data.find(b"\n", start, stop), data.find(b"\r", start, stop)) if end >= 0]
        if ends:
            return min(ends)
    return len(data)


def _unquoted(data: bytes, delimiter: str) -> tuple[list[Span], bool]:
    """The stretches outside of quotes, and whether a quote is open at the end."""
    characters = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(characters == QUOTE)
    if not quotes.size:
        return [(0, len(data))], False
    # Inside a field two quotes are one character, and a field of "" opens and closes: only a run of an odd
    # number of quotes opens or closes anything.
    begins = np.flatnonzero(np.diff(quotes, prepend=-2) > 1)
    lengths = np.diff(begins, append=quotes.size)
    odd = lengths % 2 == 1
    runs, lengths = quotes[begins[odd]], lengths[odd]
    before = characters[runs - 1]
    may_open = (runs == 0) | np.isin(before, np.frombuffer(f"{delimiter}\r\n".encode(), np.uint8))

    spans = []
    outside_since: int | None = 0
    for run, length, opens in zip(runs.tolist(), lengths.tolist(), may_open.tolist(), strict=True):
        if outside_since is None:
            outside_since = run + length
        elif opens:
            spans.append((outside_since, run))
            outside_since = None
    if outside_since is not None:
        spans.append((outside_since, len(data)))
    return spans, outside_since is None
