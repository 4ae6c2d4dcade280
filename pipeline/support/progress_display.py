"""The progress that workers write -> a live table on a terminal; elsewhere a log line every 10 seconds."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from pipeline.support.progress import StageProgress, read_progress
from pipeline.support.terminal import error_console

_STAGES = {
    "survey": "comparing rows",
    "analyse": "counting tokens",
    "transform": "texts to ids",
    "write": "writing shards",
}
_SECONDS_BETWEEN_FRAMES = 0.25
_SECONDS_BETWEEN_LINES = 10.0

_logger = logging.getLogger(__name__)


@contextmanager
def show_progress(folder: str) -> Iterator[None]:
    """Shows the rows done in each stage while the context lasts, on stderr: stdout is for the command's result."""
    console = error_console()
    stop = threading.Event()
    show = _draw if console.is_terminal else _log
    thread = threading.Thread(target=show, args=(folder, console, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _draw(folder: str, console: Console, stop: threading.Event) -> None:
    with Live(console=console, refresh_per_second=1 / _SECONDS_BETWEEN_FRAMES) as live:
        while not stop.wait(_SECONDS_BETWEEN_FRAMES):
            live.update(_table(read_progress(folder)))
        live.update(_table(read_progress(folder)))


def _table(progress: dict[str, StageProgress]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", min_width=16)
    table.add_column(justify="right", min_width=14)
    table.add_column(justify="right", style="dim", min_width=14)
    for stage, name in _STAGES.items():
        if stage in progress:
            table.add_row(name, f"{progress[stage].rows:,} rows", f"{progress[stage].rate:,.0f} rows/s")
    return table


def _log(folder: str, console: Console, stop: threading.Event) -> None:
    del console
    logged: dict[str, StageProgress] = {}
    is_last = False
    while not is_last:
        is_last = stop.wait(_SECONDS_BETWEEN_LINES)
        progress = read_progress(folder)
        for stage, name in _STAGES.items():
            if stage in progress and progress[stage] != logged.get(stage):
                _logger.info("%s: %d rows, %.0f rows/s", name, progress[stage].rows, progress[stage].rate)
        logged = progress
