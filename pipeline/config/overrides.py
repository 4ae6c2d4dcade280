"""Arguments of a command line -> overrides of settings (`--section.key VALUE`) and the other arguments."""

from collections.abc import Sequence

from pipeline.config.load import split_name
from pipeline.errors import UserError


def split_overrides(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Divides arguments into options with a dot in their name, name -> value, and the other arguments, in order.

    Such an option is `--a.b VALUE` or `--a.b=VALUE`. If one is given twice, the last value counts.

    Raises:
      UserError: an option with a dot is not a setting, or has no value.

    >>> split_overrides(["--sequence.max_length", "100", "--runner=FnApiRunner", "--split.eval=0.2"])
    ({'sequence.max_length': '100', 'split.eval': '0.2'}, ['--runner=FnApiRunner'])
    """
    overrides: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or "." not in name:
            rest.append(argument)
            continue
        split_name(name, origin="command line")
        if not equals:
            if not waiting:
                raise UserError(f"--{name} needs a value")
            value = waiting.pop(0)
        overrides[name] = value
    return overrides, rest
