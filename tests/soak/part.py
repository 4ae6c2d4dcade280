"""What a part of the soak gives: how often it tried what, what came of it, and each failure in a line."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# Lines of failures that are kept; the outcomes count all of them.
_FAILURE_LINES: Final = 50


@dataclass
class Part:
    """The result of a part.

    outcomes: what came of a try -> how often. failures: a line for each try that broke a promise. facts: other figures,
    each with its unit. seconds: of the whole part.
    """

    name: str
    tries: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    failed: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, outcome: str) -> None:
        """Counts a try that kept the promises."""
        self.tries += 1
        self.outcomes[outcome] += 1

    def fail(self, what: str) -> None:
        """Counts a try that broke a promise."""
        self.tries += 1
        self.outcomes["FAILED"] += 1
        self.failed += 1
        if len(self.failures) < _FAILURE_LINES:
            self.failures.append(what)

    def row(self) -> str:
        """A row of the table in docs/reliability.md."""
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in self.outcomes.most_common())
        facts = "; ".join(f"{name} {value}" for name, value in self.facts.items())
        return f"| {self.name} | {self.tries:,} | {outcomes} | {self.failed:,} | {facts} | {self.seconds / 60:.1f} |"


ENDED_BEFORE: Final = "ended before the kill"


def until_killed(part: Part, kills: int, kill: Callable[[int], None]) -> None:
    """Calls `kill` with 0, 1, 2, ... until `kills` commands were killed before their end; at most 3 times as often."""
    number = 0
    while part.tries - part.outcomes[ENDED_BEFORE] < kills and number < 3 * kills:
        kill(number)
        number += 1


# Tries, folder for files, seed -> the part.
RunPart = Callable[[int, Path, int], Part]

TABLE_HEAD: Final = (
    "| part | tries | what came of them | broken promises | figures | minutes |\n|---|---|---|---|---|---|"
)


def timed(run: RunPart, tries: int, folder: Path, seed: int) -> Part:
    """Runs a part in a folder of its own."""
    folder.mkdir(parents=True)
    begin = time.monotonic()
    part = run(tries, folder, seed)
    part.seconds = time.monotonic() - begin
    return part
