"""What both suites ask for: the texts, the seeds, the folder of the runs, and which of the subjects to run."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks.harness.processes import ROOT
from benchmarks.quality.blocks import FOLDS, blocks_input, sample_blocks
from benchmarks.quality.runs import Ours, Runs, Subject

_SHORT_ROWS = 300
_SAMPLE_ROWS = 20_000
S = TypeVar("S", Subject, Ours)


class Asked(NamedTuple):
    """name: of the texts, in tables; seeds: how many."""

    runs: Runs
    name: str
    seeds: int


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of both suites."""
    parser.add_argument("--input", type=Path, metavar="FILE", help="Parquet with text, label (0 or 1), perhaps id")
    parser.add_argument("--unlabelled", type=Path, metavar="FILE", help="texts without labels, for those that use them")
    parser.add_argument("--rows", type=int, metavar="N", help="the first rows of --input, or of the built-in corpus")
    parser.add_argument("--fold", type=int, default=0, choices=range(FOLDS), help="which fifth of the blocks is asked")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="of each subject, from 0 on")
    parser.add_argument("--only", action="append", metavar="NAME", help="subjects with this in their name; repeatable")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "quality", help="the folder of finished runs")


def asked(options: argparse.Namespace) -> Asked:
    """Makes the file of texts, unless it is there."""
    work: Path = options.work.absolute()
    if options.input is None:
        rows = _SHORT_ROWS if options.short else options.rows or _SAMPLE_ROWS
        return Asked(Runs(work, sample_blocks(rows, work / "data")), f"{rows:,} sample texts", _seeds(options))
    folder = work / "data" / f"{options.input.stem}-{options.rows or 'all'}"
    data = blocks_input(options.input, folder, fold=options.fold, rows=options.rows)
    rows_told = f"{options.rows:,} rows" if options.rows else "all rows"
    unlabelled = None if options.unlabelled is None else options.unlabelled.absolute()
    runs = Runs(work, data, unlabelled=unlabelled)
    return Asked(runs, f"{rows_told} of {options.input.stem}, fold {options.fold}", _seeds(options))


def chosen(subjects: Sequence[S], only: Sequence[str] | None) -> list[S]:
    """The subjects whose names hold one of the words of --only.

    >>> [subject.name for subject in chosen([Ours("default", {}), Ours("wide", {})], ["wid"])]
    ['wide']
    """
    found = [subject for subject in subjects if only is None or any(word in subject.name for word in only)]
    if not found:
        names = ", ".join(subject.name for subject in subjects)
        raise SystemExit(f"--only: no subject has {only} in its name; there are {names}")
    return found


def _seeds(options: argparse.Namespace) -> int:
    return 1 if options.short else int(options.seeds)
