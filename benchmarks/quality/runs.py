"""A subject, a seed and a file of texts -> figures, in a JSON file of their own; a run that is there is not repeated.

So the runs of a table may be made in pieces: what was killed is begun again, and nothing else. A change of the code
does not begin them again: remove WORK/runs for that.

    WORK/data/blocks-0.parquet            the texts, see `blocks`
    WORK/records/<settings>/              records folders by the settings that make them
    WORK/records/<settings>-64.bin        word vectors of 64 numbers, learnt from such a folder
    WORK/runs/<subject>-<seed>.json       figures; ours by their settings
    WORK/models/<subject>-<seed>/         what the subject wrote; removed when its figures are written
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from benchmarks.harness.processes import ROOT, Measurement, ProcessError, measure_process
from benchmarks.preprocessing.competitors import environment_of_peers
from pipeline.config.settings import ModelSettings

# Sections whose settings belong to the training; all others make the records.
_OF_TRAINING: Final = ("embedding", "model", "training", "metrics", "decision", "export")
_VECTORS: Final = "embedding.from"
# Settings that need texts without labels.
_OF_UNLABELLED: Final = frozenset({"vocabulary.count_unlabelled", "training.self_training"})
_DIM: Final = "model.embedding_dim"
_WORKERS: Final = 2
_LIMIT: Final = 6 * 3600.0
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}


class Figures(BaseModel):
    """What a run gave. seconds: from texts to a saved model, imports included. failure: why there is nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    size_bytes: int = 0
    answer_seconds: float = 0.0
    failure: str | None = None


@dataclass(frozen=True)
class Ours:
    """A training of ours. settings: by dotted name, YAML values, on top of the defaults.

    With `embedding.from` vectors are learnt first, from the train rows and the texts without labels, whatever the path.
    """

    name: str
    settings: Mapping[str, Any]
    takes_seeds: bool = True


