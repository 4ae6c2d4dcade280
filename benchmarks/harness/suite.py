"""The interface of a suite: a module with these three functions, and with a first line that says what it measures."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Protocol

from benchmarks.harness.report import Report


class Suite(Protocol):
    """A module of a suite."""

    __doc__: str | None

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Adds the suite's own options. The parser has --short and --results already."""

    def measure(self, options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterable[Report]:
        """Measures, and yields each report once it is complete. arguments: for the command in the report."""

    def markdown(self, reports: Sequence[Report]) -> str:
        """The tables of the reports."""
