"""`python -m benchmarks.scale.in_turn RESULT run ...`: `pipeline run ...` whose workers work one after the other.

In: the command line of `pipeline run` with --direct_num_workers. Out: the records folder, and RESULT, a JSON file with
the CPU seconds of each part of the command and of each worker in each stage (`Measured`).

Beam's in-process runner divides the input of a stage among its workers, starts them all and waits for the last. Here
each waits until the one before it is done. So a worker's CPU time is what it would take on a core of its own, whatever
else this machine does. All threads of the process count, for only one worker runs.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import BaseModel

from pipeline import cli

IMPORTS, PLANNING, GRAPHS, TRANSLATION, END = (
    "imports", "planning", "the job's steps and graphs", "Beam's translation", "the end",
)  # fmt: skip


class MeasuredStage(BaseModel):
    """A stage. name: of the first of its steps by the alphabet, which is the same in every run. steps: all of them,
    by the first part of their names. busy, idle, runner: as in `amdahl.Stage`."""

    name: str
    steps: list[str]
    busy: list[float] = []
    idle: float = 0.0
    runner: float = 0.0


class Measured(BaseModel):
    """A run. alone: CPU seconds of what the command does outside all stages, by part."""

    alone: dict[str, float] = {}
    stages: list[MeasuredStage] = []


class _Clock:
    """The CPU time of this process, from part to part."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._part, self._since = IMPORTS, 0.0  # the interpreter's own start counts

    def next(self, part: str) -> None:
        """Ends a part, and begins the next."""
        now = time.process_time()
        alone = self._measured.alone
        alone[self._part] = alone.get(self._part, 0.0) + now - self._since
        self._part, self._since = part, now

    def skip(self, seconds: float) -> None:
        """Takes seconds out of the part that runs: they are counted elsewhere."""
        self._since += seconds


def measure(arguments: Sequence[str]) -> Measured:
    """Runs the command in this process.

    Raises:
      RuntimeError: it failed.
    """
    measured = Measured()
    clock = _Clock(measured)
    imports = vars(cli)["quick_imports"]
    with ExitStack() as changes:

        @contextmanager
        def then_watch() -> Iterator[None]:
            with imports():
                yield
            _watch(measured, clock, changes)
            clock.next(PLANNING)

        changes.enter_context(patch.object(cli, "quick_imports", then_watch))
        status = cli.main(arguments)
    if status:
        raise RuntimeError(f"exit status {status}")
    clock.next(END)
    return measured


def _watch(measured: Measured, clock: _Clock, changes: ExitStack) -> None:
    """Has Beam's runner tell what its stages take, as long as the changes last. The command has imported Beam by now,
    and this module must not."""
    from apache_beam import Pipeline
    from apache_beam.runners.portability.fn_api_runner.fn_runner import BundleManager, FnApiRunner

    from pipeline.job import run

    turn = threading.Lock()
    build, translate = vars(run)["build"], Pipeline.run
    stage, bundle = FnApiRunner._execute_bundle, BundleManager.process_bundle

    def one_by_one(self: Any, inputs: Mapping[str, Sequence[bytes]], *rest: Any, **options: Any) -> Any:
        with turn:
            begin = time.process_time()
            result = bundle(self, inputs, *rest, **options)
            seconds = time.process_time() - begin
        at = measured.stages[-1]
        if any(any(parts) for parts in inputs.values()):
            at.busy.append(seconds)
        else:
            at.idle = max(at.idle, seconds)
        at.runner -= seconds
        return result

    def watched(self: Any, context: Any, manager: Any, inputs: Any) -> Any:
        if not measured.stages:
            clock.next(END)
        steps = [transform.unique_name for transform in manager.stage.transforms]
        measured.stages.append(MeasuredStage(name=min(steps, key=_place), steps=_heads(steps)))
        begin = time.process_time()
        result = stage(self, context, manager, inputs)
        seconds = time.process_time() - begin
        measured.stages[-1].runner += seconds
        clock.skip(seconds)
        return result

    def before(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            clock.next(part)
            return function(*arguments, **options)

        return called

    for owner, name, function in (
        (BundleManager, "process_bundle", one_by_one),
        (FnApiRunner, "_execute_bundle", watched),
        (run, "build", before(GRAPHS, build)),
        (Pipeline, "run", before(TRANSLATION, translate)),
    ):
        changes.enter_context(patch.object(owner, name, function))


def _place(step: str) -> tuple[bool, str]:
    """Steps of the job come before those that the runner adds."""
    return _is_runners(step), step


def _is_runners(step: str) -> bool:
    return step.startswith("ref_") or step.endswith(("/Read", "/Write"))


def _heads(steps: Sequence[str]) -> list[str]:
    """The first parts of the names of the job's steps, each once, in their order from input to output.

    >>> _heads(["Read/Group/Read", "Read/Count", "Words/Merge", "ref_3/Write"])
    ['Read', 'Words']
    """
    return list(dict.fromkeys(step.partition("/")[0] for step in steps if not _is_runners(step)))


def main(result: str, *arguments: str) -> None:
    """Runs the command and writes what it took."""
    Path(result).write_text(measure(arguments).model_dump_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
