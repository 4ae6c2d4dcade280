"""Files, or standard input -> the texts that `predict` answers, row after row, read as `run` and `evaluate` read them.

In: texts, or --input, --format and --text_column, or standard input. Out: a TextSource, with a row for each of theirs.
Mistakes name these options, where `pipeline.sources` names the settings that they stand for.
"""

import io
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple, cast

from pipeline.config.databases import database_format
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import FileInfo, Files, LocalFiles, cannot_read
from pipeline.sources import TextRow, check_columns, plan_texts, read_in_order
from pipeline.sources.columns import columns_of
from pipeline.sources.format_detection import DETECTION_BYTES, format_stated, looks_of
from pipeline.sources.formats import database_names, format_names, text_lines
from pipeline.sources.text_form import form_of
from trainer.commands.arguments import OPTIONS, naming_options

STANDARD_INPUT: Final = "standard input"

# `predict` takes options in place of these settings.
_SETTINGS: Final = ("input.path", "input.format", "input.text_column")
_NAMES: Final = re.compile(rf"(?:{'|'.join(map(re.escape, _SETTINGS))})\b")

_logger = logging.getLogger(__name__)


def check_on_this_machine(paths: Sequence[str], *, setting: str, command: str) -> None:
    """Refuses paths of other filesystems: the trainer has none of Beam's.

    Raises:
      UserError: a path has a scheme; `setting` is where it came from.
    """
    for path in paths:
        if "://" in path and not database_format(path):
            raise UserError(f"{setting}: {command} reads files of this machine; copy {path} here first")


class TextSource(NamedTuple):
    """name: where the texts come from, for messages. rows: the rows; each is read when it is asked for.

    Reading them raises a UserError if a file is missing, has no row or no such column, or is so damaged that its number
    of rows is not known.
    """

    name: str
    rows: Iterator[TextRow]


def source_of_arguments(texts: Sequence[str]) -> TextSource:
    """Texts of the command line; any bytes, also bytes that are not UTF-8."""
    return TextSource("TEXT", iter([TextRow(os.fsencode(text)) for text in texts]))


def source_of_files(settings: InputSettings, *, format: str | None = None) -> TextSource:
    """What input.path names; format: instead of input.format a name of `format_names(labelled=False)`."""
    return TextSource(", ".join(settings.paths), _rows_of_files(settings, format=format))


def source_of_stream(stream: BinaryIO, settings: InputSettings, *, format: str | None = None) -> TextSource:
    """Standard input, in place of input.path; lines are read as they come. format: as in `source_of_files`.

    Unless a format is set, it is a text a line, also if it looks like a table; a log line says so then.
    """
    return TextSource(STANDARD_INPUT, _rows_of_stream(stream, settings, format=format))


def _rows_of_files(settings: InputSettings, *, format: str | None) -> Iterator[TextRow]:
    with naming_options(_SETTINGS):
        _check_format(format)
        check_on_this_machine(settings.paths, setting="input.path", command="predict")
        files, columns = LocalFiles(), columns_of(settings, labelled=False)
        with closing(plan_texts(settings, files, format=format)) as tasks:
            for line in tasks.left_out_lines(name=lambda text: _NAMES.sub(lambda found: OPTIONS[found[0]], text)):
                _logger.info("%s", line)
            check_columns(tasks.tasks(), columns, files)
            yield from read_in_order(tasks.tasks(), columns, files)


def _rows_of_stream(stream: BinaryIO, settings: InputSettings, *, format: str | None) -> Iterator[TextRow]:
    with naming_options(_SETTINGS), _naming_stream():
        _check_format(format)
        settings = settings.model_copy(update={"path": STANDARD_INPUT})
        columns = columns_of(settings, labelled=False)
        head = _next_bytes(stream, DETECTION_BYTES)
        beginning = _OneFile(lambda: io.BytesIO(head))
        if (format or settings.format) == "auto":
            format = _detected(beginning, settings)
        tasks = list(plan_texts(settings, beginning, format=format).tasks())
        if tasks[0].format == text_lines.NAME:
            check_columns(tasks, columns, beginning)
            yield from read_in_order(tasks, columns, _OneFile(lambda: cast("BinaryIO", _Live(head, stream))))
        else:
            content = head + stream.read()
            files = _OneFile(lambda: io.BytesIO(content))
            check_columns(tasks, columns, files)
            yield from read_in_order(tasks, columns, files)


@contextmanager
def _naming_stream() -> Iterator[None]:
    """Has an error of the system while standard input is read become a UserError that names it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise cannot_read(STANDARD_INPUT, reason, remedy="try again, or give a file") from error


def _detected(beginning: Files, settings: InputSettings) -> str:
    """The format of standard input."""
    form = form_of(settings)
    looks = looks_of(STANDARD_INPUT, beginning, text_columns=settings.text_columns, form=form)
    if stated := format_stated(form):
        return looks.mark or stated
    if looks.table:
        _logger.warning(
            "%s looks like %s; its lines are read as texts, unless --format is %s",
            STANDARD_INPUT,
            looks.table,
            looks.table,
        )
    return looks.mark or text_lines.NAME


def _check_format(format: str | None) -> None:
    known = ["auto", *format_names(labelled=False), *database_names()]
    if format is not None and format not in known:
        raise UserError(f"input.format is {format!r}; use {', '.join(known)}")


@dataclass(frozen=True)
class _OneFile(Files):
    """A filesystem that has standard input alone."""

    opened: Callable[[], BinaryIO]

    def match(self, pattern: str) -> list[FileInfo]:
        """The one file."""
        return [FileInfo(pattern, 0)]

    def stamp(self, path: str) -> bytes:
        """Empty: a stream has none."""
        del path
        return b""

    def open(self, path: str) -> BinaryIO:
        """Its bytes."""
        del path
        return self.opened()


class _Live(io.RawIOBase):
    """A stream whose first bytes are read already; the others come as soon as the stream has them.

    Of BinaryIO it has what the reading of lines needs: read and close.
    """

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Some of the next `size` bytes; none: the stream has ended."""
        head, self._head = self._head[:size], self._head[size:]
        return head or _next_bytes(self._stream, size)


def _next_bytes(stream: BinaryIO, size: int) -> bytes:
    """What a stream has by now, `size` bytes at most; it waits for the first byte. `read` would wait for all."""
    assert isinstance(stream, io.BufferedIOBase)
    return stream.read1(size)
