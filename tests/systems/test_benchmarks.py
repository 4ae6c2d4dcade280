"""The benchmarks: that they run, and that what they compare is compared."""

import importlib
import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.__main__ import main
from benchmarks.constants import parts, waiting, whole_job
from benchmarks.harness.processes import Measurement, ProcessError, measure_process
from benchmarks.harness.report import OURS, load
from benchmarks.preprocessing import suite as preprocessing
from benchmarks.preprocessing.agreement import OurVocabulary, Output, equal_records
from benchmarks.preprocessing.inputs import sample_input
from benchmarks.quality import options as quality_options
from benchmarks.quality.runs import Runs
from benchmarks.scale import in_turn
from benchmarks.scale import suite as scale
from benchmarks.serving import suite as serving
from benchmarks.serving.suite import THEIRS
from benchmarks.training import suite as training
from pipeline.cli import main as pipeline_main
from tests.support.exported_models import unchecked
from tests.support.in_process import run_in_process
from trainer.cli import main as trainer_main


def test_benchmarks_short_form_runs_and_agrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[float] = []

    def measured(command: Sequence[str], **options: Any) -> Measurement:
        """The run of ten rows is no process, so that one less loads TensorFlow."""
        if any("sample-10.parquet" in argument for argument in command):
            here.append(time.time())
            assert pipeline_main(command[3:]) == 0
            return Measurement(here[0], time.time(), 1.0, 1, [])
        return measure_process(command, **options)

    monkeypatch.chdir(tmp_path)  # where no pipeline.yaml is
    monkeypatch.setattr(preprocessing, "measure_process", measured)
    main(["preprocessing", "--short", "--results", str(tmp_path)])
    assert len(here) == 1
    (report,) = load(tmp_path)
    assert [row.failure for row in report.rows] == [None] * 4  # ours on ten rows; ours, plain TFT and Keras on 300
    keras = report.row("300 sample texts", "Keras Tokenizer")
    plain = report.row("300 sample texts", "plain TFT, instance dicts")
    ours = report.row("300 sample texts", OURS)
    assert keras is not None
    assert plain is not None
    assert ours is not None
    assert keras.facts["equal_records"] == 1.0
    assert plain.facts["shared_words"] == 1.0
    assert {name for name in ours.values if name.endswith("/seconds")} >= {
        "imports and planning/seconds", "analysis/seconds", "transform/seconds", "writing shards/seconds",
    }  # fmt: skip
    parts = sum(ours.median(name) for name in ours.values if name.endswith("/seconds"))
    assert parts == pytest.approx(ours.median("seconds"))
    assert "| Keras Tokenizer |" in capsys.readouterr().out


def test_benchmarks_measure_a_process_tree(tmp_path: Path) -> None:
    child = "import sys, time; held = b'x' * (200 << 20); sys.stdin.read()"
    # The parent holds 100 MB and has a child that holds 200 MB until its standard input ends.
    parent = (
        "import subprocess, sys, time\n"
        "held = b'x' * (100 << 20)\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        "begin = time.process_time()\n"
        "while time.process_time() < begin + 1: pass\n"
        "child.communicate()\n"
    )
    found = measure_process([sys.executable, "-c", parent], log=tmp_path / "log", limit=60)
    assert 300 << 20 < found.peak_bytes < 400 << 20
    assert 1 <= found.cpu_seconds < 3
    assert found.seconds >= 1
    assert found.cpu_between(found.begin, found.end) == pytest.approx(found.cpu_seconds)


@pytest.mark.parametrize(("program", "told"), [
    ("print('why'); raise SystemExit(3)", "exit status 3, why"),
    ("while True: pass", "more than 1 s"),
])  # fmt: skip
def test_benchmarks_tell_why_there_is_no_figure(program: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match=told):
        measure_process([sys.executable, "-c", program], log=tmp_path / "log", limit=1)


def test_benchmarks_constants_count_what_they_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def told(*arguments: str) -> dict[str, float]:
        parts.main(arguments)
        return json.loads(capsys.readouterr().out)

    # In the second bucket 100 words, of which three bundles of four have each: 300 rows.
    words = told("words", "--distinct", "2100", "--bucket_words", "2000", "--top_words", "1000")
    assert (words["merged_words"], words["merged_rows"], words["best_words"]) == (2100, 6300, 999)
    assert told("files", "--files", "3000")["groups"] == 17
    pq.write_table(pa.table({"text": ["one", "two two"]}), tmp_path / "few.parquet")
    blocks = told("blocks", "--input", str(tmp_path / "few.parquet"))
    assert (blocks["texts"], blocks["text_bytes"]) == (2, 10)
    assert "record_in_1_bytes" in blocks
    assert "record_in_10_bytes" not in blocks
    assert told("shard", "--records", "1000")["shard_records"] == 1000


def test_benchmarks_constants_run_jobs_of_both_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where no pipeline.yaml is
    monkeypatch.setenv(waiting.FOLDER, "")  # it is set anew, and as before after the test
    few, whole = (str(sample_input(rows, tmp_path).path) for rows in (10, 100))
    whole_job.main(str(tmp_path / "result"), few, whole, "1")
    figures = {name: value for name, (value,) in json.loads((tmp_path / "result").read_bytes()).items()}
    # A record crosses a shuffle in a block, or only the block's place does; rows to compare always do.
    assert figures["remote_records_bytes"] > 100 * 100 > figures["local_records_bytes"] > 0
    assert figures["remote_duplicates_bytes"] == pytest.approx(figures["local_duplicates_bytes"], rel=0.01)
    assert figures["local_token_bytes"] > 0


