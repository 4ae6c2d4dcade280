"""Reports -> tables in Markdown, and the part of docs/measurements/benchmarks.md that they fill.

A suite's tables go between two marks of the page, so that no figure is copied by hand:

    <!-- benchmarks: preprocessing -->
    <!-- /benchmarks -->
"""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.report import Report

_BLOCK = r"(<!-- benchmarks: {name} -->\n).*?(<!-- /benchmarks -->)"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """A table in Markdown; the first columns hold words and are left-aligned, the others right-aligned.

    >>> print(table(["who", "s"], [["we", "1.0"]]))
    | who | s |
    |---|---:|
    | we | 1.0 |
    """
    lines = [header, [*("---" for _ in header[:words]), *("---:" for _ in header[words:])], *rows]
    rows_of_text = ["| " + " | ".join(line) + " |" for line in lines]
    rows_of_text[1] = rows_of_text[1].replace(" ", "")
    return "\n".join(rows_of_text)


def spread(values: Sequence[float], *, digits: int = 1, scale: float = 1.0) -> str:
    """The median; of several values also the least and the greatest.

    >>> spread([1.04, 3, 2]), spread([0.002], digits=0, scale=1000)
    ('2.0 (1.0 to 3.0)', '2')
    """
    numbers = [value * scale for value in values]
    middle = f"{statistics.median(numbers):,.{digits}f}"
    return middle if len(numbers) == 1 else f"{middle} ({min(numbers):,.{digits}f} to {max(numbers):,.{digits}f})"


def origin(report: Report) -> str:
    """The sentence below the tables of a report: the command, the machine and the versions."""
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"`{report.command}`: {machine.cores} cores ({machine.processor}), {machine.memory_bytes / 2**30:.0f} GiB, "
        f"Python {machine.python}, {versions}."
    )


def fill(page: Path, name: str, content: str) -> bool:
    """Puts a suite's tables between its marks in a page. Returns whether the page has the marks."""
    before = page.read_text()
    pattern = re.compile(_BLOCK.format(name=re.escape(name)), re.DOTALL)
    page.write_text(pattern.sub(lambda match: f"{match[1]}\n{content.strip()}\n\n{match[2]}", before))
    return pattern.search(before) is not None
