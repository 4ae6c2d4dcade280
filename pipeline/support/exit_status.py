"""A command -> its exit status, and one line on stderr where the user made a mistake."""

import logging
import os
import sys
from collections.abc import Callable

from pipeline.errors import UserError


def guarded(program: str, command: Callable[[], int]) -> int:
    """Calls a command; turns a UserError into one line on stderr and status 2, Ctrl-C into 130."""
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
        # Who read our output has gone (`| head`); nothing is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
