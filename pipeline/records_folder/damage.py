"""The parts of a manifest on damaged files and rejected rows -> lines for a person.

The terminal shows all of them. `describe` and the report show those on damaged files.
"""

from collections.abc import Mapping

from pipeline.records_folder.manifest import InputSummary
from pipeline.records_folder.rejected_summary import RejectedSummary

_SHOWN_FILES = 5
_SHOWN_REASONS = 3


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


def rejected_lines(part: RejectedSummary, folder: str) -> list[str]:
    """How many rows were rejected, and why, and how many are left out as a setting asks; folder: where the records are.

    Without such rows there is no line.

    >>> rejected_lines(RejectedSummary(rows=3, by_reason={"missing label": 2, "broken JSON": 1}), "out/records")
    ['3 rows were rejected (missing label 2, broken JSON 1); out/records/rejected has them']
    >>> rejected_lines(RejectedSummary(rows=1502, by_reason={"a": 1499, "b": 1, "c": 1, "d": 1}), "out")
    ['1,502 rows were rejected (a 1,499, b 1, c 1, 1 more reason); out/rejected has them']
    >>> rejected_lines(RejectedSummary(rows=4, by_reason={"a": 4}, asked_for={"a": 4}), "out")
    ['4 rows were left out, as the settings ask (a 4); out/rejected has them']
    """
    faults = {reason: rows for reason, rows in part.by_reason.items() if reason not in part.asked_for}
    lines = [_line(faults, "rejected", folder), _line(part.asked_for, "left out, as the settings ask", folder)]
    return [line for line in lines if line]


def _line(by_reason: Mapping[str, int], what: str, folder: str) -> str:
    if not by_reason:
        return ""
    reasons = [f"{reason} {rows:,}" for reason, rows in by_reason.items()]
    number = sum(by_reason.values())
    more = len(reasons) - _SHOWN_REASONS
    shown = ", ".join(reasons[:_SHOWN_REASONS]) + (f", {more} more reasons" if more > 1 else "")
    shown += ", 1 more reason" if more == 1 else ""
    rows = "1 row was" if number == 1 else f"{number:,} rows were"
    return f"{rows} {what} ({shown}); {folder.rstrip('/')}/rejected has {'it' if number == 1 else 'them'}"
