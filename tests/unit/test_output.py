"""pipeline.support.output and exit_status: what the data holds can't steer a terminal; a stream that takes nothing."""

import errno
import io
import json
import logging
import re
import sys
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest
from rich.text import Text

from pipeline.cli import main
from pipeline.errors import UserError
from pipeline.support.exit_status import run_command
from pipeline.support.output import LineFormatter, one_line, safe_output, say, say_block, warn
from pipeline.support.printable import escape_controls, json_text
from pipeline.support.terminal import error_console, output_console

# Clears a screen, in two ways; turns the direction of writing round; breaks a line.
EVIL = "x\x1b[2J\x9b2J\u202e\u2028y"
SHOWN = r"x\u001b[2J\u009b2J\u202e\u2028y"

# character -> what is shown; empty: the character
CHARACTERS = [
    ("a", ""),
    ("\n", ""),
    ("\t", ""),
    ("\r", r"\u000d"),  # goes back to the start of the line
    ("\x07", r"\u0007"),
    ("\x7f", r"\u007f"),
    ("\x85", r"\u0085"),
    ("\x9b", r"\u009b"),  # begins an escape sequence, as \x1b[ does
    ("\xa0", ""),
    ("\xad", r"\u00ad"),  # soft hyphen: invisible
    ("\u200b", r"\u200b"),
    ("\u200d", ""),  # joins the parts of an emoji
    ("\u200e", r"\u200e"),
    ("\u2029", r"\u2029"),
    ("\u2066", r"\u2066"),
    ("\u3042", ""),
    ("\ud800", r"\ud800"),  # half a character: from a file name that is not UTF-8
    ("\ue000", r"\ue000"),  # private use
    ("\ufeff", r"\ufeff"),
    ("\U0001f600", ""),
    ("\U000e0041", r"\udb40\udc41"),  # a tag: invisible
]


@pytest.mark.parametrize(("character", "shown"), CHARACTERS)
def test_output_escapes_what_could_steer(character: str, shown: str) -> None:
    assert escape_controls(f"a{character}b") == f"a{shown or character}b"


def test_output_escapes_all_of_unicode_by_category() -> None:
    by_category: dict[str, list[str]] = {}
    for character in map(chr, [*range(0x20000), *range(0xE0000, 0xE0200)]):
        by_category.setdefault(unicodedata.category(character), []).append(character)
    shown = {
        category: re.sub(r"\\u[0-9a-f]{4}", "", escape_controls("".join(by_category[category])))
        for category in by_category
    }
    hidden = {category: text for category, text in shown.items() if category[0] == "C" or category in {"Zl", "Zp"}}
    assert {category: text for category, text in hidden.items() if text} == {"Cc": "\t\n", "Cf": "\u200c\u200d"}
    assert all(text == "".join(by_category[category]) for category, text in shown.items() if category not in hidden)


def test_output_json_is_readable_and_keeps_its_values() -> None:
    values = {"Straße\x7f": [EVIL, "\U000e0041", "\ud800", "\r\n"], "a": 1.5}
    text = json_text(values)
    assert json.loads(text) == values
    assert "Straße" in text
    assert escape_controls(text) == text


def _raise(error: Exception) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


def _log() -> int:
    logger = logging.getLogger("pipeline.test_output")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(message)s"))
    logger.addHandler(handler)
    logger.warning("file %s\nfaked", EVIL)
    logger.removeHandler(handler)
    return 0


def _warn() -> int:
    sys.stderr.write(warnings.formatwarning(EVIL, UserWarning, "file.py", 1))
    return 0


def _done(*steps: Callable[[], object]) -> Callable[[], int]:
    return lambda: 0 * len([step() for step in steps])


def _called(*arguments: str) -> Callable[[], int]:
    return lambda: main(arguments)


