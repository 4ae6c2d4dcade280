"""`python -m trainer predict, evaluate, explain, verify` as a user calls them: files of texts, stdin, mistakes."""

import gzip
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UserError
from tests.support.exported_models import exported_model
from tests.support.paths import REPOSITORY
from trainer.cli import main
from trainer.commands.text_files import Row, read_texts


@pytest.fixture(scope="session")
def model(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(exported_model(small_records, tmp_path_factory.getbasetemp() / "exported"))


# name           bytes                                                      rows, or why a row has no text
TEXT_FILES = [
    ("a.txt",      b"good\r\n\nbad \xff\nno end",                             [b"good", b"", b"bad \xff", b"no end"]),
    ("a",          b"",                                                       []),
    ("a.txt.gz",   gzip.compress(b"good\nbad\n", mtime=0),                             [b"good", b"bad"]),
    ("a.txt.zst",  pa.compress(b"good\nbad\n", "zstd", asbytes=True),         [b"good", b"bad"]),
    ("a.csv",      b'id,text\n1,good\n2,"two\nlines, ""said"""\n3,\n',        [b"good", b'two\nlines, "said"', b""]),
    ("b.csv",      b"\xef\xbb\xbftext\ngood\n\xff\n",                         [b"good", b"\xff"]),  # any bytes
    ("c.csv",      b"id,text\n1\n2,bad\n",                                    ["1 columns, the header has 2", b"bad"]),
    ("d.csv",      b"text\n" + b"x" * 200_000 + b"\n",                        [b"x" * 200_000]),
    ("a.tsv.gz",   gzip.compress(b"text\tid\na,b\t1\n", mtime=0),                      [b"a,b"]),
    ("a.jsonl",    b'{"text": "good"}\n\n{"text": null}\n{}\n',               [b"good", "no text", "no text"]),
    ("b.jsonl",    b'{"text": 7}\n[1]\n{"te\n',                               ["text is no string", "not a JSON object",
                                                                               "broken JSON"]),
    ("c.jsonl",    b'{"text": "\\ud800"}\n',                                  [b"\xed\xa0\x80"]),  # half a character
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "rows"), TEXT_FILES, ids=[name for name, _, _ in TEXT_FILES])
def test_texts_of_a_file(tmp_path: Path, name: str, content: bytes, rows: list[bytes | str]) -> None:
    (tmp_path / name).write_bytes(content)
    expected = [Row(row) if isinstance(row, bytes) else Row(None, row) for row in rows]
    assert list(read_texts(str(tmp_path / name), column="text")) == expected


def test_texts_of_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2], "review": ["good", None]}), path)
    assert list(read_texts(str(path), column="review")) == [Row(b"good"), Row(None, "no review")]
    pq.write_table(pa.table({"review": [b"\xff"]}), path)
    assert list(read_texts(str(path), column="review")) == [Row(b"\xff")]


# name             bytes              what is said
@pytest.mark.parametrize(("name", "content", "told"), [
    ("a.csv",      b"id,label\n1,2\n",  "'text' is not in .*a.csv; it has the columns id, label"),
    ("b.csv",      b"",               "'text' is not in"),
    ("a.parquet",  b"PAR1",           "a.parquet can't be read"),
    ("a.txt.gz",   b"no gzip",        "a.txt.gz can't be read"),
    ("b.txt.gz",   gzip.compress(b"cut off" * 100, mtime=0)[:-20], "b.txt.gz can't be read"),
    ("none.csv",   None,              "none.csv can't be read"),
])  # fmt: skip
def test_texts_tell_what_is_wrong(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=told):
        list(read_texts(str(tmp_path / name), column="text"))


def test_cli_predict_writes_a_line_a_row(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"review": "word1"}\n{"review": null}\n{"review": "word2"}\n')
    options = ["--input", str(source), "--text_column", "review", "--output", str(target)]
    assert main(["predict", "--model", model, *options]) == 0
    assert capsys.readouterr().out == f"3 rows are in {target}, 1 of them without a text (see 'error' there)\n"
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["text"] for row in rows] == ["word1", None, "word2"]
    assert rows[1] == {"text": None, "error": "no review"}
    before = target.read_bytes()
    assert main(["predict", "--model", model, "--input", str(tmp_path / "none"), "--output", str(target)]) == 2
    assert target.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [source, target]


