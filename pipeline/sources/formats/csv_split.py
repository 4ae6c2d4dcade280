"""Text of a csv or tsv file, and its dialect -> rows of fields, by Python's parser: for headers and first rows."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from pipeline.sources.formats.dialect import Dialect

# Python's own limit for a field is 131,072 characters, for all readers of the process. No header is longer than this:
# a row, and so a header, has 256 MiB at most.
LONGEST_FIELD: Final = 2**31 - 1


def split_row(row: bytes, dialect: Dialect) -> list[str]:
    """The fields of one row; none if it is not in UTF-8, or not csv.

    >>> split_row(b'a,"b, c"', Dialect(","))
    ['a', 'b, c']
    """
    try:
        fields = next(splitter(row.decode("utf-8"), dialect), [])
    except (UnicodeDecodeError, csv.Error):
        return []
    return fields


def splitter(text: str, dialect: Dialect, *, strict: bool = False) -> Iterator[list[str]]:
    """A reader of rows in a dialect; strict: it fails where text follows a quoted field, or a quote is never closed."""
    csv.field_size_limit(LONGEST_FIELD)
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quoting=csv.QUOTE_MINIMAL if dialect.quotes else csv.QUOTE_NONE,
        escapechar="\\" if dialect.escapes else None,
        strict=strict,
    )
