"""What `python -m benchmarks` asks of a suite: a module with these three functions, and a first line that says what it
measures."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Protocol

from benchmarks.harness.report import Report


class Suite(Protocol):
    """A module of a suite."""

    __doc__: str | None

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Adds the suite's own options; --short and --results are there already."""

    def measure(self, options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterable[Report]:
        """Measures; gives a report as soon as it is complete. `arguments` are kept in it: the command to repeat."""

    def show(self, reports: Sequence[Report]) -> str:
        """The tables, in Markdown."""
