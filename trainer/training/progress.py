"""The events of a running training, and what receives them; the command line shows them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from trainer.training.history import EpochRecord
from trainer.training.objective import EpochAverages


@dataclass(frozen=True)
class StepEvent:
    """A training step is done.

    epoch, step: counted from 1, the step within its epoch; epochs: at most; steps: of an epoch.
    examples: rows since this process started or resumed the training.
    averages: returns the epoch's loss and accuracy so far. It waits for the device, so call it only to show them.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    examples: int
    averages: Callable[[], EpochAverages]


@dataclass(frozen=True)
class EpochEvent:
    """An epoch is done and scored; epochs: at most; is_best: it is the best one so far."""

    record: EpochRecord
    epochs: int
    is_best: bool


Progress: TypeAlias = Callable[[StepEvent | EpochEvent], None]


def ignore_progress(_: StepEvent | EpochEvent) -> None:
    """Shows nothing."""
