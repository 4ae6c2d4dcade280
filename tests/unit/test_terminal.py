"""Tables of the terminal: which side a column is on, what a narrow terminal does to them, what goes to a file."""

import io

import pytest
from rich.console import Console, RenderableType
from rich.text import Text

from pipeline.support.terminal import bars, output_console, percent, share, stack, table


def lines(content: RenderableType, *, width: int = 40) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None, record=True)
    console.print(content)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_terminal_table_has_text_on_the_left_and_numbers_on_the_right() -> None:
    made = table("label", "rows", title="rows by label")
    made.add_row("pos", "1,200")
    made.add_row("negative", "7")
    assert lines(made) == ["rows by label", "label      rows", "pos       1,200", "negative      7"]


def test_terminal_table_takes_the_kind_of_each_column() -> None:
    made = table("id", "token", "vector", kinds="ntt")
    made.add_row("12", "a", "0.5")
    made.add_row("3", "word", "-1")
    assert lines(made) == ["id  token  vector", "12  a      0.5", " 3  word   -1"]
    with pytest.raises(ValueError, match="zip"):
        table("id", "token", kinds="n")


def test_terminal_table_loses_nothing_where_it_is_too_wide() -> None:
    made = table("label", "rows")
    made.add_row("x" * 30, "7")
    folded = lines(made, width=20)
    assert max(map(len, folded)) <= 20
    assert "".join(folded).count("x") == 30


def test_terminal_stack_has_an_empty_line_between_parts() -> None:
    assert lines(stack([Text("a"), Text("b")])) == ["a", "", "b"]
    assert lines(stack([])) == []


def test_terminal_output_that_is_no_terminal_has_100_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output_console().print(Text("word " * 60, style="bold"))
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) == 100
    assert "\x1b" not in printed


# part, whole -> share; the share alone -> percent
SHARES = [(1, 8, "12.5%", "12.5%"), (0, 8, "0.0%", "0.0%"), (1, 2000, "0.1%", "<0.1%"), (1, 1000, "0.1%", "0.1%")]


@pytest.mark.parametrize(("part", "whole", "as_share", "as_percent"), SHARES)
def test_terminal_shares(part: int, whole: int, as_share: str, as_percent: str) -> None:
    assert share(part, whole) == as_share
    assert percent(part / whole) == as_percent


def test_terminal_bars_show_all_that_is_more_than_nothing() -> None:
    drawn = bars([0, 1e-9, 1, 2])
    assert drawn[0] == " "
    assert drawn[1] == "▁"
    assert drawn[3] == "█"
    assert bars([0, 0]) == "  "
