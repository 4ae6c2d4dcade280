"""A study that is done -> best.yaml, sweep.html and the paths of what a person looks at."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trainer.sweep.page import sweep_page
from trainer.sweep.process import MODEL, SETTINGS_FILE
from trainer.sweep.results import Row, best_yaml, importances, rows_of
from trainer.sweep.run import Sweep, run_sweep, trial_folder
from trainer.sweep.study import Study

BEST_FILE: Final = "best.yaml"
PAGE_FILE: Final = "sweep.html"
TENSORBOARD: Final = "tensorboard"


@dataclass(frozen=True)
class SweepOutcome:
    """rows: the best first. best, page, tensorboard: paths. model: the export.path of the best training."""

    rows: list[Row]
    importances: dict[str, float]
    best: str
    page: str
    tensorboard: str
    model: str


def sweep_of_options(
    known: argparse.Namespace, overrides: Mapping[str, str], *, config_path: str | None
) -> SweepOutcome:
    """Runs the sweep that the options of the command ask for, and writes its files."""
    sweep = Sweep(known.space, known.output, known.trials, known.sampler, known.at_once, config_path)
    return write_outcome(run_sweep(sweep, overrides, resume=known.resume), known.output)


def write_outcome(study: Study, output: str) -> SweepOutcome:
    """Writes the files beside the study."""
    folder = Path(output)
    rows, of_settings = rows_of(study.trials), importances(study.study)
    trial = trial_folder(folder, rows[0].number - 1)
    best, page = folder / BEST_FILE, folder / PAGE_FILE
    best.write_text(best_yaml((trial / SETTINGS_FILE).read_text(encoding="utf-8")), encoding="utf-8")
    page.write_bytes(sweep_page(rows, of_settings, best_file=str(best)))
    return SweepOutcome(rows, of_settings, str(best), str(page), str(folder / TENSORBOARD), str(trial / MODEL))
