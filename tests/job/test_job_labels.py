"""The whole job with input.label_map: the same records from each way of reading, and every row accounted for."""

import gzip
import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserError
from tests.support.jobs import manifest_of, record_bytes, run_job

LABEL_MAP = '{0: neg, 1: pos, "-1": null, "": null}'


def write_rows(folder: Path) -> Path:
    """Two files of 120 rows: every third one has the label -1, every tenth none, and one label is unknown in train."""
    for name in "ab":
        rows: list[dict[str, Any]] = [
            {"text": f"film w{n % 9} {name}{n}", "label": -1 if n % 3 == 2 else None if n % 10 == 0 else n % 2}
            for n in range(120)
        ]
        rows[7] = {"text": 7, "label": 1}
        rows[110] = {"text": "x", "label": "\ud83d"}
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(b'{"text": "film w1 c", "label": "-1"}\n', mtime=0))
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def records(rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {"input.label_map": LABEL_MAP, "output.max_rejected": "0.05"}
    return run_job(rows, tmp_path_factory.mktemp("records") / "out", settings)


def test_job_labels_are_renamed_and_rows_left_out(records: Path) -> None:
    manifest = manifest_of(records)
    assert manifest["labels"] == ["neg", "pos"]
    # Of 0 to 119 in a file: 40 have -1; of the other multiples of 10, 8 have none (20, 50, 80 and 110 have -1, but row
    # 110 is another one).
    assert manifest["input"]["mapped_labels"] == {"0": 64, "1": 78, "-1": 2 * 39 + 1, "": 16}
    assert manifest["input"]["left_out_rows"] == 2 * (39 + 8) + 1
    assert manifest["input"]["rows"] == 241
    used = sum(part["rows"] for part in manifest["splits"].values())
    assert manifest["rejected"]["by_reason"] == {"invalid UTF-8": 2, "text is not a string": 2}
    assert used + 4 + manifest["input"]["left_out_rows"] == 241
    assert manifest["config"]["input"]["label_map"] == {"0": "neg", "1": "pos", "-1": None, "": None}


def test_job_labels_left_out_rows_count_in_the_numbers_of_rejected_rows(records: Path) -> None:
    lines = [json.loads(line) for path in (records / "rejected").iterdir() for line in path.read_text().splitlines()]
    assert sorted((Path(line["file"]).name, line["row"]) for line in lines) == [
        ("a.jsonl", 8), ("a.jsonl", 111), ("b.jsonl", 8), ("b.jsonl", 111),
    ]  # fmt: skip
    files = manifest_of(records)["rejected"]["files"]
    assert [(Path(file["file"]).name, file["rows"], file["used"], file["rejected"]) for file in files] == [
        ("a.jsonl", 120, 71, 2), ("b.jsonl", 120, 71, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("cached", [False, True], ids=["remote", "cache"])
def test_job_labels_are_the_same_in_every_way(cached: bool, rows: Path, records: Path, tmp_path: Path) -> None:
    settings = {"input.label_map": LABEL_MAP, "output.max_rejected": "0.05"}
    if cached:
        settings["vocabulary.cache"] = str(tmp_path / "cache")
        # Counts of other labels are no counts of these.
        other = {**settings, "input.label_map": '{"": null, "-1": other}'}
        run_job(rows, tmp_path / "other", other)
    again = run_job(rows, tmp_path / "out", settings, spills=False)
    assert record_bytes(again) == record_bytes(records)
    one, two = manifest_of(again), manifest_of(records)
    for key in ("labels", "splits", "rejected", "input", "advice"):
        assert one[key] == two[key]
    if cached:
        assert one["vocabulary"]["cache"] == {"reused_files": 0, "counted_files": 3}
        third = manifest_of(run_job(rows, tmp_path / "out", settings, overwrite=True))
        assert third["vocabulary"]["cache"] == {"reused_files": 3, "counted_files": 0}
        assert third["input"] == two["input"]


def test_job_labels_that_are_all_left_out_are_told(rows: Path, tmp_path: Path) -> None:
    settings = {"input.label_map": '{0: null, "-1": null, "": null}', "output.max_rejected": "0.05"}
    with pytest.raises(UserError, match=r"only the label '1'; at least two .*; input\.label_map leaves out 159 rows;"):
        run_job(rows, tmp_path / "out", settings)


def test_job_labels_advice_is_in_the_manifest_and_the_report(tmp_path: Path) -> None:
    """Rows that carry no label are marked by -1, and one label has two spellings."""
    labels = ("negative", "Negative", "-1")
    rows = [{"text": f"film w{n % 9} {n}", "label": labels[n % 3]} for n in range(150)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = run_job(tmp_path / "rows.jsonl", tmp_path / "out")
    texts = [item["text"] for item in manifest_of(folder)["advice"] if item["setting"] == "input.label_map"]
    assert texts[0] == (
        'The label "-1" (50 of 150 rows) looks like a mark of rows without a label; if so, '
        'input.label_map: {"-1": null} leaves these rows out.'
    )
    assert texts[1].startswith('The labels "Negative" and "negative" differ only in case')
    report = unescape((folder / "report.html").read_text())
    assert all(text in report for text in texts)
    # What the advice says is what helps.
    settings = {"input.label_map": '{"-1": null, "negative": "Negative"}'}
    with pytest.raises(UserError, match="only the label 'Negative'"):
        run_job(tmp_path / "rows.jsonl", tmp_path / "out", settings, overwrite=True)
