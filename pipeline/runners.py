"""Arguments for Beam -> its options and the runner they name; the one module that knows about Beam's options.

Where nothing else is named the job runs in this process, on Beam's FnApiRunner, with a thread a core. Beam's own
DirectRunner would prefer Prism, a program that it downloads, and fall back in silence where it can't.
"""

import argparse
import difflib
import logging
import os
from collections.abc import Sequence
from typing import NoReturn

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, fn_runner
from apache_beam.runners.runner import PipelineRunner, create_runner

from pipeline.errors import UserError

_IN_PROCESS = ("", "DirectRunner", "FnApiRunner")

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
    if setup.setup_file:  # Beam goes into its folder, and of a bare name takes that to be ''
        setup.setup_file = os.path.abspath(setup.setup_file)
    if not any(argument.startswith("--direct_") for argument in arguments):
        _use_all_cores(options)
    return options


def choose_runner(options: PipelineOptions) -> PipelineRunner:
    """The runner that the options name; this process where they name none or DirectRunner.

    Raises:
      UserError: there is no such runner.
    """
    name = options.view_as(StandardOptions).runner or ""
    if name in _IN_PROCESS:
        direct = options.view_as(DirectOptions)
        _logger.info("runs in this process, %d workers (%s)", direct.direct_num_workers, direct.direct_running_mode)
        return FnApiRunner()
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        known = [runner.rpartition(".")[2] for runner in StandardOptions.ALL_KNOWN_RUNNERS]
        nearest = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"
        raise UserError(f"--runner: there is no runner {name}; {hint}") from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"options for Beam: {message}")


def _beam_parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    return parser


def _use_all_cores(options: PipelineOptions) -> None:
    """A thread a core, in this process and without gRPC between runner and workers.

    Nearly all the time goes into TensorFlow's and Arrow's own code, which leaves Python's lock alone. 25,000 reviews in
    one file on 2 cores: 4.7 s after the start with two threads, 5.2 s where gRPC carries their data (multi_threading),
    5.5 s with one; processes pay for TensorFlow's import once more each.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores > 1:
        direct = options.view_as(DirectOptions)
        direct.direct_num_workers = cores
        direct.direct_running_mode = "in_memory"
        logging.getLogger(fn_runner.__name__).addFilter(_is_not_about_workers_in_memory)


def _is_not_about_workers_in_memory(record: logging.LogRecord) -> bool:
    """Beam warns that in_memory has no workers; it does run each part of a stage on a thread of its own."""
    return "If direct_num_workers is not equal to 1" not in record.getMessage()
