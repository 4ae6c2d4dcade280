"""The part of a manifest on damaged files -> lines for a person: on the terminal, in `describe` and in the report."""

from pipeline.records_folder.manifest import InputSummary

_SHOWN_FILES = 5


def damage_head(part: InputSummary) -> str:
    """How many files are damaged; part: the input of a manifest.

    >>> damage_head(InputSummary(files=3, damaged=1))
    '1 of 3 files is damaged; what follows the damage is lost, and the number of rows in it is not known'
    """
    verb = "is" if part.damaged == 1 else "are"
    return (
        f"{part.damaged:,} of {part.files:,} {'file' if part.files == 1 else 'files'} {verb} damaged; "
        "what follows the damage is lost, and the number of rows in it is not known"
    )


def damage_lines(part: InputSummary) -> list[str]:
    """The head, and a line for each of a few files.

    >>> from pipeline.records_folder.manifest import DamagedFile
    >>> file = DamagedFile(file="a.csv.gz", rows=1504, why="damaged file")
    >>> damage_lines(InputSummary(files=3, damaged=1, damaged_files=[file]))[1:]
    ['  a.csv.gz: damaged file; 1,504 rows could be read']
    """
    if not part.damaged:
        return []
    lines = [f"  {file.file}: {file.why}; {file.rows:,} rows could be read" for file in part.damaged_files]
    more = part.damaged - _SHOWN_FILES
    others = [f"  and {more:,} more; manifest.json has the first {len(lines)}"] if more > 0 else []
    return [damage_head(part), *lines[:_SHOWN_FILES], *others]
