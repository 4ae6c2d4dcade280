"""Command-line arguments -> settings (`--section.key VALUE`) and the rest; shared by both command lines."""

from collections.abc import Sequence

from pipeline.config.load import split_name
from pipeline.errors import UserError


def split_overrides(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Takes the dotted options out of the arguments, as `--a.b VALUE` or `--a.b=VALUE`; the last one of a name wins.

    Raises:
      UserError: a dotted option is no setting, or has no value.

    >>> split_overrides(["--sequence.max_length", "100", "--runner=FnApiRunner", "--split.eval=0.2"])
    ({'sequence.max_length': '100', 'split.eval': '0.2'}, ['--runner=FnApiRunner'])
    """
    overrides: dict[str, str] = {}
    rest: list[str] = []
    left = list(arguments)
    while left:
        argument = left.pop(0)
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or "." not in name:
            rest.append(argument)
            continue
        split_name(name, origin="command line")
        if not equals:
            if not left:
                raise UserError(f"--{name} needs a value")
            value = left.pop(0)
        overrides[name] = value
    return overrides, rest
