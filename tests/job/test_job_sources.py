"""The whole job on folders, on many small files and on files with bad rows: what the manifest says of them."""

import json
from collections import Counter
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest

from pipeline.config.load import load
from pipeline.contract import SPLITS
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.job.build import build
from pipeline.job.limits import Limits
from pipeline.job.plan import Plan
from pipeline.job.read import read_batches
from pipeline.job.rejects import rows_before
from pipeline.job.row_filter import key_rows
from pipeline.job.run import make_plan
from pipeline.job.task_file import read_groups, write_groups
from pipeline.sources import plan_tasks
from pipeline.sources.schema import RejectedRow, no_rows, rejected_batch
from pipeline.sources.tasks import Kind, ReadTask, TaskGroup
from pipeline.statistics.row_counts import TaskRowCounter, TaskRows
from pipeline.statistics.text_quality import QualityCount, TextQuality
from tests.support.jobs import config_of, manifest_of, record_bytes, run_job, write_texts


def reviews() -> dict[str, str]:
    """200 train texts, 40 test texts, 10 without a label, and a list that is no text."""
    texts = {f"train/{label}/{n}.txt": f"a {label} film {n}" for n in range(100) for label in ("neg", "pos")}
    texts |= {f"test/{label}/{n}.txt": f"a {label} test {n}" for n in range(20) for label in ("neg", "pos")}
    texts |= {f"train/unsup/{n}.txt": f"who knows {n}" for n in range(10)}
    return texts | {"train/urls_pos.txt": "http"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of texts, and the records made of it with all rows of train/ in the train split."""
    folder = tmp_path_factory.mktemp("folders")
    settings = {"split.train": "1.0", "split.eval": "0", "split.test": "0"}
    return folder / "imdb", run_job(write_texts(folder / "imdb", reviews()), folder / "out", settings)


def test_job_sources_folders_keep_their_splits(folders: tuple[Path, Path]) -> None:
    found = manifest_of(folders[1])
    assert found["input"]["files"] == 240
    assert found["input"]["rows"] == 240
    assert found["input"]["left_out"] == {"unsup": 10, "other": 1}
    assert found["labels"] == ["neg", "pos"]
    assert {split: part["rows"] for split, part in found["splits"].items()} == {"train": 200, "eval": 0, "test": 40}
    samples = [sample for sample in found["samples"] if sample["split"] == "test"]
    assert all(" test " in sample["text"] for sample in samples)
    assert found["rejected"] == {
        "rows": 0,
        "by_reason": {},
        "asked_for": {},
        "examples": {},
        "with_rejects": 0,
        "files": [],
    }


def test_job_sources_folders_take_eval_from_train(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """With the default shares."""
    config = load(None, {"input.path": str(folders[0]), "output.path": str(tmp_path / "out")})
    tasks = plan_tasks(config.input, LocalFiles())
    options = make_plan(config, tasks, staging=str(tmp_path / "work"), spills=False).read_options
    read_tasks = [task for group in tasks.groups for task in group.tasks()]
    keyed = [key_rows(batch, options, tasks=read_tasks) for batch in read_batches(read_tasks, options)]
    rows = [
        (SPLITS[split], text.decode())
        for batch in keyed
        for split, text in zip(batch.splits.tolist(), batch.rows["text"].to_pylist(), strict=True)
    ]
    assert len(rows) == 240
    assert all((" test " in text) == (split == "test") for split, text in rows)
    assert 10 <= Counter(split for split, _ in rows)["eval"] <= 40  # a ninth of 200, by content: 22


def test_job_sources_folders_are_the_same_as_a_table(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """With the splits written out, in the same order, a table of the same texts gives the same files."""
    texts = {name: text for name, text in sorted(reviews().items()) if "unsup" not in name and "urls" not in name}
    lines = [
        {"text": text, "label": name.split("/")[1], "part": "test" if name.startswith("test") else "train"}
        for name, text in texts.items()
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    table = run_job(tmp_path / "rows.jsonl", tmp_path / "table", {"split.column": "part"})
    assert record_bytes(folders[1]) == record_bytes(table)
    assert config_of(folders[1]).split.train == 1


def rejected(folder: Path) -> list[tuple[str, int, str]]:
    """(file, row, reason) of the rejected rows that a folder lists."""
    lines = [json.loads(line) for path in folder.iterdir() for line in path.read_text().splitlines()]
    return sorted((Path(line["file"]).name, line["row"], line["reason"]) for line in lines)


def test_job_sources_account_for_every_row_whether_the_run_fails_or_not(tmp_path: Path) -> None:
    good = "".join(json.dumps({"text": f"t{n}", "label": n % 2}) + "\n" for n in range(30))
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jsonl").write_text(good)
    (data / "b.jsonl").write_text(good + "broken\n\n" + '{"text":"x"}\n' + good + '{"text":null,"label":1}\n')
    (data / "c.csv").write_text("text,label\nbroken\n" + "t,1\n" * 9)
    (data / "d.csv").write_text("text,label\n" + "t,0\n" * 9 + '"open\n')
    expected = [
        ("b.jsonl", 31, "broken JSON"),
        ("b.jsonl", 32, "missing label"),
        ("b.jsonl", 63, "missing text"),  # in another range than the two
        ("c.csv", 1, "wrong number of columns"),
        ("d.csv", 10, "unclosed quote"),
    ]
    output, limits = tmp_path / "out", Limits(task_bytes=300)
    with pytest.raises(UserError) as error:
        run_job(data, output, limits=limits)
    assert str(error.value) == (
        "output.max_rejected is 0.01, but 5 of 113 rows can't be used: broken JSON (1), missing label (1), "
        'missing text (1); mend them or raise output.max_rejected; input.label_map: {"": null} leaves rows without a '
        f"label out; rejected rows are listed in {output}/failed"
    )
    assert [path.name for path in output.iterdir()] == ["failed"]  # nothing that a reader would take
    assert rejected(output / "failed") == expected

    run_job(data, output, {"output.max_rejected": "0.5"}, limits=limits)
    assert not (output / "failed").exists()
    assert rejected(output / "rejected") == expected
    found = manifest_of(output)
    assert found["rejected"]["with_rejects"] == 3
    assert found["rejected"]["files"] == [
        {"file": str(data / "b.jsonl"), "rows": 63, "used": 60, "rejected": 3},
        {"file": str(data / "c.csv"), "rows": 10, "used": 9, "rejected": 1},
        {"file": str(data / "d.csv"), "rows": 10, "used": 9, "rejected": 1},
    ]
    assert found["input"]["rows"] == 30 + 63 + 10 + 10
    assert sum(part["rows"] for part in found["splits"].values()) == 30 + 60 + 9 + 9


def test_job_sources_graph_does_not_hold_the_files(tmp_path: Path) -> None:
    config = load(None, {"input.path": str(tmp_path), "output.path": str(tmp_path / "out")})
    pipeline = beam.Pipeline()
    staging = str(tmp_path / "work")
    plan = Plan(config=config, task_groups=979, input_files=1_000_000, input_bytes=100_000_000, staging=staging)
    build(pipeline, plan)
    assert len(pipeline.to_runner_api().SerializeToString()) < 2_000_000


def test_job_sources_groups_come_back_as_they_were(tmp_path: Path) -> None:
    groups = [
        TaskGroup(0, ("a", "b"), (Kind("csv"), Kind("jsonl"))),
        TaskGroup(2, ("c",), (Kind("jsonl"),), 5, 9),
        TaskGroup(3, ("d/x",), (Kind("folders", "train eval"),)),
    ]
    write_groups(str(tmp_path / "work/tasks"), groups)
    assert list(read_groups(str(tmp_path / "work/tasks"))) == groups


def test_job_sources_rows_before_each_range() -> None:
    parts = [TaskRows("", 0, 3, quality=TextQuality(counts={"a": QualityCount(1, ())})), TaskRows("", 0, 3)]
    assert rows_before([TaskRows("b", 7, 1, 1), *parts, TaskRows("b", 0, 5)])["b", 7] == 5


def test_account_lists_only_files_with_rejects_and_ranges() -> None:
    tasks = [ReadTask("a", 0, "csv"), ReadTask("b", 1, "csv")]
    account = TaskRowCounter(tasks)
    rejected = rejected_batch(tasks[1], [RejectedRow(row, "r", "") for row in (0, 3)])
    account.add(no_rows(), pa.Table.from_batches([rejected]))
    assert account.result(TextQuality()) == [TaskRows("b", 0, 2, 2), TaskRows("", 0, 0)]
    assert TaskRowCounter([ReadTask("a", 0, "jsonl", 5, 9)]).result(TextQuality()) == [
        TaskRows("a", 5, 0),
        TaskRows("", 0, 0),
    ]
