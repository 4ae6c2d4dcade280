"""`python -m trainer predict, evaluate, explain, verify` as a user calls them: files of texts, stdin, mistakes."""

import functools
import gzip
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import tensorflow as tf

from tests.support.paths import REPOSITORY
from tests.support.tf_examples import framed, serialized
from trainer.cli import main

loaded_once = functools.cache(tf.saved_model.load)


@pytest.fixture
def model(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(tf.saved_model, "load", loaded_once)  # 0.4 s for each command otherwise
    return str(small_model)


def test_cli_predict_writes_a_line_a_row(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"review": "word1"}\n{"review": null}\n{"review": "word2"}\n')
    options = ["--input", str(source), "--text_column", "review", "--output", str(target)]
    assert main(["predict", "--model", model, *options]) == 0
    assert capsys.readouterr().out == f"3 rows are in {target}, 1 of them without a text (see 'error' there)\n"
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["text"] for row in rows] == ["word1", None, "word2"]
    assert rows[1] == {"text": None, "error": "missing text"}
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
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfword1\n\xff\n")))
    assert main(["predict", "--model", model, "--json"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["text"] == "word1"
    assert second == {"text": None, "error": "invalid UTF-8"}


# The texts of test_sources_texts.py are read in the unit tests; here is what becomes of them on their way out.
def test_cli_predict_gives_the_same_answers_from_any_format(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["word1 word2", "word3", "", "word2, word4"]
    lines = "\n".join(texts)
    contents = {
        "a.txt": lines.encode(),
        "bom.txt": b"\xef\xbb\xbf" + lines.encode(),
        "utf16.txt": ("\ufeff" + lines).encode("utf-16-le"),
        "nested.jsonl": "".join(f'{{"review": {{"text": "{text}"}}}}\n' for text in texts).encode(),
        "a.tfrecord": framed(*[serialized({"review.text": text.encode()}) for text in texts]),
        "a.csv.gz": gzip.compress('review.text\n{}\n{}\n""\n"{}"\n'.format(*texts[:2], texts[3]).encode()),
    }
    answers = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        options = ["--input", str(tmp_path / name), "--text_column", "review.text", "--json"]
        assert main(["predict", "--model", model, *options]) == 0
        answers.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert [answer["text"] for answer in answers[0]] == texts
    assert answers == [answers[0]] * len(contents)


def test_cli_predict_without_any_text_does_not_end_well(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": null}\nx\n{"text": null}\n')
    target = tmp_path / "out.jsonl"
    assert main(["predict", "--model", model, "--input", str(tmp_path / "a.jsonl"), "--output", str(target)]) == 2
    assert capsys.readouterr().err == (
        f"trainer: error: --input: no row of {tmp_path}/a.jsonl has a text: missing text (2), broken JSON (1); "
        "correct the file, or --text_column\n"
    )
    assert not target.exists()


def test_cli_predict_keeps_standard_output_clean(model: str) -> None:
    """A process of its own, without the quiet settings of these tests, and a text that is not UTF-8."""
    command = [sys.executable, "-m", "trainer", "predict", "--model", model, "--json", os.fsdecode(b"caf\xe9")]
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
    shown = capsys.readouterr().out
    assert "2 examples" in shown
    assert "missing label" in shown
    assert main(["evaluate", "--model", model, "--input", str(path), *options, "--json"]) == 0
    evaluation = json.loads(capsys.readouterr().out)
    assert evaluation["rejected"] == {"rows": 1, "by_reason": {"missing label": 1}}
    assert sum(map(sum, evaluation["confusion"])) == 2


def test_cli_joins_several_text_columns(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"title": "word1", "body": "word2", "label": "positive"}, {"title": None, "body": "", "label": "negative"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path, joined = tmp_path / "rows.jsonl", tmp_path / "joined.jsonl"
    path.write_text(lines)
    joined.write_text(
        json.dumps({"text": "word1 word2", "label": "positive"}) + '\n{"text": "", "label": "negative"}\n'
    )
    options = ["--model", model, "--text_column", "[title, body]", "--json"]
    assert main(["evaluate", "--input", str(path), *options]) == 0
    assert main(["predict", "--input", str(path), *options]) == 0
    several = capsys.readouterr().out
    for command in ("evaluate", "predict"):
        assert main([command, "--input", str(joined), "--model", model, "--json"]) == 0
    assert several == capsys.readouterr().out
    assert main(["predict", "--input", str(path), "--model", model, "--text_column", "[title, text]"]) == 2
    assert "--text_column: 'text' is not in " in capsys.readouterr().err
    assert main(["evaluate", "--input", str(path), "--model", model, "--text_column", "[]"]) == 2
    assert "--text_column is a list of 0 items; list should have at least 1 item" in capsys.readouterr().err


def test_cli_evaluate_uses_a_damaged_file_only_where_its_loss_is_allowed(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv.gz"
    rows, others = b"text,label\nword1,positive\nword3,negative\n", b"word2,positive\n"
    path.write_bytes(gzip.compress(rows, mtime=0) + gzip.compress(others, mtime=0)[:-1])
    evaluate = ["evaluate", "--model", model, "--input", str(path)]
    assert main(evaluate) == 2
    assert f"{path}: damaged file (the file ends before its gzip stream does)" in capsys.readouterr().err
    assert main([*evaluate, "--input.damaged=use_what_is_whole", "--json"]) == 0
    evaluation = json.loads(capsys.readouterr().out)
    assert sum(map(sum, evaluation["confusion"])) == 2
    assert evaluation["damaged"] == {str(path): "damaged file (the file ends before its gzip stream does)"}
    assert main([*evaluate, "--input.damaged=use_what_is_whole"]) == 0
    assert f"{path} is damaged: " in capsys.readouterr().out


def test_cli_predict_ends_at_a_damaged_file(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, target = tmp_path / "a.txt.gz", tmp_path / "out.jsonl"
    path.write_bytes(gzip.compress(b"word1\n" * 1025, mtime=0) + gzip.compress(b"word2\n", mtime=0)[:-1])
    predict = ["predict", "--model", model, "--input", str(path), "--json"]
    assert main(predict) == 2
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1024  # the rows that are scored together
    assert f"--input: {path}: damaged file (the file ends before its gzip stream does), so it is" in shown.err
    assert "input.damaged" not in shown.err  # predict has no such option
    assert main([*predict, "--output", str(target)]) == 2
    assert sorted(tmp_path.iterdir()) == [path]


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


def test_cli_evaluate_says_what_it_leaves_out(
    model: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("text,label\nword1,positive\n")
    (tmp_path / "notes.md").write_text("x\n")
    caplog.set_level("INFO")
    assert main(["evaluate", "--model", model, "--input", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rejected"]["rows"] == 0
    assert [line for line in caplog.messages if "left out" in line] == [
        f"1 file is left out ({tmp_path}/notes.md): in a folder, files are taken whose names end as those of a known "
        "format, or of input.format, do"
    ]


@pytest.fixture
def wrong_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Wrong) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


# the server's path   status  what is said
@pytest.mark.parametrize(("path", "status", "message"), [
    ("/missing",      2,      'answers 404 Not Found ({"error": "Servable not found"}) to token_ids'),
    ("/html",         2,      "does not answer as this model in TensorFlow Serving would"),
    ("/other",        2,      "does not answer as this model in TensorFlow Serving would"),
    ("/short",        1,      "ids have the shape (5, 2), should have (70, 12)"),  # a list, but of another model
])  # fmt: skip
def test_cli_verify_tells_a_wrong_server(
    model: str, wrong_server: str, path: str, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--model", model, "--url", wrong_server + path]) == status
    assert message in capsys.readouterr().err


# command, and arguments; FOLDER is put in                     what is said
MISTAKES = [
    ("predict a --input b",                                    "--input: texts are given as well"),
    ("predict a --jsn",                                        "--jsn"),
    ("predict --input FOLDER/none.csv",                        "--input: there is no such file"),
    ("predict --input FOLDER/labels --format xls",             "--format is 'xls'"),
    ("predict --input FOLDER/labels",                          "looks like csv; set csv, or lines"),
    ("predict a --output FOLDER/no/o",                         "--output: FOLDER/no/o can't be written"),
    ("predict a --model FOLDER",                               "--model: FOLDER holds no exported model"),
    ("evaluate --input FOLDER/none.csv",                       "trainer: error: --input: there is no such file"),
    ("evaluate --input.path FOLDER/none.csv",                  "trainer: error: input.path: there is no such file"),
    ("evaluate --input FOLDER/*.csv",                          "no file matches"),
    ("evaluate --input gs://b/in.csv",                         "this machine; copy gs://b/in.csv here first"),
    ("evaluate --input FOLDER/labels",                         "the model's labels are negative, positive"),
    ("evaluate --input FOLDER/latin",                          "(1); if the files are in another encoding, set"),
    ("evaluate --input FOLDER/labels --label_column lable",    "it has the columns text, label"),
    ("evaluate --training.epochs 3",                         "--training.epochs: only settings of input"),
    ("evaluate --format xls",                                  "trainer: error: --format"),
    ("evaluate --input.format xls",                            "trainer: error: --input.format"),
    ("evaluate --config FOLDER/c.yaml",                        "--config: there is no file FOLDER/c.yaml"),
    ("explain",                                                "required: TEXT"),
    ("verify --url http://127.0.0.1:1",                        "can't be reached"),
    ("verify --tolerance much",                                "--tolerance"),
    ("veryfy",                                                 "veryfy"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_cli_trainer_tells_each_mistake_in_one_line(
    arguments: str, message: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels").write_text("text,label\nword1,good\nword2,bad\n")
    (tmp_path / "latin").write_text("text,label\ncaf\xe9,positive\n", encoding="latin-1")
    command, *others = arguments.replace("FOLDER", str(tmp_path)).split()
    assert main([command, "--model", model, *others]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("trainer: error: ")
    assert message.replace("FOLDER", str(tmp_path)) in line
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


@pytest.mark.parametrize(("setting", "path", "message"), UNREACHABLE)
def test_cli_train_tells_what_tensorflow_cannot_reach(
    setting: str, path: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {f"{section}.path": str(tmp_path / section) for section in ("output", "training", "export")}
    arguments = [f"--{name}={value}" for name, value in {**paths, setting: path}.items()]
    assert main(["train", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message.removeprefix("--") in line
