"""What a training tells of itself -> a live line on a terminal, or a log line now and then elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from trainer.training.progress import EpochDone, Progress, StepDone

# Reading the averages waits for the device; so often costs nothing beside steps of 50 ms.
_SECONDS_BETWEEN_FRAMES: Final = 0.5
_SECONDS_BETWEEN_LINES: Final = 30.0

_logger = logging.getLogger(__name__)


@contextmanager
def show_training() -> Iterator[Progress]:
    """What to give to `fit.train`; shows on stderr, so that stdout stays the result's."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield LogLines()
        return
    columns = (
        TextColumn("{task.description}", style="bold"),
        BarColumn(bar_width=24),
        TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[told]}", style="dim"),
        TimeRemainingColumn(compact=True),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield LiveLine(bars)


@contextmanager
def show_rows(verb: str) -> Iterator[Callable[[int], None]]:
    """A function to tell of each so many rows that are done; shows the sum on a terminal."""
    console = Console(stderr=True, highlight=False)
    rows = 0
    with console.status(verb) if console.is_terminal else nullcontext() as status:

        def add(more: int) -> None:
            nonlocal rows
            rows += more
            if status is not None:
                status.update(f"{verb}: {rows:,} rows")

        yield add


class Pace:
    """Whether it is time to show something again, and how many examples a second were learnt from since the start."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begin = self._last = time.monotonic()

    def is_due(self) -> bool:
        """True once in so many seconds."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True

    def told(self, step: StepDone) -> str:
        """Loss, accuracy and speed."""
        averages = step.averages()
        rate = step.examples / max(time.monotonic() - self._begin, 1e-3)
        return f"loss {averages.loss:.4f}  accuracy {averages.accuracy:.4f}  {rate:,.0f} texts/s"


class LogLines:
    """A line an epoch, and one now and then in a long one."""

    def __init__(self) -> None:
        self._pace = Pace(_SECONDS_BETWEEN_LINES)

    def __call__(self, event: StepDone | EpochDone) -> None:
        """Logs what is worth a line."""
        if isinstance(event, EpochDone):
            _logger.info("%s", epoch_line(event))
        elif self._pace.is_due():
            told = self._pace.told(event)
            _logger.info("epoch %d/%d  step %d/%d  %s", event.epoch, event.epochs, event.step, event.steps, told)


class LiveLine:
    """A bar for the epoch that runs; epochs that are done stand above it."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._pace = Pace(_SECONDS_BETWEEN_FRAMES)
        self._task: TaskID | None = None

    def __call__(self, event: StepDone | EpochDone) -> None:
        """Moves the bar on."""
        if isinstance(event, EpochDone):
            self._end_epoch(event)
            return
        if self._task is None:
            title = f"epoch {event.epoch}/{event.epochs}"
            self._task = self._bars.add_task(title, total=event.steps, completed=event.step - 1, told="")
        if self._pace.is_due() or event.step == event.steps:
            self._bars.update(self._task, completed=event.step, told=self._pace.told(event))

    def _end_epoch(self, event: EpochDone) -> None:
        self._bars.console.print(epoch_line(event))
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


def epoch_line(event: EpochDone) -> str:
    """An epoch on one line.

    >>> from trainer.training.history import EpochRecord
    >>> record = EpochRecord(epoch=1, steps=50, learning_rate=0.001, loss=0.61, accuracy=0.66, eval_loss=0.45,
    ...     eval_accuracy=0.8, eval_auc=0.88, seconds=12.3)
    >>> epoch_line(EpochDone(record, epochs=3, is_best=True))
    'epoch 1/3  loss 0.6100  accuracy 0.6600  eval loss 0.4500  accuracy 0.8000  AUC 0.8800  12 s  best so far'
    """
    record = event.record
    parts = [f"epoch {record.epoch}/{event.epochs}", f"loss {record.loss:.4f}", f"accuracy {record.accuracy:.4f}"]
    if record.eval_loss is not None and record.eval_accuracy is not None:
        parts += [f"eval loss {record.eval_loss:.4f}", f"accuracy {record.eval_accuracy:.4f}"]
    if record.eval_auc is not None:
        parts.append(f"AUC {record.eval_auc:.4f}")
    parts.append(f"{record.seconds:.0f} s")
    if event.is_best:
        parts.append("best so far")
    return "  ".join(parts)
