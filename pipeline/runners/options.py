"""Arguments for Beam -> its options, and the runner that they choose.

If no other runner is named, the job runs on this machine, on Beam's FnApiRunner, with all cores. Beam's own
DirectRunner would prefer Prism, a program that it downloads, and fall back silently if it can't.
"""

import argparse
import difflib
import logging
import os
import uuid
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import (
    DirectOptions,
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    TypeOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, fn_runner
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineRunner, create_runner

from pipeline.errors import UserError
from pipeline.runners.job_service import check_with_server, refuse_unknown
from pipeline.runners.locations import runner_name
from pipeline.runners.worker_processes import process_runner
from pipeline.support.process import cores as _cores


class LocalWorkers(NamedTuple):
    """mode: Beam's direct_running_mode. number: its direct_num_workers."""

    mode: str
    number: int


# Names under which the job runs in this process.
_IN_PROCESS = ("", "DirectRunner", "FnApiRunner")
# Runners whose job servers have options of their own, which Beam for Python does not know.
_ASK_A_SERVER = ("PortableRunner", "FlinkRunner", "SparkRunner")

# Bytes of input and number of processes from which processes are quicker than threads, and bytes of memory for each;
# see local_workers.
_MIN_BYTES_FOR_PROCESSES = 512 << 20
_MIN_PROCESSES = 6
_MEMORY_PER_PROCESS = 3 << 29

# Mode -> one of its workers, several of them.
_WORKERS = {
    "in_memory": ("thread", "threads"),
    "multi_threading": ("gRPC thread", "gRPC threads"),
    "multi_processing": ("process", "processes"),
}

_logger = logging.getLogger(__name__)


def beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Arguments, such as `--runner=...` -> Beam's options.

    Raises:
      UserError: an option that neither this product nor Beam knows, or a value that Beam does not accept.
    """
    parser = _beam_parser()
    _, unknown = parser.parse_known_args(list(arguments))
    options = PipelineOptions(list(arguments))
    if unknown and not (runner_name(options) in _ASK_A_SERVER and unknown[0].startswith("--")):
        refuse_unknown(unknown[0], _known(parser))
    logging.getLogger(pipeline_options.__name__).addFilter(_is_not_about_unknown_options)
    # Workers run only functions of the package; nothing in the main module needs to be pickled.
    setup = options.view_as(SetupOptions)
    setup.save_main_session = False
    # The check of the stages' types would take 0.2 s of each run. The tests run with it.
    options.view_as(TypeOptions).pipeline_type_check = False
    if setup.setup_file:  # Beam takes the folder of a bare name to be ''
        setup.setup_file = os.path.abspath(setup.setup_file)
    return options


def choose_runner(options: PipelineOptions, *, input_bytes: int | None) -> PipelineRunner:
    """The runner that the options name; the in-process one if they name none or DirectRunner.

    input_bytes: the size of the input, by which the workers of this machine are chosen and logged; None: not known yet.

    Raises:
      UserError: there is no such runner.
    """
    name = options.view_as(StandardOptions).runner or ""
    if name in _IN_PROCESS:
        return _runner_here(options, input_bytes)
    try:
        return _with_its_server(create_runner(name), options)
    except (ValueError, ImportError, AttributeError) as error:
        known = [runner.rpartition(".")[2] for runner in StandardOptions.ALL_KNOWN_RUNNERS]
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"
        raise UserError(f"--runner: there is no runner {name}; {hint}") from error


def _with_its_server(runner: PipelineRunner, options: PipelineOptions) -> PipelineRunner:
    """A portable runner has its job server check the options that Beam for Python does not know."""
    if isinstance(runner, PortableRunner):
        parser = _beam_parser()
        _, unknown = parser.parse_known_args(list(options._flags))
        if unknown:
            check_with_server(runner, unknown, _known(parser))
        cloud = options.view_as(GoogleCloudOptions)
        if not cloud.job_name:
            # A job is found by its name when it is to be cancelled.
            cloud.job_name = f"textrecords-{uuid.uuid4().hex[:12]}"
    return runner


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


def _known(parser: argparse.ArgumentParser) -> list[str]:
    return [text for action in parser._actions for text in action.option_strings]


def local_workers(input_bytes: int, *, cores: int, memory: int) -> LocalWorkers:
    """The kind and number of workers on this machine, if the user does not choose.

    Threads are quickest until Python's lock is the limit. A MB of reviews takes 45 ms of one core, and more than
    half of that is in TensorFlow, Arrow and NumPy without the lock (py-spy: the lock was held in 9 of 20 s). So
    threads cannot use more than 2 to 3 cores, 20 ms a MB. Processes have no such limit, but each takes 4.5 s of CPU
    to import TensorFlow and Beam, and 0.7 GB. So on 2 cores they never pay: 25,000 reviews took 4.7 s with threads
    and 11.2 s with processes (with older code). On 6 cores and more they pay from 400 MB on: 5 s, and 45 ms a MB /
    cores. On 4 cores they should pay from 550 MB on. That is calculated, not measured, so 4 cores get threads.

    >>> local_workers(33 << 20, cores=2, memory=24 << 30)
    LocalWorkers(mode='in_memory', number=2)
    >>> local_workers(33 << 20, cores=16, memory=64 << 30)
    LocalWorkers(mode='in_memory', number=16)
    >>> local_workers(2 << 30, cores=16, memory=64 << 30)
    LocalWorkers(mode='multi_processing', number=16)
    >>> local_workers(2 << 30, cores=16, memory=12 << 30)  # a process's share of memory counts
    LocalWorkers(mode='multi_processing', number=8)
    """
    processes = min(cores, memory // _MEMORY_PER_PROCESS)
    if processes >= _MIN_PROCESSES and input_bytes >= _MIN_BYTES_FOR_PROCESSES:
        return LocalWorkers("multi_processing", processes)
    return LocalWorkers("in_memory", cores)


def workers_here(options: PipelineOptions, input_bytes: int) -> LocalWorkers:
    """The workers of the in-process runner: those that the user asks for, or else those that suit the input.

    options: as beam_options gives them; choose_runner changes them.
    """
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
    # Threads need no gRPC to the runner. Processes are ours instead of Beam's.
    direct.direct_running_mode = "in_memory"
    logging.getLogger(fn_runner.__name__).addFilter(_is_not_about_workers_in_memory)
    if mode == "multi_processing":
        return process_runner()
    return FnApiRunner()


def _named(options: PipelineOptions) -> set[str]:
    """The names of the options that were given, even if with their default."""
    return {argument.partition("=")[0].removeprefix("--") for argument in options._flags}


def _reason(named: set[str], mode: str) -> str:
    if named & {"direct_running_mode", "direct_num_workers"}:
        return "the options say"
    return "suits a large input" if mode == "multi_processing" else "suits the input"


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # this system does not say: assume plenty
        return 1 << 62


def _is_not_about_unknown_options(record: logging.LogRecord) -> bool:
    """Beam warns of options that its job server knows; of others the command tells."""
    return not str(record.msg).startswith("Unparseable argument")


def _is_not_about_workers_in_memory(record: logging.LogRecord) -> bool:
    """Beam warns that in_memory has no workers, but it does run each part of a stage on its own thread."""
    return "If direct_num_workers is not equal to 1" not in record.getMessage()
