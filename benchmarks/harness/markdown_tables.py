"""Reports -> tables in Markdown, and the part of docs/measurements/benchmarks.md that they fill.

A suite's tables stand there between two marks, so that no figure is copied by hand:

    <!-- benchmarks: preprocessing -->
    <!-- /benchmarks -->
"""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.report import Report

_BLOCK = r"(<!-- benchmarks: {name} -->\n).*?(<!-- /benchmarks -->)"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; the first column is left-aligned, the others right-aligned.

    >>> print(table(["who", "s"], [["we", "1.0"]]))
    | who | s |
    |---|---:|
    | we | 1.0 |
    """
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    shown = ["| " + " | ".join(line) + " |" for line in lines]
    shown[1] = shown[1].replace(" ", "")
    return "\n".join(shown)


def spread(values: Sequence[float], *, digits: int = 1, scale: float = 1.0) -> str:
    """The median, and the least and the greatest behind it where there are several.

    >>> spread([1.04, 3, 2]), spread([0.002], digits=0, scale=1000)
    ('2.0 (1.0 to 3.0)', '2')
    """
    numbers = [value * scale for value in values]
    middle = f"{statistics.median(numbers):,.{digits}f}"
    return middle if len(numbers) == 1 else f"{middle} ({min(numbers):,.{digits}f} to {max(numbers):,.{digits}f})"


def origin(report: Report) -> str:
    """The sentence below a report's tables: where and with which command it was measured."""
    machine = report.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"`{report.command}`: {machine.cores} cores ({machine.processor}), {machine.memory_bytes / 2**30:.0f} GiB, "
        f"Python {machine.python}, {versions}."
    )


def fill(page: Path, name: str, content: str) -> bool:
    """Puts a suite's tables between its marks in a page; whether the page has them."""
    before = page.read_text()
    pattern = re.compile(_BLOCK.format(name=re.escape(name)), re.DOTALL)
    page.write_text(pattern.sub(lambda found: f"{found[1]}\n{content.strip()}\n\n{found[2]}", before))
    return pattern.search(before) is not None
