"""A command -> its exit status, and one line on stderr for a mistake of the user's."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Final

from pipeline.errors import UserError
from pipeline.support.stop_signals import stop_signals, stop_status

_INTERRUPTED: Final = 130  # as after Ctrl-C


def run_command(program: str, command: Callable[[], int]) -> int:
    """Calls a command and returns its exit status; a UserError gives one line on stderr and 2.

    A signal (stop_signals.py) gives 128 + its number: Ctrl-C 130, TERM 143, HUP 129.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.getLogger("trainer").setLevel(logging.INFO)
    with stop_signals():
        try:
            return command()
        except BaseException as error:
            status = _status(program, error)
            if status is None:
                raise
            return status


def _status(program: str, error: BaseException) -> int | None:
    """The exit status after an error, which is reported here; None: it is a bug, for Python to show."""
    stopped = stop_status()
    if stopped is not None or isinstance(error, KeyboardInterrupt):
        # An error after the signal is its consequence: other people's code makes errors of its own of it.
        print(f"{program}: interrupted", file=sys.stderr)
        return stopped or _INTERRUPTED
    if isinstance(error, UserError):
        print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    if isinstance(error, BrokenPipeError):
        # The reader of the output has ended (`| head`). Without this Python would report the same error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return None
