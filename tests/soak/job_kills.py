"""Kills of `python -m pipeline run`: half of them within publishing, in all local modes, with and without --overwrite.

After each kill a reader must see the old folder whole, the new one whole, or none. No process of the job may run on.
Then the command runs again: it must succeed, give the right bytes, and leave nothing of the killed run.
"""

import hashlib
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.files.local import LocalFiles
from pipeline.inspection.verify import verify_folder
from pipeline.sample_corpus import write_sample
from tests.soak.part import ENDED_BEFORE, Part, until_killed
from tests.soak.processes import Ended, run_command

MODES: Final[dict[str, list[str]]] = {
    "default": [],
    "one worker": ["--direct_num_workers=1", "--direct_running_mode=in_memory"],
    "threads": ["--direct_num_workers=2", "--direct_running_mode=multi_threading"],
    "processes": ["--direct_num_workers=2", "--direct_running_mode=multi_processing"],
}
_ROWS: Final = 1500


@dataclass(frozen=True)
class Try:
    """How one run is killed: its mode, whether it replaces a folder, whether it publishes, whether all its processes
    are killed."""

    mode: str
    overwrites: bool
    within_publishing: bool
    kills_all: bool

    def __str__(self) -> str:
        when = "within publishing" if self.within_publishing else "at a random moment"
        what = "all processes" if self.kills_all else "main process"
        return f"{self.mode}, {'--overwrite' if self.overwrites else 'new folder'}, {what} killed {when}"


def all_tries() -> list[Try]:
    """Each combination once."""
    flags = (False, True)
    return [
        Try(mode, overwrites, within, kills_all)
        for kills_all in flags
        for overwrites in flags
        for within in flags
        for mode in MODES
    ]


class _Soak:
    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.draw = random.Random(seed)
        self.part = Part("kills of the job")
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.output = folder / "out"
        self.reference = {name: self._prepare(name, seed=number) for number, name in enumerate(("old", "new"))}
        self.names = sorted(path.name for path in (folder / "reference-new").iterdir())
        self.seconds = {mode: self._seconds_of(mode) for mode in MODES}
        self.operations = {overwrites: self._count_operations(overwrites) for overwrites in (False, True)}

    def _prepare(self, name: str, *, seed: int) -> str:
        """Writes a corpus and its records folder; returns what `_digest` says of it."""
        write_sample(str(self.folder / f"{name}.csv"), _ROWS, seed=seed)
        output = self.folder / f"reference-{name}"
        ended = self._run(output, "default", source=name)
        if ended.status:
            raise RuntimeError(f"the job fails without a kill: {ended.output[-2000:]}")
        return _digest(output)

    def _run(
        self,
        output: Path,
        mode: str,
        *more: str,
        source: str = "new",
        environment: dict[str, str] | None = None,
        kill_after: float | None = None,
        kills_all: bool = False,
    ) -> Ended:
        arguments = ["-m", "pipeline", "run", "--input.path", str(self.folder / f"{source}.csv")]
        arguments += ["--output.path", str(output), *MODES[mode], *more]
        return run_command(
            arguments, temporary=self.temporary, environment=environment, kill_after=kill_after, kills_all=kills_all
        )

    def _clear(self, *, old: bool = False) -> None:
        """Empties the output, or puts the old folder there."""
        shutil.rmtree(self.output, ignore_errors=True)
        shutil.rmtree(self.temporary)
        self.temporary.mkdir()
        if old:
            shutil.copytree(self.folder / "reference-old", self.output)

    def _seconds_of(self, mode: str) -> float:
        """How long a run takes that nobody kills."""
        self._clear()
        return self._run(self.output, mode).seconds

    def _count_operations(self, overwrites: bool) -> int:
        """The number of operations on files that publishing makes."""
        self._clear(old=overwrites)
        counter = self.folder / f"operations-{overwrites}"
        environment = {"SOAK_OUTPUT": str(self.output), "SOAK_COUNT": str(counter)}
        self._run(self.output, "default", *["--overwrite"] * overwrites, environment=environment)
        return counter.stat().st_size

    def kill(self, how: Try) -> None:
        """One try."""
        self._clear(old=how.overwrites)
        more = ["--overwrite"] * how.overwrites
        if how.within_publishing:
            kill_at = self.draw.randint(1, self.operations[how.overwrites])
            environment = {"SOAK_OUTPUT": str(self.output), "SOAK_KILL_AT": str(kill_at)}
            environment["SOAK_KILL"] = "all" if how.kills_all else "main"
            name = f"{how} before operation {kill_at}"
            ended = self._run(self.output, how.mode, *more, environment=environment)
        else:
            after = self.draw.uniform(0, self.seconds[how.mode])
            name = f"{how} after {after:.2f} s"
            ended = self._run(self.output, how.mode, *more, kill_after=after, kills_all=how.kills_all)
        problems = [f"{len(ended.left)} processes ran on"] * bool(ended.left)
        seen = self._state()
        if seen == "none" and how.overwrites:
            problems += self._recovery_problems(how.mode)
        elif seen not in ("none", "new", *["old"] * how.overwrites):
            problems.append(f"a reader saw {seen}")
        if ended.status == 0 and seen != "new":
            problems.append("it ended with status 0, and the new folder was not there")
        problems += self._problems_of_next_run(how.mode)
        if problems:
            self.part.fail(f"{name}: {'; '.join(problems)}")
        elif ended.status == 0:
            self.part.add(ENDED_BEFORE)
        else:
            self.part.add(
                {"none": "no folder for a reader", "old": "old folder whole", "new": "new folder whole"}[seen]
            )

    def _state(self) -> str:
        """What a reader sees: none, old, new, or what is wrong."""
        if not (self.output / "manifest.json").exists():
            return "none"
        problems = verify_folder(str(self.output), LocalFiles()).problems
        if problems:
            return f"a damaged folder ({problems[0]})"
        digest = _digest(self.output)
        return next((name for name, known in self.reference.items() if known == digest), "other records")

    def _recovery_problems(self, mode: str) -> list[str]:
        """A run without --overwrite must find the old folder, or the new one, and refuse to replace it."""
        ended = self._run(self.output, mode)
        seen = self._state()
        return [] if ended.status == 2 and seen in ("old", "new") else [f"the old folder is lost: {seen}"]

    def _problems_of_next_run(self, mode: str) -> list[str]:
        ended = self._run(self.output, mode, "--overwrite")
        if ended.status:
            return [f"the next run ended with {ended.status}: {ended.output[-300:]}"]
        problems = []
        if (seen := self._state()) != "new":
            problems.append(f"after the next run a reader saw {seen}")
        if (names := sorted(path.name for path in self.output.iterdir())) != self.names:
            problems.append(f"after the next run the output holds {names}")
        if left := sorted(path.name for path in self.temporary.iterdir()):
            problems.append(f"after the next run TMPDIR holds {left}")
        return problems


def run(tries: int, folder: Path, seed: int) -> Part:
    """Kills `tries` runs."""
    soak = _Soak(folder, seed)
    kinds = all_tries()
    until_killed(soak.part, tries, lambda number: soak.kill(kinds[number % len(kinds)]))
    soak.part.facts["operations of publishing"] = f"{soak.operations[False]} new, {soak.operations[True]} --overwrite"
    return soak.part


def _digest(output: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(output, ["vocabulary.tsv", "records"]):
        digest.update(str(path.relative_to(output)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _files(output: Path, names: Sequence[str]) -> list[Path]:
    paths = [output / name for name in names]
    return sorted(file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