def test_cli_predict_shows_a_line_a_text(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--model", model, "word1", "[bold]\x1b[31m", "--", "--training.epochs", "-x"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1] for line in lines] == ["word1", "[bold]\ufffd[31m", "--training.epochs", "-x"]
    assert all(line.startswith(("negative  0.", "positive  0.")) for line in lines)
    assert max(map(len, lines)) <= 100


def test_cli_predict_reads_standard_input(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"word1\n\xff\n")))
    assert main(["predict", "--model", model, "--json"]) == 0
    assert [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()] == ["word1", "\ufffd"]


def test_cli_predict_keeps_standard_output_clean(model: str) -> None:
    """A process of its own, without the quiet settings of these tests, and a text that is no UTF-8."""
    command = [sys.executable, "-m", "trainer", "predict", "--model", model, "--json", b"caf\xe9"]
    environment = {"PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, check=False, env=environment, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.decode().splitlines()
    assert json.loads(line)["text"] == "caf\ufffd"
    assert done.stderr == b""


def test_cli_evaluate_takes_the_pipelines_settings(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "reviews.data"
    path.write_text("review;stars\n".replace(";", "\t") + "word1\tpositive\nword2\t \nword3\tnegative\n")
    options = ["--format", "tsv", "--input.text_column", "review", "--label_column=stars"]
    assert main(["evaluate", "--model", model, "--input", str(path), *options]) == 0
    told = capsys.readouterr().out
    assert "2 examples" in told
    assert "missing label" in told
    assert main(["evaluate", "--model", model, "--input", str(path), *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rejected"] == {"rows": 1, "by_reason": {"missing label": 1}}
    assert sum(map(sum, found["confusion"])) == 2


class Wrong(BaseHTTPRequestHandler):
    """A server that is none of TensorFlow Serving; the path says how it fails."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, content = {
            "/missing:predict": (404, b'{"error": "Servable not found"}'),
            "/html:predict": (200, b"<html>"),
            "/other:predict": (200, b'{"predictions": []}'),
            "/short:predict": (200, b'{"outputs": [[1, 2]]}'),
        }[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def wrong_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Wrong) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


# the server's path   status  what is said
@pytest.mark.parametrize(("path", "status", "told"), [
    ("/missing",      2,      'answers 404 Not Found to token_ids: {"error": "Servable not found"}'),
    ("/html",         2,      "does not answer as this model in TensorFlow Serving would"),
    ("/other",        2,      "does not answer as this model in TensorFlow Serving would"),
    ("/short",        1,      "ids have the shape (5, 2), should have (70, 12)"),  # a list, but of another model
])  # fmt: skip
def test_cli_verify_tells_a_wrong_server(
    model: str, wrong_server: str, path: str, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--model", model, "--url", wrong_server + path]) == status
    assert told in capsys.readouterr().err


# command, and arguments; FOLDER is put in                     what is said
MISTAKES = [
    ("predict a --input b",                                    "--input: texts are given as well"),
    ("predict a --jsn",                                        "--jsn"),
    ("predict --input FOLDER/none.csv",                        "--input: FOLDER/none.csv can't be read"),
    ("predict a --output FOLDER/no/o",                         "--output: FOLDER/no/o can't be written"),
    ("predict a --model FOLDER",                               "--model: FOLDER holds no exported model"),
    ("evaluate --input FOLDER/*.csv",                          "no file matches"),
    ("evaluate --input gs://b/in.csv",                         "this machine; copy gs://b/in.csv here first"),
    ("evaluate --input FOLDER/labels",                         "the model's labels are negative, positive"),
    ("evaluate --input FOLDER/labels --label_column lable",    "it has the columns text, label"),
    ("evaluate --training.epochs 3",                         "--training.epochs: evaluate takes the settings"),
    ("evaluate --format xls",                                  "input.format"),
    ("evaluate --config FOLDER/c.yaml",                        "--config: there is no file FOLDER/c.yaml"),
    ("explain",                                                "required: TEXT"),
    ("verify --url http://127.0.0.1:1",                        "can't be reached"),
    ("verify --tolerance much",                                "--tolerance"),
    ("veryfy",                                                 "veryfy"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "told"), MISTAKES, ids=[told for _, told in MISTAKES])
def test_cli_trainer_tells_each_mistake_in_one_line(
    arguments: str, told: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels").write_text("text,label\nword1,good\nword2,bad\n")
    command, *others = arguments.replace("FOLDER", str(tmp_path)).split()
    assert main([command, "--model", model, *others]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("trainer: error: ")
    assert told.replace("FOLDER", str(tmp_path)) in line
    assert captured.out == ""


def test_cli_trainer_names_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["predict", "a"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "required: COMMAND" in first
    assert "required: --model" in second


# setting, what the line on stderr must hold; the other two paths are good ones
UNREACHABLE = [
    ("output.path", "s3://b/records", "copy the records there first: aws s3 sync s3://b/records out/records)"),
    (
        "output.path",
        "hdfs://n/records",
        "TensorFlow can't reach hdfs://n/records; give a folder of this machine or on gs",
    ),
    ("training.path", "s3://b/training", "--training.path: TensorFlow can't reach s3://b/training"),
    ("export.path", "azfs://b/model", "--export.path: TensorFlow can't reach azfs://b/model"),
]


@pytest.mark.parametrize(("setting", "path", "told"), UNREACHABLE)
def test_cli_train_tells_what_tensorflow_cannot_reach(
    setting: str, path: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {f"{section}.path": str(tmp_path / section) for section in ("output", "training", "export")}
    arguments = [f"--{name}={value}" for name, value in {**paths, setting: path}.items()]
    assert main(["train", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told.removeprefix("--") in line
