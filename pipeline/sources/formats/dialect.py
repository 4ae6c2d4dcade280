"""How a csv or tsv file is written: its dialect, which all readers of the file share.

In: nothing but what `csv_dialects` finds. Out: the values that the scan of quotes and the parser need.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    r"""The dialect of one file. It follows from the settings and from the first MiB, so each range of a file has it.

    delimiter: separates fields. quotes: whether a quote at the beginning of a field opens it. escapes: whether a
    backslash takes the meaning of the next character away. names: of the columns, if they are set. has_header: whether
    the first row is a header. prelude: number of bytes before the first row: a line `sep=;`. reads_missing: whether \N
    stands for a missing value. checks_quotes: whether rows that contradict the quotes end the run. checks_escapes:
    whether backslashes that may be escapes do. has_backslashes: whether the first MiB has some, which are known for
    what they are. proven: some row of the first MiB can't be read without quotes.
    """

    delimiter: str
    quotes: bool = True
    escapes: bool = False
    names: tuple[str, ...] | None = None
    has_header: bool = True
    prelude: int = 0
    reads_missing: bool = False
    checks_quotes: bool = False
    checks_escapes: bool = False
    has_backslashes: bool = False
    proven: bool = False

    @property
    def rows_before(self) -> int:
        """Rows, as a scan of the whole file counts them, before the first row of data."""
        return int(self.has_header) + int(self.prelude > 0)
