"""The one exit for what a command writes on standard output and standard error.

Within `safe_output` both streams escape what could steer a terminal, whoever writes: a message, a log line, argparse, a
traceback. So a name from the data can't clear the screen or change the direction of writing. Commands write by `say`,
`say_block` and `warn`; rich's tables go through `terminal.py`.

Text that standard output can't take raises OutputError. What standard error can't take is lost.
"""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO, cast

from pipeline.support.printable import escape_controls

# Our loggers, one line a message. Other people's messages may be tracebacks.
_OURS: Final = ("pipeline", "trainer")
_LINE_BREAKS: Final = re.compile(r"[\r\n]+")


class OutputError(OSError):
    """Standard output can't be written, because its disk is full or its reader has ended."""


def say(*lines: str) -> None:
    """Writes lines for a person on standard output; a line break within a line becomes a space."""
    sys.stdout.write("".join(f"{one_line(line)}\n" for line in lines))


def say_block(text: str) -> None:
    """Writes text of many lines, such as JSON, on standard output as it is; the text ends with its own line break."""
    sys.stdout.write(text)


def warn(*lines: str) -> None:
    """Writes lines for a person on standard error, as `say` does."""
    sys.stderr.write("".join(f"{one_line(line)}\n" for line in lines))


def one_line(text: str) -> str:
    r"""The text with each line break, and the white space around it, as a space.

    >>> one_line("not YAML:\n  line 1")
    'not YAML: line 1'
    """
    first, *others = _LINE_BREAKS.split(text)
    if not others:
        return text
    between = [stripped for line in others[:-1] if (stripped := line.strip())]
    return " ".join([first.rstrip(), *between, others[-1].lstrip()])


@contextmanager
def safe_output() -> Iterator[None]:
    """Within it, sys.stdout and sys.stderr escape and report as the module says. Within another, it changes nothing."""
    if isinstance(sys.stdout, _SafeStream):
        yield
        return
    before = sys.stdout, sys.stderr
    sys.stdout = cast(TextIO, _SafeStream(sys.stdout, escapes=True, is_needed=True))
    sys.stderr = cast(TextIO, _SafeStream(sys.stderr, escapes=True, is_needed=False))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def styled(stream: TextIO) -> TextIO:
    """The stream for a writer that makes colours of its own, as rich does; it must make text printable itself."""
    return cast(TextIO, stream.styled()) if isinstance(stream, _SafeStream) else stream


def open_closed_streams() -> None:
    """Opens standard streams that the process was started without (`>&-`), as /dev/null.

    Otherwise the next file that is opened gets the stream's number, and messages of C++ code are written into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            if os.open(os.devnull, os.O_RDWR) == number:
                os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (until the process ends)


def discard_stdout() -> None:
    """Sends what is still to be written on standard output to /dev/null, so that its error is reported once."""
    if isinstance(sys.stdout, _SafeStream):
        sys.stdout.is_needed = False
    with suppress(OSError, ValueError):  # in a test, a stream without a number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LineFormatter(logging.Formatter):
    """Formats our own log messages as one line each."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's text."""
        text = super().format(record)
        return one_line(text) if record.name.partition(".")[0] in _OURS and not record.exc_info else text


class _SafeStream:
    """A text stream that escapes control characters.

    is_needed: an error of the stream is an OutputError; otherwise the text is lost.
    """

    def __init__(self, stream: TextIO, *, escapes: bool, is_needed: bool) -> None:
        self._stream = stream
        self._escapes = escapes
        self.is_needed = is_needed
        self._error: OSError | ValueError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        safe = escape_controls(text) if self._escapes else text
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(safe.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._fail(error)
        if self._error is not None:  # argparse swallows the errors of its --help
            self._fail(self._error)

    def styled(self) -> "_SafeStream":
        return _SafeStream(self._stream, escapes=False, is_needed=self.is_needed)

    def _fail(self, error: OSError | ValueError) -> None:
        self._error = error
        if self.is_needed:
            number = error.errno if isinstance(error, OSError) else None
            raise OutputError(number, os.strerror(number) if number else str(error)) from error
