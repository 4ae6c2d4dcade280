"""pipeline.support.printable: text of the data is shown, and cannot steer what shows it."""

import pytest

from pipeline.support.printable import quote_start, to_one_line, to_printable

# text -> to_printable, to_one_line
TEXTS = [
    ("plain", "plain", "plain"),
    ("", "", ""),
    ("\x1b]0;title\x07", "\ufffd]0;title\ufffd", "\ufffd]0;title\ufffd"),
    ("a\n\tb ", "a  b ", "a b"),
    ("a\u202eb", "a\ufffdb", "a\ufffdb"),  # would turn the direction of writing round
    ("a\u2028\u00a0b", "a  b", "a b"),
    ("e\u0301\u3042\U0001f600", "e\u0301\u3042\U0001f600", "e\u0301\u3042\U0001f600"),
]


@pytest.mark.parametrize(("text", "printable", "line"), TEXTS)
def test_printable_text_cannot_steer_a_terminal(text: str, printable: str, line: str) -> None:
    assert to_printable(text) == printable
    assert to_one_line(text) == line


# text, width -> line
WIDTHS = [
    ("a long text", 11, "a long text"),
    ("a long text", 10, "a long te…"),
    ("a\n\n\nb", 3, "a b"),  # cut after white space is one space
    ("x" * 3001, None, "x" * 3000),
]


@pytest.mark.parametrize(("text", "width", "line"), WIDTHS)
def test_printable_line_is_cut_to_a_width(text: str, width: int | None, line: str) -> None:
    assert to_one_line(text, width=width) == line


def test_printable_quotes_the_start_of_bytes() -> None:
    assert quote_start(b"caf\xc3\xa9\n") == r"'café\n'"
    assert quote_start(b"\xff") == "'\ufffd'"
    assert quote_start(b"x" * 41) == f"'{'x' * 40}' ..."
