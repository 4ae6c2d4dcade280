"""The quality benchmarks: splits by blocks of neighbours, and runs that are made once."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.harness.processes import Measurement, ProcessError
from benchmarks.harness.report import Machine, Report
from benchmarks.peers.labelled_texts import long_text, read, write_figures
from benchmarks.quality import ablation, suite, tables
from benchmarks.quality.blocks import blocks_input, numbers_of, splits_of
from benchmarks.quality.runs import Ours, Peer, Runs


def test_quality_blocks_hold_neighbours_together() -> None:
    numbers = np.arange(12_500)  # as many as the reviews of a label
    for fold in range(5):
        splits = np.array(splits_of(numbers, fold=fold))
        assert Counter(splits.tolist()) in (
            Counter(train=8500, test=2500, eval=1500), Counter(train=9000, test=2500, eval=1000),
        )  # fmt: skip
        changes = np.flatnonzero(splits[1:] != splits[:-1]) + 1
        assert set((changes % 500).tolist()) == {0}
    tests = [np.array(splits_of(numbers, fold=fold)) == "test" for fold in range(5)]
    assert np.sum(tests, axis=0).tolist() == [1] * 12_500  # each row is asked in one fold


def test_quality_numbers_are_those_of_the_data_set() -> None:
    assert numbers_of(["train/neg/0_3", "train/pos/12499_10"]).tolist() == [0, 12_499]
    with pytest.raises(SystemExit, match="'review' ends in no number"):
        numbers_of(["1", "review"])


# columns of the file           splits of its six rows, in blocks of 2
@pytest.mark.parametrize(("ids", "expected"), [
    (["a/5_1", "b/0_1", "a/1_9", "b/2_1", "a/3_1", "b/4_1"], ["train", "test", "test", "eval", "eval", "train"]),
    (None, ["test", "test", "eval", "eval", "train", "train"]),  # neighbours by their order
])  # fmt: skip
def test_quality_input_has_a_split(tmp_path: Path, ids: list[str] | None, expected: list[str]) -> None:
    columns: dict[str, Any] = {"text": list("abcdef"), "label": [0, 1] * 3, **({} if ids is None else {"id": ids})}
    pq.write_table(pa.table(columns), tmp_path / "given.parquet")
    path = blocks_input(tmp_path / "given.parquet", tmp_path / "data", fold=0, block=2)
    made = pq.read_table(path)
    assert made.column_names == ["text", "label", "split"]
    assert made["split"].to_pylist() == expected
    assert read(str(path), "test").texts == [
        text for text, split in zip("abcdef", expected, strict=True) if split == "test"
    ]


def test_quality_figures_of_a_peer(tmp_path: Path) -> None:
    texts = {"text": ["one two"] * 200 + ["no"], "label": [1] * 200 + [0], "split": ["test"] * 200 + ["train"]}
    pq.write_table(pa.table(texts), tmp_path / "data.parquet")
    data = str(tmp_path / "data.parquet")
    assert len(long_text(data).split()) == 100  # of the first 50 texts
    (tmp_path / "model").write_bytes(b"12345")
    asked: list[str] = []
    write_figures(str(tmp_path), data=data, predicted=[1] * 150 + [0] * 50, files=["model"], answer=asked.append)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["accuracy"], figures["size_bytes"]) == (0.75, 5)
    assert 0 < figures["answer_seconds"] <= figures["after_seconds"]
    assert set(asked) == {long_text(data)}


class Machines:
    """Instead of processes: what was asked for, and the files that a process would have written."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.fails = False

    def measure(self, command: Sequence[str], *, folder: Path, **_: Any) -> Measurement:
        self.commands.append(list(command[2:]))
        if self.fails:
            raise ProcessError("exit status 1, no memory")
        if command[2:4] == ["trainer", "train"]:
            (folder / "training").mkdir()
            (folder / "training" / "metrics.json").write_text('{"accuracy": 0.75}')
            (folder / "model" / "1").mkdir(parents=True)
            (folder / "model" / "1" / "saved_model.pb").write_bytes(b"graph")
        (folder / "answer_time.json").write_text('{"answer_seconds": 0.002}')
        told = {"accuracy": 0.5, "size_bytes": 7, "answer_seconds": 0.004, "after_seconds": 1.0}
        (folder / "figures.json").write_text(json.dumps(told))
        return Measurement(100.0, 130.0, 40.0, 2_000_000, [])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "blocks-0.parquet"
    path.parent.mkdir()
    path.write_bytes(b"texts")
    return path


OURS = Ours("wide", {"vocabulary.top_words": 9, "model.pooling": "max", "model.lstm_units": [6, 5]})


def test_quality_runs_are_made_once(tmp_path: Path, data: Path) -> None:
    machines = Machines()
    runs = Runs(tmp_path, data, measure=machines.measure)
    first = runs.figures(OURS, 0)
    assert (first.accuracy, first.size_bytes, first.answer_seconds, first.failure) == (0.75, 5, 0.002, None)
    assert (first.seconds, first.cpu_seconds) == (60.0, 80.0)  # the records and the training
    assert [command[0] for command in machines.commands] == ["pipeline", "trainer", "benchmarks.quality.answer_time"]
    assert machines.commands[0][3:5] == ["--vocabulary.top_words", "9"]
    options = machines.commands[1]
    assert options[options.index("--model.lstm_units") + 1] == "[6, 5]"
    assert options[options.index("--training.seed") + 1] == "0"
    assert Runs(tmp_path, data, measure=machines.measure).figures(OURS, 0) == first
    assert len(machines.commands) == 3
    runs.figures(OURS, 1)  # the records are there
    assert [command[0] for command in machines.commands[3:]] == ["trainer", "benchmarks.quality.answer_time"]
    assert not list((tmp_path / "models").iterdir())
    data.write_bytes(b"other texts")
    Runs(tmp_path, data, measure=machines.measure).figures(OURS, 0)
    assert len(machines.commands) == 8


