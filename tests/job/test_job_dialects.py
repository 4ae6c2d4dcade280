"""The whole job on csv and tsv in other dialects: the same records as of plain csv, and what the manifest says."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from tests.support.jobs import manifest_of, record_bytes, run_job

ROWS = [(f"call a film w{number % 9} number {number}", ("neg", "pos")[number % 2]) for number in range(80)]


def plain(rows: list[tuple[str, str]]) -> bytes:
    return "".join(f"{text},{label}\n" for text, label in [("text", "label"), *rows]).encode()


def written(folder: Path, content: bytes) -> Path:
    path = folder / "a.csv"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def of_plain_csv(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("plain")
    return record_bytes(run_job(written(folder, plain(ROWS)), folder / "out"))


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (plain(ROWS).replace(b",", b";"), {}),
        (b"sep=|\r\n" + plain(ROWS).replace(b",", b"|"), {}),
        (plain(ROWS).decode().encode("utf-16-le"), {"input.encoding": "utf-16-le"}),
        (plain(ROWS).partition(b"\n")[2], {"input.columns": "[text, label]"}),
    ],
)
def test_job_dialects_make_the_same_records(
    content: bytes, settings: dict[str, str], of_plain_csv: dict[str, bytes], tmp_path: Path
) -> None:
    assert record_bytes(run_job(written(tmp_path, content), tmp_path / "out", settings)) == of_plain_csv


@pytest.mark.parametrize("spills", [True, False])
def test_job_dialects_rows_of_several_lines_and_headers_inside_are_counted(spills: bool, tmp_path: Path) -> None:
    lines = b'"a, b",neg\n"first\nsecond",pos\n'
    content = plain(ROWS) + lines + plain(ROWS[:3])
    found = manifest_of(run_job(written(tmp_path, content), tmp_path / "out", spills=spills))["input"]
    assert (found["rows"], found["spanning_rows"], found["repeated_headers"]) == (85, 1, 1)


def test_job_dialects_that_are_unsure_end_the_run(tmp_path: Path) -> None:
    content = plain(ROWS) + b'"a film,neg\nok",pos\n'
    with pytest.raises(UserError, match=r"^input\.quoting: .*a\.csv, row 81, begins with .* set input\.quoting"):
        run_job(written(tmp_path, content), tmp_path / "out")


def test_job_dialects_bytes_that_are_not_utf8_name_the_setting(tmp_path: Path) -> None:
    content = plain([(f"{text} é", label) for text, label in ROWS]).decode().encode("latin-1")
    with pytest.raises(UserError, match=r"invalid UTF-8 \(80\).*set input\.encoding, for example to latin-1"):
        run_job(written(tmp_path, content), tmp_path / "out")
