"""Arguments for Beam -> its options and the runner they name; the one module that knows about Beam's options.

Where nothing else is named the job runs on this machine, on Beam's FnApiRunner, with all cores. Beam's own DirectRunner
would prefer Prism, a program that it downloads, and fall back in silence where it can't.
"""

import argparse
import difflib
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    TypeOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, fn_runner
from apache_beam.runners.runner import PipelineRunner, create_runner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipeline.errors import UserError
from pipeline.runners import local_worker
from pipeline.support.process import cores as _cores


class LocalWorkers(NamedTuple):
    """Beam's direct_running_mode and direct_num_workers."""

    mode: str
    number: int


_IN_PROCESS = ("", "DirectRunner", "FnApiRunner")

# As measured, see local_workers.
_BYTES_FOR_PROCESSES = 512 << 20
_FEWEST_PROCESSES = 6
_MEMORY_A_PROCESS = 3 << 29

_WORKERS = {
    "in_memory": ("thread", "threads"),
    "multi_threading": ("gRPC thread", "gRPC threads"),
    "multi_processing": ("process", "processes"),
}

_logger = logging.getLogger(__name__)


def beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Beam's options.

    Raises:
      UserError: an option that neither we nor Beam know, or a value that Beam does not take.
    """
    parser = _beam_parser()
    _, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        known = [text for action in parser._actions for text in action.option_strings]
        nearest = difflib.get_close_matches(unknown[0].partition("=")[0], known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else "settings have a dot (--input.path), Beam's options none"
        raise UserError(f"{unknown[0]} is neither a setting nor an option of Beam's; {hint}")
    options = PipelineOptions(list(arguments))
    # What runs on workers is in the package; nothing of the main module is pickled.
    setup = options.view_as(SetupOptions)
    setup.save_main_session = False
    # That its stages fit together is tested, with the check on; here it would take 0.2 s of each run.
    options.view_as(TypeOptions).pipeline_type_check = False
    if setup.setup_file:  # Beam goes into its folder, and of a bare name takes that to be ''
        setup.setup_file = os.path.abspath(setup.setup_file)
    return options


def choose_runner(options: PipelineOptions, *, input_bytes: int | None) -> PipelineRunner:
    """The runner that the options name; this machine where they name none or DirectRunner.

    input_bytes: by which workers of this machine are chosen, which is told; None: only to see that there is a runner.

    Raises:
      UserError: there is no such runner.
    """
    name = options.view_as(StandardOptions).runner or ""
    if name in _IN_PROCESS:
        return _runner_here(options, input_bytes)
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        known = [runner.rpartition(".")[2] for runner in StandardOptions.ALL_KNOWN_RUNNERS]
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"
        raise UserError(f"--runner: there is no runner {name}; {hint}") from error


def holds_shuffles_in_memory(runner: PipelineRunner) -> bool:
    """Whether the runner keeps in memory what crosses a shuffle, and all its workers are on this machine.

    It keeps the elements as they arrive, and two more copies while it hands them on. So blocks had better be spilled to
    the disk.
    """
    return isinstance(runner, FnApiRunner)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"options for Beam: {message}")


def _beam_parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    return parser


def local_workers(input_bytes: int, *, cores: int, memory: int) -> LocalWorkers:
    """How many workers a job gets on this machine, and what they are, where the user says nothing.

    One thread a core in this process is quickest as long as a core's worth of Python is not the limit: of the work on
    a MB of reviews (45 ms of one core), TensorFlow, Arrow and NumPy do more than half without Python's lock (py-spy:
    held in 9 of 20 s), so threads stand still at 2 to 3 cores' worth, 20 ms a MB. Processes have no such limit, and
    cost 4.5 s of CPU each to import TensorFlow and Beam and 0.7 GB. So on 2 cores they never pay (25,000 reviews: 4.7
    s with threads, 11.2 s with processes, with older code), on 6 and more from some 400 MB on: 5 s and 45 ms / cores.
    On 4 they would from some 550; that is reasoned, and not done before it is measured.

    >>> local_workers(33 << 20, cores=2, memory=24 << 30)
    LocalWorkers(mode='in_memory', number=2)
    >>> local_workers(33 << 20, cores=16, memory=64 << 30)
    LocalWorkers(mode='in_memory', number=16)
    >>> local_workers(2 << 30, cores=16, memory=64 << 30)
    LocalWorkers(mode='multi_processing', number=16)
    >>> local_workers(2 << 30, cores=16, memory=12 << 30)  # a process's share of memory counts
    LocalWorkers(mode='multi_processing', number=8)
    """
    processes = min(cores, memory // _MEMORY_A_PROCESS)
    if processes >= _FEWEST_PROCESSES and input_bytes >= _BYTES_FOR_PROCESSES:
        return LocalWorkers("multi_processing", processes)
    return LocalWorkers("in_memory", cores)


def workers_here(options: PipelineOptions, input_bytes: int) -> LocalWorkers:
    """The workers that the in-process runner gets: those that the user asked for, or else those that suit the input; of
    options that no runner was chosen by yet."""
    direct, named = options.view_as(DirectOptions), _named(options)
    if "direct_running_mode" in named:
        mode = direct.direct_running_mode
        # Beam's default of one worker would leave nothing of such a mode but its cost.
        number = direct.direct_num_workers if "direct_num_workers" in named or mode == "in_memory" else _cores()
    elif "direct_num_workers" in named:
        mode, number = "in_memory", direct.direct_num_workers
    else:
        mode, number = local_workers(input_bytes, cores=_cores(), memory=_memory())
    return LocalWorkers(mode, number or _cores())


def _runner_here(options: PipelineOptions, input_bytes: int | None) -> FnApiRunner:
    """The in-process runner with its workers."""
    mode, number = workers_here(options, input_bytes or 0)
    if input_bytes is not None:
        reason = _reason(_named(options), mode)
        _logger.info("runs on this machine: %d %s, as %s", number, _WORKERS[mode][number != 1], reason)
    direct = options.view_as(DirectOptions)
    direct.direct_num_workers = number
    direct.direct_running_mode = mode
    if mode == "multi_threading":
        return FnApiRunner()
    # Without gRPC between runner and threads; with workers of our own instead of Beam's, see runners/local_worker.py.
    direct.direct_running_mode = "in_memory"
    logging.getLogger(fn_runner.__name__).addFilter(_is_not_about_workers_in_memory)
    if mode == "multi_processing":
        command = f"exec {shlex.quote(sys.executable)} -m {local_worker.__name__}"
        return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(command))
    return FnApiRunner()


def _named(options: PipelineOptions) -> set[str]:
    """The options that stand there, even with their default."""
    return {argument.partition("=")[0].removeprefix("--") for argument in options._flags}


def _reason(named: set[str], mode: str) -> str:
    if named & {"direct_running_mode", "direct_num_workers"}:
        return "the options say"
    return "suits a large input" if mode == "multi_processing" else "suits the input"


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on this system: as if there were plenty
        return 1 << 62


def _is_not_about_workers_in_memory(record: logging.LogRecord) -> bool:
    """Beam warns that in_memory has no workers; it does run each part of a stage on a thread of its own."""
    return "If direct_num_workers is not equal to 1" not in record.getMessage()