# a folder with files of evil names and contents -> what prints a message about them
def _messages(folder: Path) -> dict[str, Callable[[], int]]:
    evil = folder / EVIL
    evil.mkdir()
    (evil / "manifest.json").write_text(json.dumps({"format_version": 1, EVIL: 1}))
    csv = folder / f"{EVIL}.csv"
    csv.write_text(f"{EVIL},label\na,pos\n")
    twice = folder / "twice"
    twice.mkdir()
    (twice / "manifest.json").write_text(json.dumps({EVIL: 1})[:-1] + f", {json.dumps(EVIL)}: 2}}")
    contents = {
        "section": json.dumps({EVIL: {"path": "a"}}),
        "key": json.dumps({"input": {EVIL: "a"}}),
        "value": json.dumps({"text": {"split": EVIL}}),
        "values": json.dumps({"input": EVIL}),
        "key twice": f"{{{json.dumps(EVIL)}: 1, {json.dumps(EVIL)}: 2}}",
        "not YAML": "[\u202e",
    }
    for name, content in contents.items():
        (folder / f"{name}.yaml").write_text(content)
    configs = {name: _called("run", "--dry-run", "--config", f"{folder}/{name}.yaml") for name in contents}
    return {
        **configs,
        "config": _called("run", "--dry-run", "--config", f"{folder}/{EVIL}.yaml"),
        "command": _called(EVIL),
        "option": _called("describe", str(folder), f"--{EVIL}"),
        "setting": _called("run", f"--input.{EVIL}", "a"),
        "argument": _called("sample", "--rows", EVIL, "--output", "a.csv"),
        "output": _called("sample", "--rows", "1", "--output", f"{evil}/a.csv"),
        "no such input": _called("run", "--dry-run", "--input.path", f"{folder}/{EVIL}.tsv"),
        "no records folder": _called("describe", f"{folder}/{EVIL}/none"),
        "manifest's key": _called("describe", str(evil)),
        "manifest's key twice": _called("describe", str(twice)),
        "verify": _called("verify", str(evil)),
        "a server's answer": _raise(UserError(f"--url: the server answered {EVIL}")),
        "log line": _log,
        "warning": _warn,
        "said": _done(lambda: say(EVIL), lambda: warn(EVIL)),
        "table": _done(lambda: output_console().print(Text(EVIL)), lambda: error_console().print(f"[red]{EVIL}")),
    }  # fmt: skip


MESSAGES = [
    "section", "key", "value", "values", "key twice", "not YAML", "config", "command", "option", "setting", "argument",
    "output", "no such input", "no records folder", "manifest's key", "manifest's key twice", "verify",
    "a server's answer", "log line", "warning", "said", "table",
]  # fmt: skip


@pytest.mark.parametrize("about", MESSAGES)
def test_output_messages_about_data_steer_nothing(
    about: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run_command("pipeline", _messages(tmp_path)[about])
    said = capsys.readouterr()
    output = said.out + said.err
    assert output.strip()
    assert escape_controls(output) == output
    assert status == (0 if about in {"output", "log line", "warning", "said", "table"} else 2)
    if status == 2:
        assert said.err.count("\n") == 1


# text -> the same in one line
LINES = [
    ("a  b", "a  b"),
    (" a \n\n\t b ", " a b "),  # the white space of its ends stays
    ("a\r\n \nb\nc", "a b c"),
    ("\na\n", " a "),
    ("a" + " " * 1_000_000 + "b", "a" + " " * 1_000_000 + "b"),  # a regular expression needed hours
    ("", ""),
]


@pytest.mark.parametrize(("text", "line"), LINES, ids=range(len(LINES)))
def test_output_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_output_a_line_break_of_the_data_is_a_space(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command("pipeline", _raise(UserError("a\n  b: 'c  d'"))) == 2
    with safe_output():
        say("x\ny", "")
        say_block("1\n2\n")
    assert capsys.readouterr() == ("x y\n\n1\n2\n", "pipeline: error: a b: 'c  d'\n")


def test_output_console_keeps_its_own_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    with safe_output():
        output_console().print(Text(f"[b]{EVIL}", style="bold"))
    assert terminal.getvalue() == "\x1b[1m[b]x\ufffd[2J\ufffd2J\ufffd y\x1b[0m\n"


class Full(io.StringIO):
    """A stream that takes nothing: its disk is full, its reader has ended, or it is closed."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str, /) -> int:
        raise self.error


WRITERS = [_done(lambda: say("a")), _done(lambda: output_console().print("a")), _called("--help")]

# error of standard output -> exit status, what standard error says
FULL = [
    (BrokenPipeError(errno.EPIPE, ""), 1, ""),  # `| head` has what it wants
    (OSError(errno.ENOSPC, ""), 2, "No space left on device"),
    (OSError(errno.EIO, ""), 2, "Input/output error"),
    (ValueError("I/O operation on closed file"), 2, "closed file"),
]


@pytest.mark.parametrize(("error", "status", "message"), FULL)
@pytest.mark.parametrize(
    "write", [_done(lambda: say("a")), _done(lambda: output_console().print("a")), _called("--help")]
)
def test_output_that_cannot_be_written_is_one_line(
    write: Callable[[], int],
    error: Exception,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", Full(error))
    assert run_command("pipeline", write) == status
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == bool(message)


def test_output_an_error_stream_that_takes_nothing_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream: TextIO = Full(OSError(errno.ENOSPC, ""))
    monkeypatch.setattr(sys, "stderr", stream)
    assert run_command("pipeline", _raise(UserError("a"))) == 2
    assert run_command("pipeline", _done(lambda: warn("a"))) == 0


def test_output_takes_what_an_encoding_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(kept, encoding="ascii"))
    assert run_command("pipeline", _done(lambda: say("é\udcff"))) == 0
    assert kept.getvalue() == rb"\xe9\udcff" + b"\n"
