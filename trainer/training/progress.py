"""What a running training tells whoever wants to show it; the command line turns it into a display."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from trainer.training.history import EpochRecord
from trainer.training.step import Averages


@dataclass(frozen=True)
class StepDone:
    """A step has been taken.

    epoch, step: counted from 1, the step within its epoch; epochs, steps: how many there are at most.
    examples: rows learnt from since this process started or resumed the run.
    averages: reads the epoch's loss and accuracy so far. It waits for the device: call it to show it, not at each step.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    examples: int
    averages: Callable[[], Averages]


@dataclass(frozen=True)
class EpochDone:
    """An epoch has been evaluated; is_best: its weights are the ones to be kept so far."""

    record: EpochRecord
    epochs: int
    is_best: bool


Progress: TypeAlias = Callable[[StepDone | EpochDone], None]


def unwatched(_: StepDone | EpochDone) -> None:
    """For trainings that nobody looks at."""
