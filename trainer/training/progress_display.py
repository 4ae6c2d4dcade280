"""The events of a training -> a progress bar on a terminal, or log lines elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from pipeline.support.terminal import error_console
from trainer.training.progress import EpochEvent, Progress, StepEvent

# Seconds between two updates. To read the averages waits for the device; every 0.5 s that costs nothing beside steps of
# 50 ms.
_SECONDS_BETWEEN_FRAMES: Final = 0.5
_SECONDS_BETWEEN_LINES: Final = 30.0

_logger = logging.getLogger(__name__)


@contextmanager
def show_training() -> Iterator[Progress]:
    """Within it, a function for `fit.train` that shows the events on stderr; stdout is for the result."""
    console = error_console()
    if not console.is_terminal:
        yield ProgressLog()
        return
    columns = (
        TextColumn("{task.description}", style="bold"),
        BarColumn(bar_width=24),
        TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[summary]}", style="dim"),
        TimeRemainingColumn(compact=True),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        yield ProgressBar(bars)


@contextmanager
def show_rows(verb: str) -> Iterator[Callable[[int], None]]:
    """Within it, a function that adds a number of rows; a terminal shows the sum after `verb`."""
    console = error_console()
    rows = 0
    with console.status(verb) if console.is_terminal else nullcontext() as status:

        def add(more: int) -> None:
            nonlocal rows
            rows += more
            if status is not None:
                status.update(f"{verb}: {rows:,} rows")

        yield add


class Pace:
    """Says when to show something again, every `seconds`; and computes examples a second since the start."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begin = self._last = time.monotonic()

    def is_due(self) -> bool:
        """True if `seconds` have passed since it was last True."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True

    def summary(self, step: StepEvent) -> str:
        """Loss, accuracy and speed as text."""
        averages = step.averages()
        rate = step.examples / max(time.monotonic() - self._begin, 1e-3)
        return f"loss {averages.loss:.4f}  accuracy {averages.accuracy:.4f}  {rate:,.0f} texts/s"


class ProgressLog:
    """A log line for each epoch, and one every 30 s during an epoch."""

    def __init__(self) -> None:
        self._pace = Pace(_SECONDS_BETWEEN_LINES)

    def __call__(self, event: StepEvent | EpochEvent) -> None:
        """Logs the event, if a line is due."""
        if isinstance(event, EpochEvent):
            _logger.info("%s", epoch_line(event))
        elif self._pace.is_due():
            summary = self._pace.summary(event)
            _logger.info("epoch %d/%d  step %d/%d  %s", event.epoch, event.epochs, event.step, event.steps, summary)


class ProgressBar:
    """A bar for the present epoch, below a line for each epoch that is done."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._pace = Pace(_SECONDS_BETWEEN_FRAMES)
        self._task: TaskID | None = None

    def __call__(self, event: StepEvent | EpochEvent) -> None:
        """Moves the bar on."""
        if isinstance(event, EpochEvent):
            self._end_epoch(event)
            return
        if self._task is None:
            title = f"epoch {event.epoch}/{event.epochs}"
            self._task = self._bars.add_task(title, total=event.steps, completed=event.step - 1, summary="")
        if self._pace.is_due() or event.step == event.steps:
            self._bars.update(self._task, completed=event.step, summary=self._pace.summary(event))

    def _end_epoch(self, event: EpochEvent) -> None:
        self._bars.console.print(epoch_line(event))
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


def epoch_line(event: EpochEvent) -> str:
    """An epoch on one line.

    >>> from trainer.training.history import EpochRecord
    >>> record = EpochRecord(epoch=1, steps=50, learning_rate=0.001, loss=0.61, accuracy=0.66, eval_loss=0.45,
    ...     eval_accuracy=0.8, eval_auc=0.88, seconds=12.3)
    >>> epoch_line(EpochEvent(record, epochs=3, is_best=True))
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
