"""The trials of a sweep -> its table in the terminal."""

import shlex
from collections.abc import Mapping, Sequence

from rich.table import Table

from pipeline.support.terminal import table
from trainer.sweep.outcome import SweepOutcome
from trainer.sweep.results import Row


def sweep_table(rows: Sequence[Row], importances: Mapping[str, float]) -> Table:
    """A row a trial, the best first; below each setting, in the last row, how much it matters."""
    names = list(rows[0].values)
    made = table("trial", "", "eval loss", "epochs", *names, kinds="ntnn" + "n" * len(names))
    for row in rows:
        loss = "-" if row.loss is None else f"{row.loss:.4f}"
        made.add_row(
            str(row.number), row.state, loss, str(row.epochs), *(_short(row.values.get(name)) for name in names)
        )
    if importances:
        made.add_section()
        made.add_row("", "explains", "", "", *(f"{importances.get(name, 0):.0%}" for name in names))
    return made


def closing_lines(outcome: SweepOutcome) -> list[str]:
    """Where the results are, below the table."""
    return [
        f"best       {outcome.best}  (trial {outcome.rows[0].number}; its model: {outcome.model})",
        f"look at    {outcome.page}, or tensorboard --logdir {shlex.quote(outcome.tensorboard)}  (HParams)",
        f"use it     python -m trainer train --config {shlex.quote(outcome.best)}",
    ]


def _short(value: str | None) -> str:
    """
    >>> _short("0.0012345678"), _short("[64, 32]"), _short(None)
    ('0.001235', '[64, 32]', '-')
    """
    if value is None:
        return "-"
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
