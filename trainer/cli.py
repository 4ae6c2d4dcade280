"""`python -m trainer ...`: arguments -> settings -> the function that does the work -> exit status.

Only arguments are dealt with here; `commands` does what they ask for. It is imported when it is called for, so that --help
needs no TensorFlow.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pipeline.arguments import split_overrides
from pipeline.cli import guarded
from pipeline.config import setting_names
from pipeline.errors import UserError

_SETTINGS_HELP = """\
Settings come from --config (default: pipeline.yaml in this folder, if it is there) and from the command line:
--section.key VALUE, the value read as YAML. output.path is the records folder.

settings:
  """

_STATUS_HELP = "Exit status: 0 done, 2 a mistake in the arguments or files (one line on stderr), 1 anything else."
_VERIFY_HELP = f"{_STATUS_HELP[:-1]}, an answer that differs included."


class Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, as every other mistake is told."""

    def error(self, message: str) -> NoReturn:
        """Raises a UserError instead of printing the usage."""
        raise UserError(f"{message}; {self.prog} --help tells more")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status: 0 done, 2 the user's mistake, 130 interrupted, 1 anything else."""
    left = list(sys.argv[1:] if arguments is None else arguments)
    return guarded("trainer", lambda: _call(left))


def _call(arguments: list[str]) -> int:
    overrides: dict[str, str] = {}
    # Other commands take texts, which may look like a setting.
    if arguments[:1] in (["train"], ["evaluate"]):
        overrides, arguments = split_overrides(arguments)
    known = _parser().parse_args(arguments)
    from trainer import commands

    return getattr(commands, known.command)(known, overrides)


def _parser() -> Parser:
    parser = Parser(prog="trainer", description=__doc__.partition("\n")[0], epilog=_STATUS_HELP, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_explain(commands)
    _add_verify(commands)
    return parser
