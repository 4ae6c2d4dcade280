"""The pipeline's command line as a user calls it: exit status, what is printed where, and which files are left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.files.owner import this_process
from tests.support import stopped_job
from tests.support.paths import REPOSITORY

ROWS = "text,label\n" + "".join(f"this is text {row},{row % 2}\n" for row in range(60))
IN_MEMORY = "--direct_running_mode=in_memory"


def _files(folder: Path) -> None:
    """What the mistakes are made with."""
    (folder / "good.csv").write_text(ROWS)
    (folder / "empty.csv").write_text("text,label\n")
    (folder / "blank.csv").write_text("text,label\n" + "".join(f",{row % 2}\n" for row in range(60)))
    (folder / "one_label.csv").write_text("text,label\n" + "".join(f"text {row},x\n" for row in range(60)))
    (folder / "eval_only.csv").write_text(ROWS.replace("\n", ",eval\n").replace(",eval", ",part", 1))
    (folder / "many").mkdir()
    for number in range(9):
        # The ninth, into which nobody looks before the job runs, has another column.
        (folder / "many" / f"{number}.csv").write_text(ROWS if number < 8 else ROWS.replace("text", "review", 1))
    (folder / "no.parquet").write_text(ROWS)
    (folder / "broken.yaml").write_text("input: [\n")
    (folder / "list.yaml").write_text("- input\n")
    (folder / "unknown.yaml").write_text("sequence:\n  max_lenght: 3\n")
    (folder / "foreign").mkdir()
    (folder / "foreign" / "thesis.txt").write_text("mine")
    (folder / "complete").mkdir()
    (folder / "complete" / "manifest.json").write_text("{}")
    (folder / "used").mkdir()
    (folder / "used" / ".lock").write_bytes(this_process("pipeline run").to_json())
    (folder / "stopped" / ".publishing-1" / "old").mkdir(parents=True)
    (folder / "stopped" / ".publishing-1" / "old" / "manifest.json").write_text("{}")


# command line (run is called with good.csv where no other input is named), what the line on stderr must hold
MISTAKES = [
    ("run --input.path nowhere.csv", "input.path: there is no such file, or the folder is empty: 'nowhere.csv'"),
    ("run --input.path 'no*.tsv'", "input.path: no file matches 'no*.tsv'"),
    ("run --input.path empty.csv", "input.path: no rows in empty.csv"),
    ("run --input.path blank.csv", "input.text_column: no text of the train split in 'text' has a word in it"),
    ("run --input.path one_label.csv", "input.label_column: the train split has only the label 'x'"),
    (
        "run --input.text_column review",
        "input.text_column: 'review' is not in good.csv; it has the columns text, label",
    ),
    ("run --input.label_column stars", "input.label_column: 'stars' is not in good.csv"),
    ("run --input.path no.parquet", "no.parquet"),
    ("run --input.path many", "input.text_column: 'text' is not in many/8.csv; it has the columns review, label"),
    ("run --input.path eval_only.csv --split.column part", "split: no row is in the train split"),
    ("run --input.path nowhere://a.csv", "input.path: nothing is installed that reaches 'nowhere://a.csv'"),
    ("run --vocabulary.min_count 1000", "vocabulary.min_count is 1000, but the most frequent word of the train split"),
    (
        "run --config unknown.yaml",
        "unknown.yaml: sequence.max_lenght is not a setting; did you mean sequence.max_length?",
    ),
    ("run --config broken.yaml", "broken.yaml is not YAML"),
    ("run --config list.yaml", "list.yaml must hold sections"),
    ("run --config nowhere.yaml", "--config: there is no file nowhere.yaml"),
    ("run --sequence.max_length 0", "--sequence.max_length is 0"),
    ("run --sequence.max_lenght 5", "did you mean sequence.max_length?"),
    ("run --sequence.max_length", "--sequence.max_length needs a value"),
    ("run --split.train 0.9", "train 0.9 + eval 0.1 + test 0.1 make 1.1; they must make 1"),
    ("run --split.train 1.5", "--split.train is 1.5"),
    ("run --vocabulary.top_words many", "--vocabulary.top_words is 'many'"),
    ("run --runner DirectRuner", "--runner: there is no runner DirectRuner; did you mean DirectRunner?"),
    ("run --temp_locatoin /tmp", "--temp_locatoin is neither a setting nor an option of Beam's"),
    ("run --direct_num_workers x", "options for Beam: argument --direct_num_workers: invalid int value: 'x'"),
    ("run --output.path good.csv", "output.path: can't write below good.csv: "),
    ("run --output.path /proc/records", "output.path: can't write below /proc/records: "),
    ("run --output.path out[1]", "output.path: out[1] has one of * ? [ in it, which TensorFlow takes for a pattern"),
    ("run --output.path complete", "complete holds a complete records folder; add --overwrite"),
    ("run --output.path used", "output.path: used is in use by `pipeline run` on "),
    ("run --output.path foreign --overwrite", "foreign holds other files (thesis.txt)"),
    ("describe stopped", "stopped holds no complete records folder: a run publishes there just now, or was stopped"),
    ("describe foreign", "foreign is not a complete records folder: it has no manifest.json"),
    ("describe complete", "complete/manifest.json: format_version is null, expected 1"),
    ("verify foreign", "foreign is not a complete records folder: it has no manifest.json"),
    ("describe foreign --json --input.path x", "--input.path: this command takes no settings"),
    ("sample --rows 0 --output a.csv", "--rows is 0; it must be 1 or more"),
    ("sample --rows 5 --output a.doc", "a.doc must end in .csv"),
]


@pytest.mark.parametrize(("command", "message"), MISTAKES, ids=[command for command, _ in MISTAKES])
def test_cli_names_a_mistake_in_one_line(
    command: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _files(tmp_path)
    arguments = [argument.strip("'") for argument in command.split()]
    if arguments[0] == "run":
        # Of a setting that is given twice the last counts.
        arguments[1:1] = ["--input.path", "good.csv", "--output.path", "out"]
    before = sorted(tmp_path.rglob("*"))
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("pipeline: error: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in err
    # Rows that a run could not use are left for a person to look at; nothing else is.
    failed = tmp_path / "out" / "failed"
    left = {path for path in tmp_path.rglob("*") if failed not in (path, *path.parents)}
    assert sorted(left - ({failed.parent} if failed.exists() else set())) == before


def _run(folder: Path, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        "--output.path",
        str(folder),
        "--sequence.max_length=9",
        *arguments,
    ]


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As on a user's machine, where TensorFlow's log level is not set."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_cli_runs_describes_verifies_and_overwrites(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.csv").write_text(ROWS)
    out = str(tmp_path / "out")
    settings = ["--input.path", str(tmp_path / "good.csv"), "--output.path", out, "--output.shards=2"]
    first = _command("run", *settings)
    # 139 would be a pipeline or transform graph that outlived its library.
    assert first.returncode == 0, first.stderr
    assert "Traceback" not in first.stderr
    assert "cuda" not in first.stderr.lower()
    assert out in first.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json", "records", "report.html", "transform", "vocabulary.tsv",
    ]  # fmt: skip
    assert main(["describe", out, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["input"]["rows"] == 60
    assert main(["describe", out]) == 0
    assert "most frequent: this" in capfd.readouterr().out
    assert main(["verify", out]) == 0
    shard = next((tmp_path / "out" / "records").glob("train-00000*"))
    shard.write_bytes(shard.read_bytes()[:-1])
    assert main(["verify", out]) == 1
    assert f"records/{shard.name}" in capfd.readouterr().err
    assert main(["run", *settings, "--overwrite", IN_MEMORY]) == 0
    assert main(["verify", out]) == 0


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)


PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
PROCESS = ["--direct_running_mode=multi_processing", "--direct_num_workers=1"]

# what is sent, the stage at which the workers are then, the exit status, how the job runs
STOPS = [
    (signal.SIGKILL, "publish", -signal.SIGKILL, PROCESS),  # all is built
    (signal.SIGTERM, "write", 143, []),
    (signal.SIGINT, "count", 130, ["--direct_num_workers=1"]),  # the runner makes a RuntimeError of it
    (signal.SIGINT, "transform", 130, PROCESSES),
]


@pytest.mark.parametrize(("sent", "stage", "status", "options"), STOPS, ids=["kill", "threads", "thread", "processes"])
def test_cli_leaves_nothing_to_read_when_stopped(
    tmp_path: Path,
    sent: signal.Signals,
    stage: str,
    status: int,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    source = tmp_path / "rows.csv"
    source.write_text(ROWS)
    run = _run(out, "--input.path", str(source))
    arguments = [*stopped_job.COMMAND, stage, str(tmp_path), *run[run.index("run") :], *options]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    with subprocess.Popen(
        arguments, stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "1"},
    ) as process:  # fmt: skip
        _wait_for((tmp_path / "reached").exists, process)
        assert any(out.glob(".staging-*/work/blocks/*")) == (stage != "count")
        if sent == signal.SIGINT:
            # A terminal sends it to the whole group.
            os.killpg(process.pid, sent)
        else:
            process.send_signal(sent)
        # Whoever holds the other end of stderr has ended as well when this returns.
        _, stderr = process.communicate(timeout=stopped_job.DEADLINE - 60)
    assert process.returncode == status, stderr
    assert "cuda" not in stderr.lower()  # also where a user has set TensorFlow's log level
    assert "Traceback" not in stderr
    assert not (out / "manifest.json").exists()
    if sent == signal.SIGKILL:  # what was left is in nobody's way, and goes
        assert [path.name.partition("-")[0] for path in temporary.iterdir()] == ["textrecords"]
        assert main(run[run.index("run") :]) == 0
        assert (out / "manifest.json").exists()
        assert not list(out.glob(".staging-*"))
    else:
        assert not out.exists()
        assert stderr.endswith("pipeline: interrupted\n")
    assert not list(temporary.iterdir())


def test_cli_dry_run_prints_the_settings_and_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.yaml").write_text("input: {path: good.csv}\nsequence: {max_length: 7}\n")
    (tmp_path / "good.csv").write_text(ROWS)
    assert main(["run", "--dry-run", "--vocabulary.top_words=11"]) == 0
    out = capsys.readouterr().out
    assert "max_length: 7\n" in out
    assert "top_words: 11\n" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.csv", "pipeline.yaml"]
