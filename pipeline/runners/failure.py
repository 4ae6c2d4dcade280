"""An exception of a runner -> what failed, in one line. The runner's log has the rest."""

import re
from typing import Final

import grpc

# Beam's portable runner begins with `Pipeline NAME_UUID failed in state FAILED: `.
_PREFIX: Final = re.compile(r"^Pipeline \S+ failed in state (?P<state>\w+): ")
_TRACEBACK: Final = "Traceback (most recent call last):"
_LONGEST: Final = 500


def what_failed(error: BaseException) -> str:
    r"""The line of an error that tells the cause: the last one of a worker's traceback, or the first one.

    >>> what_failed(RuntimeError("Pipeline a_1 failed in state FAILED: java.lang.RuntimeException: no slots"))
    'java.lang.RuntimeException: no slots'
    >>> what_failed(RuntimeError("Error received: Traceback (most recent call last):\n  File 'a'\nKeyError: 'b'\n\n"))
    "KeyError: 'b'"
    """
    details = error.details() if isinstance(error, grpc.Call) else None
    text = str(details or error).strip()
    found = _PREFIX.match(text)
    if found:
        text = text[found.end() :].strip() or f"it ended as {found['state']}"
    before, _, traceback = text.partition(_TRACEBACK)
    # The first line of a traceback that is not indented names the exception.
    lines = [line for line in traceback.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
    line = lines[0] if lines else (before.strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
