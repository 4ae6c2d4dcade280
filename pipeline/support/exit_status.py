"""A command -> its exit status, and one line on stderr for a mistake of the user's or a job that failed elsewhere."""

import errno
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Final, NoReturn

from pipeline.errors import JobError, StillRunningError, UserError
from pipeline.support.disk_errors import describe_disk_error, find_disk_error
from pipeline.support.output import LineFormatter, OutputError, discard_stdout, open_closed_streams, safe_output, warn
from pipeline.support.process import leave
from pipeline.support.stop_signals import stop_signals, stop_status

_INTERRUPTED: Final = 130  # as after Ctrl-C


def run_process(program: str, command: Callable[[], int]) -> NoReturn:
    """Runs a command as the whole work of this process, and ends the process with its exit status.

    The signals are handled to the end: no moment is left in which Ctrl-C would show a traceback.
    """
    open_closed_streams()
    with stop_signals(), safe_output():
        try:
            status = run_command(program, command)
        except KeyboardInterrupt:  # a signal came when the command had ended
            status = stop_status() or _INTERRUPTED
        except Exception:  # a bug; the text of its error may be from the data
            sys.stderr.write(traceback.format_exc())
            status = 1
        leave(status)


def run_command(program: str, command: Callable[[], int]) -> int:
    """Calls a command and returns its exit status; a UserError gives one line on stderr and 2.

    A JobError gives one line and 1. A signal (stop_signals.py) gives 128 + its number: Ctrl-C 130, TERM 143, HUP 129;
    but 1 if what it should have ended runs on.
    """
    with stop_signals(), safe_output():
        _log_to_stderr()
        try:
            status = _call(command)
            sys.stdout.flush()
            return status
        except BaseException as error:
            reported = _status(program, error)
            if reported is None:
                raise
            return reported


def _call(command: Callable[[], int]) -> int:
    try:
        return command()
    except SystemExit as ended:  # argparse, after --help
        return ended.code if isinstance(ended.code, int) else 0


def _status(program: str, error: BaseException) -> int | None:
    """The exit status after an error, which is reported here; None: it is a bug, for Python to show."""
    stopped = stop_status()
    if isinstance(error, StillRunningError):
        warn(f"{program}: interrupted, but {str(error).strip()}")
        return 1
    if stopped is not None or isinstance(error, KeyboardInterrupt):
        # An error after the signal is its consequence: other people's code makes errors of its own of it.
        warn(f"{program}: interrupted")
        return stopped or _INTERRUPTED
    if isinstance(error, UserError):
        warn(f"{program}: error: {str(error).strip()}")
        return 2
    if isinstance(error, JobError):
        warn(f"{program}: error: {str(error).strip()}")
        return 1
    if isinstance(error, OutputError):
        discard_stdout()
        if error.errno == errno.EPIPE:  # the reader of the output has ended (`| head`)
            return 1
        warn(f"{program}: error: standard output can't be written: {error.strerror}; send it to another place")
        return 2
    disk_error = find_disk_error(error)
    if disk_error is not None:
        warn(f"{program}: error: {describe_disk_error(disk_error, {})}")
        return 2
    return None


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.getLogger("trainer").setLevel(logging.INFO)
