"""What was learnt -> tables for the terminal; and the progress of learning -> a bar, or log lines elsewhere."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import RenderableType
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from pipeline.support.printable import to_one_line
from pipeline.support.terminal import error_console, stack, table
from trainer.commands.vectors import LearntVectors
from trainer.model.neighbours import Neighbour
from trainer.skip_gram.learn import Learnt, Progress
from trainer.skip_gram.show import Analogy
from trainer.training.progress_display import Pace

_WORD_WIDTH: Final = 14
_SHOWN_NEIGHBOURS: Final = 4
_SECONDS_BETWEEN_LINES: Final = 30.0

_logger = logging.getLogger(__name__)


def vectors_table(learnt: LearntVectors) -> RenderableType:
    """Nearest words before and after, and analogies if the vocabulary has their words."""
    near = table("word", "nearest before", "nearest after", kinds="ttt")
    for word, after in learnt.after.items():
        near.add_row(_word(word), _list(learnt.before[word]), _list(after))
    parts: list[RenderableType] = [near]
    if learnt.analogies:
        made = table("analogy", "nearest after", "right is", "place before", "after", kinds="tttnn")
        for before, analogy in zip(learnt.analogies_before, learnt.analogies, strict=True):
            made.add_row(
                _question(analogy), _list(analogy.answers), analogy.expected, f"{before.rank:,}", f"{analogy.rank:,}"
            )
        parts.append(made)
    return stack(parts)


def _question(analogy: Analogy) -> str:
    return f"{analogy.a} : {analogy.b} = {analogy.c} : ?"


def _list(words: Sequence[Neighbour]) -> Text:
    return Text("  ".join(f"{to_one_line(word.token, width=_WORD_WIDTH)}" for word in words[:_SHOWN_NEIGHBOURS]))


def _word(word: str) -> Text:
    return Text(to_one_line(word, width=_WORD_WIDTH), style="bold")


@contextmanager
def show_learning() -> Iterator[Progress]:
    """Within it, a function for `learn` that shows how far it is, on stderr."""
    console = error_console()
    if not console.is_terminal:
        yield LearningLog()
        return
    columns = (
        TextColumn("{task.description}", style="bold"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[summary]}", style="dim"),
        TimeRemainingColumn(compact=True),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("learning", total=None, summary="")
        speed = Speed()

        def show(event: Learnt) -> None:
            title = f"epoch {event.epoch}/{event.epochs}"
            bars.update(task, description=title, completed=event.words, total=event.total, summary=speed.summary(event))
            if event.ends_epoch:
                bars.console.print(f"{title}  {speed.summary(event)}")

        yield show


class Speed:
    """Words a second since the first event; the first one only starts the clock, as a resumed run has words before."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._words: int | None = None

    def summary(self, event: Learnt) -> str:
        """Words and speed as text."""
        done = f"{event.words:,} of {event.total:,} words"
        if self._words is None:
            self._begin, self._words = time.monotonic(), event.words
            return done
        seconds = max(time.monotonic() - self._begin, 1e-3)
        rate = (event.words - self._words) / seconds
        return f"{done}  {rate:,.0f} words/s" if rate else done

    def seconds_left(self, event: Learnt) -> float | None:
        """Seconds to the end at this speed; None if it is not known yet."""
        if self._words is None or event.words == self._words:
            return None
        rate = (event.words - self._words) / max(time.monotonic() - self._begin, 1e-3)
        return (event.total - event.words) / rate


class LearningLog:
    """A log line for each epoch, and one every 30 s."""

    def __init__(self) -> None:
        self._pace = Pace(_SECONDS_BETWEEN_LINES)
        self._speed = Speed()

    def __call__(self, event: Learnt) -> None:
        """Logs how far learning is, if a line is due."""
        summary = self._speed.summary(event)
        if not (event.ends_epoch or self._pace.is_due()):
            return
        left = self._speed.seconds_left(event)
        more = f"  {left:.0f} s left" if left and left >= 1 else ""
        _logger.info("epoch %d/%d  %s%s", event.epoch, event.epochs, summary, more)
