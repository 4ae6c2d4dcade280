"""What a manifest says of rows of csv and tsv that are not one line each -> lines for a terminal and for the report."""

from pipeline.records_folder.manifest import InputSummary


def repeated_lines(part: InputSummary) -> list[str]:
    """A line about headers inside files; none: there are none. part: the input of a manifest.

    >>> repeated_lines(InputSummary(repeated_headers=1))
    ['1 line inside a csv or tsv file repeats its header, as in part files that were put together; it is not a row']
    """
    if not part.repeated_headers:
        return []
    one = part.repeated_headers == 1
    lines = (
        "line inside a csv or tsv file repeats its header" if one else "lines inside csv or tsv files repeat the header"
    )
    are = "it is not a row" if one else "they are no rows"
    return [f"{part.repeated_headers:,} {lines}, as in part files that were put together; {are}"]


def spanning_lines(part: InputSummary) -> list[str]:
    """A line about rows of several lines; none: there are none.

    >>> spanning_lines(InputSummary(spanning_rows=1200))
    ['1,200 rows of csv or tsv have several lines: a field in quotes holds a line break']
    """
    if not part.spanning_rows:
        return []
    rows = "1 row of csv or tsv has" if part.spanning_rows == 1 else f"{part.spanning_rows:,} rows of csv or tsv have"
    return [f"{rows} several lines: a field in quotes holds a line break"]
