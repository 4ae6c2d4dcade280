"""The part of a manifest on tables of databases -> lines for a person: `describe` and the report show them."""

from pipeline.records_folder.manifest import InputSummary


def table_lines(part: InputSummary) -> list[str]:
    """A line for each table or query that was read; part: the input of a manifest.

    >>> from pipeline.records_folder.manifest import TableRead
    >>> table = TableRead(path="bigquery://p.d.t", taken="2024-01-31T08:00:00+00:00", parts=3)
    >>> table_lines(InputSummary(files=1, tables=[table]))
    ['bigquery://p.d.t was read as it was at 2024-01-31T08:00:00+00:00, in 3 parts']
    """
    return [
        f"{table.path} was read as it was at {table.taken}, in {table.parts:,} part{'s' if table.parts != 1 else ''}"
        for table in part.tables
    ]
