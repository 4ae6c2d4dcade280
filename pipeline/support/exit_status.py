"""A command -> its exit status, and one line on stderr for a mistake of the user's."""

import logging
import os
import sys
from collections.abc import Callable

from pipeline.errors import UserError


def run_command(program: str, command: Callable[[], int]) -> int:
    """Calls a command and returns its exit status; a UserError gives one line on stderr and 2, Ctrl-C gives 130."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.getLogger("trainer").setLevel(logging.INFO)
    try:
        return command()
    except UserError as error:
        print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of the output has ended (`| head`). Without this Python would report the same error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
