"""Ablation: a training, and the same with one setting changed at a time, each by several seeds, on blocks of texts.

The settings come from a YAML file with `base` and `changes`. --work keeps finished runs, so the table can be made in
pieces: `--only word_dropout`, later the rest.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness.report import Report, make_report
from benchmarks.quality import options as common
from benchmarks.quality import tables
from benchmarks.quality.runs import Ours
from pipeline.config.settings import setting_names

BASE = "base"
_SPACE = Path(__file__).parent / "ablation.yaml"
# Of --short: both train in a second.
_TINY = {"model.embedding_dim": 4, "model.lstm_units": 6, "training.epochs": 1, "sequence.max_length": 50}
_SHORT = {"base": _TINY, "changes": {"pooling mean_max": {"model.pooling": "mean_max"}}}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    common.add_options(parser)
    parser.add_argument("--space", type=Path, default=_SPACE, metavar="FILE", help="YAML with base and changes")


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """A report of one input."""
    space = _SHORT if options.short else yaml.safe_load(options.space.read_text())
    given = common.asked(options)
    trained = subjects(space)
    wanted = trained if options.only is None else [trained[0], *common.chosen(trained[1:], options.only)]
    rows = [tables.row_of("ablation", subject, given.runs, seeds=given.seeds) for subject in wanted]
    yield make_report("ablation", given.name, rows, arguments=arguments)


def markdown(reports: Sequence[Report]) -> str:
    """The tables of the reports."""
    return tables.markdown(reports, base=BASE)


def subjects(space: Mapping[str, Any]) -> list[Ours]:
    """The base, then each change by its name.

    >>> space = {"base": {"training.epochs": 2}, "changes": {"long": {"training.epochs": 9}}}
    >>> [(one.name, one.settings) for one in subjects(space)]
    [('base', {'training.epochs': 2}), ('long', {'training.epochs': 9})]
    """
    base: dict[str, Any] = space.get("base") or {}
    changes: dict[str, dict[str, Any]] = space["changes"]
    known = {*setting_names(), "vocabulary.from"}
    for name in [*base, *(name for change in changes.values() for name in change)]:
        if name not in known:
            raise SystemExit(f"--space: {name} is no setting")
    return [Ours(BASE, base), *(Ours(name, {**base, **change}) for name, change in changes.items())]
