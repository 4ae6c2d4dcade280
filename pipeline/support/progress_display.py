"""Progress that workers tell -> a live line on a terminal, or a log line now and then elsewhere."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from pipeline.support.progress import Done, totals

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


def _draw(folder: str, console: Console, stop: threading.Event) -> None:
    with Live(console=console, refresh_per_second=1 / _SECONDS_BETWEEN_FRAMES) as live:
        while not stop.wait(_SECONDS_BETWEEN_FRAMES):
            live.update(_table(totals(folder)))
        live.update(_table(totals(folder)))


def _table(found: dict[str, Done]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=16)
    table.add_column(justify="right", min_width=14)
    table.add_column(justify="right", style="dim", min_width=14)
    for stage, name in _STAGES.items():
        if stage in found:
            table.add_row(name, f"{found[stage].rows:,} rows", f"{found[stage].rate:,.0f} rows/s")
    return table


def _log(folder: str, console: Console, stop: threading.Event) -> None:
    del console
    told: dict[str, Done] = {}
    finished = False
    while not finished:
        finished = stop.wait(_SECONDS_BETWEEN_LINES)
        found = totals(folder)
        for stage, name in _STAGES.items():
            if stage in found and found[stage] != told.get(stage):
                _logger.info("%s: %d rows, %.0f rows/s", name, found[stage].rows, found[stage].rate)
        told = found