def test_quality_vectors_are_learnt_from_the_records(tmp_path: Path, data: Path) -> None:
    machines = Machines()
    settings = {"vocabulary.count_unlabelled": True, "embedding.from": "v.bin", "model.embedding_dim": 9}
    recipe = Ours("accurate", settings)
    runs = Runs(tmp_path, data, unlabelled=tmp_path / "more.parquet", measure=machines.measure)
    figures = runs.figures(recipe, 0)
    assert (figures.seconds, figures.cpu_seconds) == (90.0, 120.0)  # records, vectors, training
    run, learn, train, _ = machines.commands
    assert (run[0], learn[:2], train[:2]) == ("pipeline", ["trainer", "vectors"], ["trainer", "train"])
    assert run[run.index("--input.unlabelled") + 1] == str(tmp_path / "more.parquet")
    assert run[run.index("--vocabulary.count_unlabelled") + 1] == "true"
    assert learn[learn.index("--output.path") + 1] == run[run.index("--output.path") + 1]
    assert learn[learn.index("--dim") + 1] == "9"
    assert train[train.index("--embedding.from") + 1] == learn[learn.index("--output") + 1]
    runs.figures(recipe, 1)  # records and vectors are there
    assert [command[0] for command in machines.commands[4:]] == ["trainer", "benchmarks.quality.answer_time"]
    Runs(tmp_path, data, measure=machines.measure).figures(recipe, 0)  # without such texts
    assert "--input.unlabelled" not in machines.commands[6]
    assert "--vocabulary.count_unlabelled" not in machines.commands[6]


def test_quality_self_training_needs_texts_without_labels(tmp_path: Path, data: Path) -> None:
    machines = Machines()
    recipe = Ours("self-training", {"training.self_training": 2})
    Runs(tmp_path, data, unlabelled=tmp_path / "more.parquet", measure=machines.measure).figures(recipe, 0)
    run, train, _ = machines.commands
    assert run[run.index("--input.unlabelled") + 1] == str(tmp_path / "more.parquet")
    assert train[train.index("--training.self_training") + 1] == "2"
    Runs(tmp_path, data, measure=machines.measure).figures(recipe, 0)
    run, train, _ = machines.commands[3:]
    assert "--input.unlabelled" not in run
    assert "--training.self_training" not in train


def test_quality_run_that_failed_is_tried_again(tmp_path: Path, data: Path) -> None:
    machines = Machines()
    runs = Runs(tmp_path, data, measure=machines.measure)
    peer = Peer("TF-IDF", "tfidf_regression", ("2",))
    machines.fails = True
    assert runs.figures(peer, 3).failure == "exit status 1, no memory"
    machines.fails = False
    figures = runs.figures(peer, 3)
    assert (figures.accuracy, figures.seconds, figures.failure) == (0.5, 29.0, None)
    command = machines.commands[-1]
    assert (command[0], command[1], command[3:]) == ("benchmarks.peers.tfidf_regression", str(data), ["3", "2"])


def test_quality_table_has_the_gain_of_each_change(tmp_path: Path, data: Path) -> None:
    machine = Machine(cores=2, memory_bytes=1 << 30, processor="P", python="3.11", versions={})
    runs = Runs(tmp_path, data, measure=Machines().measure)
    subjects = ablation.subjects({"base": {}, "changes": {"max": {"model.pooling": "max"}}})
    rows = [tables.row_of("ablation", subject, runs, seeds=2) for subject in subjects]
    better = rows[1].model_copy(update={"values": {**rows[1].values, "accuracy": [0.8, 0.81]}})
    failed = rows[1].model_copy(update={"subject": "mean", "values": {}, "failure": "no memory\nat all"})
    report = Report(suite="ablation", name="texts", command="c", machine=machine, rows=[rows[0], better, failed])
    lines = ablation.markdown([report]).splitlines()
    assert "| base | 0.7500 | +0.0000 | 0.7500, 0.7500 | 60 (60 to 60) |" in lines[4]
    assert "| max | 0.8050 | +0.0550 | 0.8000, 0.8100 |" in lines[5]
    assert "- mean gave nothing: no memory" in lines
    assert "gain" not in suite.markdown([report])


def test_quality_subjects_are_the_default_and_each_recipe(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text("model: {lstm_units: 8}\ntraining: {epochs: 2}\n")
    named = {one.name: one.settings for one in suite.ours(tmp_path)}
    assert named == {"TextRecords": {}, "TextRecords, tiny": {"model.lstm_units": 8, "training.epochs": 2}}
    with pytest.raises(SystemExit, match=r"model\.poling is no setting"):
        ablation.subjects({"changes": {"a": {"model.poling": "max"}}})


def test_quality_environment_that_cannot_be_made_is_a_failure(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> str:
        raise subprocess.CalledProcessError(1, ["pip", "install"])

    monkeypatch.setattr("benchmarks.quality.runs.environment_of_peers", refuse)
    runs = Runs(tmp_path, data, measure=Machines().measure)
    assert runs.figures(Peer("fastText", "fasttext_supervised", in_own_environment=True), 0).failure
