"""Kills of `python -m trainer train` at random moments: the resumed training exports the unbroken one's model."""

import hashlib
import random
import shutil
from pathlib import Path
from typing import Final

from pipeline.sample_corpus import write_sample
from tests.soak.part import ENDED_BEFORE, Part, until_killed
from tests.soak.processes import Ended, run_command

_ROWS: Final = 600
_SETTINGS: Final = [
    "--model.embedding_dim=4", "--model.lstm_units=6", "--training.epochs=3", "--training.batch_size=16",
    "--training.checkpoint_steps=3",
]  # fmt: skip
_CERTIFICATE: Final = "assets.extra/certificate.jsonl"


class _Soak:
    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.draw = random.Random(seed)
        self.part = Part("kills of the training")
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        write_sample(str(folder / "rows.csv"), _ROWS, seed=0)
        arguments = ["-m", "pipeline", "run", "--input.path", str(folder / "rows.csv")]
        _must_end(run_command([*arguments, "--output.path", str(folder / "records")], temporary=self.temporary))
        whole = self._train(folder / "whole")
        _must_end(whole)
        self.seconds = whole.seconds
        (self.certificate,) = _certificates(folder / "whole")

    def _train(self, folder: Path, *more: str, kill_after: float | None = None, kills_all: bool = False) -> Ended:
        paths = {"output": self.folder / "records", "training": folder / "training", "export": folder / "model"}
        arguments = ["-m", "trainer", "train", *(f"--{name}.path={path}" for name, path in paths.items()), *_SETTINGS]
        return run_command([*arguments, *more], temporary=self.temporary, kill_after=kill_after, kills_all=kills_all)

    def kill(self, *, kills_all: bool) -> None:
        """One try."""
        folder = self.folder / "try"
        after = self.draw.uniform(0, self.seconds)
        killed = self._train(folder, kill_after=after, kills_all=kills_all)
        problems = [f"{len(killed.left)} processes ran on"] * bool(killed.left)
        seen = _certificates(folder)
        if any(certificate != self.certificate for certificate in seen):
            problems.append("a version was published that is not whole")
        resumes = (folder / "training" / "checkpoint.npz").exists()
        ended = self._train(folder, *["--resume"] * resumes)
        if ended.status:
            problems.append(f"the next training ended with {ended.status}: {ended.output[-300:]}")
        elif set(_certificates(folder)) != {self.certificate}:
            problems.append("the next training exported another model")
        foreign = [path.name for path in (folder / "model").iterdir() if not path.name.isdigit()]
        if foreign:
            problems.append(f"export.path holds {foreign} after the next training")
        if left := sorted(path.name for path in self.temporary.iterdir()):
            problems.append(f"TMPDIR holds {left} after the next training")
        if problems:
            self.part.fail(f"after {after:.2f} s: {'; '.join(problems)}")
        elif killed.status == 0:
            self.part.add(ENDED_BEFORE)
        else:
            self.part.add("resumed to the same model" if resumes else "begun again to the same model")
        shutil.rmtree(folder)


def run(tries: int, folder: Path, seed: int) -> Part:
    """Kills `tries` trainings, each second time all their processes."""
    soak = _Soak(folder, seed)
    until_killed(soak.part, tries, lambda number: soak.kill(kills_all=bool(number % 2)))
    soak.part.facts["seconds of a training"] = f"{soak.seconds:.1f}"
    return soak.part


def _must_end(ended: Ended) -> None:
    if ended.status:
        raise RuntimeError(f"the command fails without a kill: {ended.output[-2000:]}")


def _certificates(folder: Path) -> list[str]:
    """SHA-256 of the certificate of each published version; "none" for a version without one."""
    versions = [path for path in (folder / "model").glob("*") if path.name.isdigit()]
    paths = [path / _CERTIFICATE for path in sorted(versions)]
    return [hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "none" for path in paths]