def test_benchmarks_short_form_of_scale_divides_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(command: Sequence[str], **_: Any) -> Measurement:
        in_turn.main(*command[3:])
        return Measurement(0.0, 0.0, 0.0, 0, [])

    monkeypatch.chdir(tmp_path)  # where no pipeline.yaml is
    monkeypatch.setattr(scale, "measure_process", here)
    main(["scale", "--short", "--results", str(tmp_path)])
    (report,) = load(tmp_path)
    one, two = report.rows
    assert [row.case for row in (one, two)] == ["1", "2"]
    for row in (one, two):
        parts = sum(row.median(name) for name in row.values if name.startswith("serial: "))
        assert parts == pytest.approx(row.median("serial_seconds"))
        divided = row.median("parallel_cpu_seconds") / int(row.case) + row.median("waiting_seconds")
        assert divided == pytest.approx(row.median("seconds") - row.median("serial_seconds"))
    written = "divided: WriteRecords/cpu_seconds"  # three shards, which two workers write
    assert len(two.values[written]) == 2 * len(one.values[written])
    assert "No worker can take over" in capsys.readouterr().out


def test_benchmarks_records_are_compared_one_by_one() -> None:
    one = Output(np.array([1, 2, 2, 3], np.uint64), ["a"])
    assert equal_records(one, one) == 1.0
    assert equal_records(one, Output(np.array([1, 2, 3, 3], np.uint64), [])) == 0.75
    words = OurVocabulary({"a": 5, "b": 2, "c": 1, "d": 1})
    assert words.shared(["b", "a", "z"]) == 1.0  # c and d stand last, and others may have others there
    assert words.shared(["a", "c", "d"]) == 0.5


def test_benchmarks_short_form_of_serving_runs_and_agrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no pipeline.yaml is
    run_in_process(monkeypatch, serving, but="benchmarks.serving.cold_start")
    main(["serving", "--short", "--results", str(tmp_path)])
    latency, loading = load(tmp_path)
    assert [(row.case, row.subject, row.failure) for row in latency.rows] == [
        ("1 x 20 words", OURS, None),
        ("1 x 20 words", THEIRS, None),
        ("17 x 20 words", OURS, None),
        ("17 x 20 words", THEIRS, None),
    ]
    assert all(float(row.facts["largest_difference"]) <= 1e-6 for row in latency.rows)
    ours, theirs = loading.rows
    figures = {"import_seconds", "load_seconds", "first_seconds", "long_seconds", "long_bytes"}
    assert set(ours.values) == {*figures, "words_per_second"}
    assert set(theirs.values) == figures
    assert "| 50 words in the vocabulary, TextRecords |" in capsys.readouterr().out


def test_benchmarks_short_form_of_training_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_in_process(monkeypatch, training, but="feeding")
    main(["training", "--short", "--results", str(tmp_path)])
    (report,) = load(tmp_path)
    assert report.name == "60 sample texts"
    assert [row.facts for row in report.rows] == [{"rows": 48, "length": 20}] * 7
    assert all(len(row.values["epoch_seconds"]) == 1 for row in report.rows if row.case == "epochs")
    printed = capsys.readouterr().out
    assert "examples/s of the input pipeline" in printed
    assert "a step with weights, slower than without" in printed


def test_benchmarks_short_forms_of_quality_and_ablation_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, and without the check of each export in a fresh one; they share the records folder."""
    ran: list[str] = []

    def measured(command: Sequence[str], *, folder: Path, **others: Any) -> Measurement:
        assert others["limit"] > 0
        module, *arguments = command[2:]
        ran.append(module)
        monkeypatch.chdir(folder)
        mains = {"pipeline": pipeline_main, "trainer": trainer_main}
        if module in mains:
            assert mains[module](arguments) == 0
        else:
            importlib.import_module(module).main(*arguments)
        return Measurement(10.0, 12.0, 1.0, 1 << 20, [])

    monkeypatch.setattr(quality_options, "Runs", partial(Runs, measure=measured))
    common = ["--short", "--results", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    with unchecked():
        main(["ablation", *common])
        main(["quality", *common])
    of_ours = ["trainer", "benchmarks.quality.answer_time"]
    assert ran == ["pipeline", *of_ours, *of_ours, "benchmarks.peers.tfidf_regression"]  # base is quality's default
    of_ablation, of_quality = load(tmp_path / "results")
    assert [row.subject for row in of_ablation.rows] == ["base", "pooling mean_max"]
    assert [row.failure for row in (*of_ablation.rows, *of_quality.rows)] == [None] * 4
    words = of_quality.rows[1]
    assert 0.5 < words.median("accuracy") < 1
    assert 0 < words.median("answer_seconds") < 1
    # Mean and maximum: the last layer has six weights more, of 4 bytes.
    base, wider = (row.median("size_bytes") for row in of_ablation.rows)
    assert wider > base
    assert "| pooling mean_max |" in capsys.readouterr().out
