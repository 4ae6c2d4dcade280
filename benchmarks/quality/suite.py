"""Quality: ours and others on the same split, by accuracy, time, memory, size and the time of one answer.

Each learns from the train rows alone; those that choose an epoch look at eval. --work keeps finished runs, so the table
can be made in pieces: `--only fastText`, later the rest.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from benchmarks.harness.processes import ROOT
from benchmarks.harness.report import OURS, Report, make_report
from benchmarks.quality import options as common
from benchmarks.quality import tables
from benchmarks.quality.runs import Ours, Peer, Subject

PEERS: tuple[Peer, ...] = (
    Peer("scikit-learn, TF-IDF + logistic regression, words", "tfidf_regression", ("1",), takes_seeds=False),
    Peer("scikit-learn, TF-IDF + logistic regression, 1-2-grams", "tfidf_regression", ("2",), takes_seeds=False),
    Peer("NB-weighted logistic regression, 1-3-grams", "nb_regression", ("3",), takes_seeds=False),
    Peer("fastText supervised, bigrams", "fasttext_supervised", in_own_environment=True),
    Peer("Keras examples' bidirectional LSTM", "keras_bidirectional"),
)
_RECIPES = ROOT / "recipes"
# A model of the sample that trains in seconds, for --short.
_TINY = {"model.embedding_dim": 4, "model.lstm_units": 6, "training.epochs": 1, "sequence.max_length": 50}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    common.add_options(parser)


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """A report of one input."""
    given = common.asked(options)
    every: list[Subject] = short_subjects() if options.short else [*ours(_RECIPES), *PEERS]
    subjects = common.chosen(every, options.only)
    rows = [tables.row_of("quality", subject, given.runs, seeds=given.seeds) for subject in subjects]
    yield make_report("quality", given.name, rows, arguments=arguments)


def markdown(reports: Sequence[Report]) -> str:
    """The tables of the reports."""
    return tables.markdown(reports)


def ours(recipes: Path) -> list[Ours]:
    """The default settings, and a subject for each YAML file of recipes."""
    files = sorted(recipes.glob("*.yaml"))
    return [Ours(OURS, {}), *(Ours(f"{OURS}, {path.stem}", dotted(path)) for path in files)]


def dotted(path: Path) -> dict[str, object]:
    """The settings of a YAML file by their dotted names."""
    sections = yaml.safe_load(path.read_text()) or {}
    return {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}


def short_subjects() -> list[Subject]:
    """Two that take a second."""
    return [Ours(OURS, _TINY), PEERS[0]]
