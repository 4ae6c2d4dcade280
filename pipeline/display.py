"""Progress that workers tell -> a live line on a terminal, or a log line now and then elsewhere."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from pipeline.progress import totals

_STAGES = {"analyse": "counting tokens", "transform": "texts to ids", "write": "writing shards"}
_SECONDS_BETWEEN_FRAMES = 0.25
_SECONDS_BETWEEN_LINES = 10.0

_logger = logging.getLogger(__name__)


@contextmanager
def show_progress(folder: str) -> Iterator[None]:
    """Shows the rows done in each stage while the context lasts; on stderr, so that stdout stays the result's."""
    console = Console(stderr=True)
    stop = threading.Event()
    follow = _draw if console.is_terminal else _log
    thread = threading.Thread(target=follow, args=(folder, console, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Rates:
    """Rows done by stage, and how many a second since the stage began."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._begin = time.monotonic()
        self._stages: dict[str, tuple[float, float]] = {}

    def lines(self) -> list[tuple[str, int, float]]:
        """(stage as a person reads it, rows, rows a second) of each stage that has begun."""
        now = time.monotonic()
        found = totals(self._folder)
        lines = []
        for stage, name in _STAGES.items():
            rows = found.get(stage, 0)
            if not rows:
                continue
            begin, end = self._stages.get(stage, (self._begin, now))
            later = any(found.get(other) for other in list(_STAGES)[list(_STAGES).index(stage) + 1 :])
            self._stages[stage] = (begin, end if later else now)
            begin, end = self._stages[stage]
            if later:
                self._begin = max(self._begin, end)
            lines.append((name, rows, rows / max(end - begin, 1e-3)))
        return lines


def _draw(folder: str, console: Console, stop: threading.Event) -> None:
    rates = Rates(folder)
    with Live(console=console, refresh_per_second=1 / _SECONDS_BETWEEN_FRAMES, transient=False) as live:
        while not stop.wait(_SECONDS_BETWEEN_FRAMES):
            live.update(_table(rates.lines()))
        live.update(_table(rates.lines()))


def _table(lines: list[tuple[str, int, float]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=16)
    table.add_column(justify="right", min_width=14)
    table.add_column(justify="right", style="dim", min_width=14)
    for name, rows, rate in lines:
        table.add_row(name, f"{rows:,} rows", f"{rate:,.0f} rows/s")
    return table


def _log(folder: str, console: Console, stop: threading.Event) -> None:
    del console
    rates = Rates(folder)
    last: list[tuple[str, int, float]] = []
    finished = False
    while not finished:
        finished = stop.wait(_SECONDS_BETWEEN_LINES)
        lines = rates.lines()
        for name, rows, rate in lines:
            if (name, rows) not in [(seen, count) for seen, count, _ in last]:
                _logger.info("%s: %d rows, %.0f rows/s", name, rows, rate)
        last = lines
