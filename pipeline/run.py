"""Settings -> a finished run: checks, plans, runs the job on the runner asked for, and clears up.

The one module that knows about Beam's options and runners.
"""

import argparse
import difflib
import logging
import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineRunner, PipelineState, create_runner

from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.filesystem import BeamFiles
from pipeline.job import build
from pipeline.plan import Plan, columns_of
from pipeline.publish import check_output, new_staging, remove_staging
from pipeline.sources import check_columns, plan_tasks

# Beam's DirectRunner prefers Prism, a program it would download, and falls back in silence; these name this process.
_IN_PROCESS = ("", "DirectRunner", "FnApiRunner")

# How a UserError that was raised on a worker reads in what a runner tells of it.
_WORKER_ERROR = re.compile(r"UserError: (?P<message>.+?)(?: \[while running|\\n|\n|$)")

# A display: given the folder in which workers tell their progress, shows it while the context lasts.
Display = Callable[[str], AbstractContextManager[None]]

_logger = logging.getLogger(__name__)


def run(config: Config, beam_arguments: Sequence[str] = (), *, overwrite: bool, display: Display) -> None:
    """Runs the whole job and returns when the records folder is published.

    Raises:
      UserError: a mistake in the settings, the input or the options for Beam.
    """
    options = beam_options(beam_arguments)
    runner = choose_runner(options)
    check_output(config.output.path, overwrite=overwrite)
    files = BeamFiles()
    tasks = plan_tasks(config.input, files)
    check_columns(tasks, columns_of(config), files)
    staging = new_staging(config.output.path)
    try:
        with tempfile.TemporaryDirectory(prefix="textrecords-") as progress_folder:
            plan = make_plan(config, tasks, staging=staging, progress_folder=progress_folder)
            with display(progress_folder):
                run_plan(plan, runner=runner, options=options)
    finally:
        remove_staging(staging)


def make_plan(config: Config, tasks: Sequence[Any], *, staging: str, progress_folder: str | None) -> Plan:
    """The plan for tasks that were found."""
    files = BeamFiles()
    paths = {task.path for task in tasks}
    size = sum(info.size for path in paths for info in files.match(path))
    return Plan(
        config=config,
        tasks=tuple(tasks),
        input_files=len(paths),
        input_bytes=size,
        staging=staging,
        progress_folder=progress_folder,
    )


def run_plan(plan: Plan, *, runner: PipelineRunner, options: PipelineOptions) -> None:
    """Runs a plan to its end.

    Raises:
      UserError: a worker met a mistake of the user's.
    """
    try:
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline, plan)
        state = pipeline.run().wait_until_finish()
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        raise UserError(message) from error
    if state != PipelineState.DONE:
        raise RuntimeError(f"the job ended as {state}; its runner's log says why")


def user_message(error: BaseException) -> str | None:
    """The message of the UserError that a runner's error goes back to, if it does.

    >>> user_message(RuntimeError("...pipeline.errors.UserError: no rows [while running 'X']"))
    'no rows'
    """
    found = _WORKER_ERROR.search(f"{type(error).__name__}: {error}")
    if found:
        return found["message"]
    cause = error.__cause__ or error.__context__
    return user_message(cause) if cause is not None else None


def beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Beam's own options.

    Raises:
      UserError: an option that neither we nor Beam know.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        known = [text for action in parser._actions for text in action.option_strings]
        nearest = difflib.get_close_matches(unknown[0].partition("=")[0], known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else "settings have a dot (--input.path), Beam's options none"
        raise UserError(f"{unknown[0]} is neither a setting nor an option of Beam's; {hint}")
    built = PipelineOptions(list(arguments))
    # What runs on workers is in the package; nothing of the main module is pickled.
    built.view_as(SetupOptions).save_main_session = False
    return built


def choose_runner(options: PipelineOptions) -> PipelineRunner:
    """The runner that the options name; this process where they name none or DirectRunner.

    Raises:
      UserError: there is no such runner.
    """
    name = options.view_as(StandardOptions).runner or ""
    if name in _IN_PROCESS:
        _logger.info("running in this process (Beam's FnApiRunner)")
        return FnApiRunner()
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        known = StandardOptions.ALL_KNOWN_RUNNERS
        short = [runner.rpartition(".")[2] for runner in known]
        nearest = difflib.get_close_matches(name, short, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(short)}"
        raise UserError(f"--runner: there is no runner {name}; {hint}") from error