@dataclass(frozen=True)
class Peer:
    """A module of benchmarks.peers that is called with DATA FOLDER SEED and the arguments."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    takes_seeds: bool = True
    in_own_environment: bool = False


Subject = Ours | Peer


class Runs:
    """The runs in a folder."""

    def __init__(
        self,
        work: Path,
        data: Path,
        *,
        unlabelled: Path | None = None,
        measure: Callable[..., Measurement] = measure_process,
    ) -> None:
        self._work, self._data, self._unlabelled, self._measure = work, data, unlabelled, measure
        self._data_sha256 = hashlib.sha256(data.read_bytes()).hexdigest()

    def figures(self, subject: Subject, seed: int) -> Figures:
        """Those of the file, if it is there; otherwise of a run that is made now."""
        path = self._path(subject, seed)
        if path.exists():
            return Figures.model_validate_json(path.read_bytes())
        print(f"{subject.name}, seed {seed}", file=sys.stderr, flush=True)
        folder = self._work / "models" / path.stem
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            made = self._train(subject, folder, seed) if isinstance(subject, Ours) else self._ask(subject, folder, seed)
        except (ProcessError, subprocess.CalledProcessError) as error:
            return Figures(failure=str(error))  # not kept: the next call tries again
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(made.model_dump_json(indent=1) + "\n")
        unfinished.replace(path)
        shutil.rmtree(folder)
        return made

    def _path(self, subject: Subject, seed: int) -> Path:
        what: Any
        if isinstance(subject, Ours):
            # By their settings alone, so that the base of an ablation is not trained again for the quality table.
            slug, what = "ours", self._with_unlabelled(subject.settings)
        else:
            slug = re.sub(r"[^a-z0-9]+", "-", subject.name.lower()).strip("-")
            what = [subject.module, *subject.arguments]
        return self._work / "runs" / f"{slug}-{self._key(what)}-{seed}.json"

    def _train(self, subject: Ours, folder: Path, seed: int) -> Figures:
        settings = self._with_unlabelled(subject.settings)
        of_training = {name: value for name, value in settings.items() if _section(name) in _OF_TRAINING}
        records, prepared = self._records({name: settings[name] for name in settings if name not in of_training})
        paths = {"output.path": records, "training.path": folder / "training", "export.path": folder / "model"}
        if _VECTORS in of_training:
            paths[_VECTORS], learnt = self._vectors(records, dim=of_training.get(_DIM, ModelSettings().embedding_dim))
            prepared = _one_after_the_other(prepared, learnt)
        options = _options({**of_training, "training.seed": seed, **{name: str(path) for name, path in paths.items()}})
        run = self._run([sys.executable, "-m", "trainer", "train", *options], folder)
        metrics = json.loads((folder / "training" / "metrics.json").read_bytes())
        model = next((folder / "model").iterdir())
        self._run([sys.executable, "-m", "benchmarks.quality.answer_time", str(model), str(self._data)], folder)
        answer = json.loads((folder / "answer_time.json").read_bytes())
        return Figures(
            accuracy=metrics["accuracy"],
            seconds=run.seconds + prepared.seconds,
            cpu_seconds=run.cpu_seconds + prepared.cpu_seconds,
            peak_bytes=max(run.peak_bytes, prepared.peak_bytes),
            size_bytes=sum(path.stat().st_size for path in model.rglob("*") if path.is_file()),
            answer_seconds=answer["answer_seconds"],
        )

    def _ask(self, subject: Peer, folder: Path, seed: int) -> Figures:
        python = environment_of_peers() if subject.in_own_environment else sys.executable
        command = [python, "-m", f"benchmarks.peers.{subject.module}", str(self._data), str(folder), str(seed)]
        run = self._run([*command, *subject.arguments], folder)
        told = json.loads((folder / "figures.json").read_bytes())
        # The time of the answers that are timed is not that of the training.
        return Figures(
            seconds=run.seconds - told.pop("after_seconds"),
            cpu_seconds=run.cpu_seconds,
            peak_bytes=run.peak_bytes,
            **told,
        )

    def _with_unlabelled(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with the texts without labels, if they can use them; without any, none that need them."""
        if self._unlabelled is not None and settings.keys() & {_VECTORS, *_OF_UNLABELLED}:
            return {**settings, "input.unlabelled": str(self._unlabelled)}
        return {name: value for name, value in settings.items() if name not in _OF_UNLABELLED}

    def _records(self, settings: Mapping[str, Any]) -> tuple[Path, Figures]:
        """A records folder of these settings, and what making it took."""
        folder = self._work / "records" / self._key(dict(settings))
        paths = {"input.path": str(self._data), "output.path": str(folder), "split.column": "split"}
        command = [sys.executable, "-m", "pipeline", "run", "--overwrite", *_options({**settings, **paths})]
        return folder, self._prepared(folder, command)

    def _vectors(self, records: Path, *, dim: int) -> tuple[Path, Figures]:
        """Vectors that are learnt from a records folder, on both cores, and what that took."""
        path = records.with_name(f"{records.name}-{dim}.bin")
        options = ["--output", str(path), "--dim", str(dim), "--workers", str(_WORKERS), "--overwrite"]
        command = [sys.executable, "-m", "trainer", "vectors", "--output.path", str(records), *options]
        return path, self._prepared(path, command)

    def _prepared(self, made: Path, command: Sequence[str]) -> Figures:
        """Runs a command that makes something which several runs share, unless it was run before."""
        figures = made.with_name(f"{made.name}.json")
        if not figures.exists():
            made.parent.mkdir(parents=True, exist_ok=True)
            run = self._run(command, made.parent)
            told = Figures(seconds=run.seconds, cpu_seconds=run.cpu_seconds, peak_bytes=run.peak_bytes)
            figures.write_text(told.model_dump_json())
        return Figures.model_validate_json(figures.read_bytes())

    def _key(self, what: Any) -> str:
        """A short name of something that is JSON, and of the texts."""
        return hashlib.sha256(json.dumps([what, self._data_sha256], sort_keys=True).encode()).hexdigest()[:12]

    def _run(self, command: Sequence[str], folder: Path) -> Measurement:
        return self._measure(command, log=folder / "log", limit=_LIMIT, folder=folder, environment=_QUIET)


def _one_after_the_other(first: Figures, second: Figures) -> Figures:
    return Figures(
        seconds=first.seconds + second.seconds,
        cpu_seconds=first.cpu_seconds + second.cpu_seconds,
        peak_bytes=max(first.peak_bytes, second.peak_bytes),
    )


def _section(name: str) -> str:
    return name.partition(".")[0]


def _options(settings: Mapping[str, Any]) -> list[str]:
    """
    >>> _options({"model.lstm_units": [6, 5], "model.pooling": "max"})
    ['--model.lstm_units', '[6, 5]', '--model.pooling', 'max']
    """
    pairs = ((f"--{name}", value if isinstance(value, str) else json.dumps(value)) for name, value in settings.items())
    return [text for pair in pairs for text in pair]
