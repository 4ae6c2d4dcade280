"""Every row of the input is used, rejected or left out, and counted once, whichever settings and ways come together.

The input has all at once: files in archives and in folders named NAME=VALUE, csv whose quotes hold line breaks and that
is cut into ranges, labels that are renamed and left out, rows that can't be used, equal texts, texts without labels.
"""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline.job.limits import Limits
from tests.support.jobs import facts_of, manifest_of, record_bytes, records_of, run_job

FILES = ["part=train/a.csv", "part=train/b.csv", "part=dev/c.csv", "part=test/d.csv", "part=holdout/e.csv"]
ROWS_OF_FILE = 60
UNLABELLED = [f"more film {row % 9} of no label" for row in range(30)]


class Row(NamedTuple):
    """A row of csv. flaw: why it is not used, whatever the settings; "left out": by input.label_map."""

    text: bytes
    label: str
    user: str
    year: str
    flaw: str = ""


def rows_of(file: int) -> Iterator[Row]:
    for row in range(ROWS_OF_FILE):
        which = row % 5 if row % 3 else f"of file {file}"
        text = f'film "{row % 7}"\nof the {"good" if row % 2 else "bad"} kind, {which}'.encode()
        label, user, year = (
            ("pos", "neg", "0")[(row // 3 + file // 2) % 3],
            f"user {row % 8}",
            str(2020 + (row + file) % 6),
        )
        if row % 20 == 7:
            yield Row(text, "unk", user, year, "left out")
        elif row % 20 == 11:
            yield Row(text, " ", user, year, "missing label")
        elif row % 20 == 13:
            yield Row(text + b"\xff", label, user, year, "invalid UTF-8")
        elif row % 30 == 17:
            yield Row(text, f"only in file {file}", user, year)  # its text may not be in the train split
        else:
            yield Row(text, label, user, year)


ROWS = [row for file in range(len(FILES)) for row in rows_of(file)]
ALWAYS = {"missing label": 15, "invalid UTF-8": 15}
OF_TEXTS = {"text is not a string", "not a JSON object"}
LEFT_OUT = 15


def csv_of(file: int) -> bytes:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(["text", "label", "user", "year"])
    writer.writerows([row.text.decode("latin-1"), *row[1:4]] for row in rows_of(file))
    return lines.getvalue().encode("latin-1")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("input")
    with zipfile.ZipFile(folder / "rows.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file, name in enumerate(FILES):
            if file % 2:
                archive.writestr(name, csv_of(file))
            else:
                (folder / "rows" / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / "rows" / name).write_bytes(csv_of(file))
    texts = [json.dumps({"text": text}) for text in UNLABELLED] + ['{"text": 5}', "[]"]
    (folder / "texts.jsonl").write_text("\n".join(texts) + "\n")
    return folder


# Ranges of some rows each.
LIMITS = Limits(task_bytes=700, batch_rows=7)
WAYS: dict[str, dict[str, Any]] = {
    "local": {"spills": True, "limits": LIMITS},
    "remote": {"spills": False, "limits": LIMITS},
    "two threads, whole files": {"spills": True, "beam_arguments": ["--direct_num_workers=2"]},
}
# Keys of the manifest that no way of reading may change.
FACTS = ("splits", "unlabelled", "coverage", "labels", "duplicates", "groups", "rejected", "quality", "input")

# Settings of the splits -> reasons of rejected rows beside ALWAYS, and those that must be among them
CASES: list[tuple[str, dict[str, str], set[str], set[str]]] = [
    ("by content", {"split.stratify": "true", "split.duplicates": "first"},
     {"text of an earlier row"}, {"text of an earlier row"}),
    ("by group", {"split.group_column": "user", "split.duplicates": "drop_conflicting"},
     {"equal texts have different labels", "label does not occur in the train split"},
     {"equal texts have different labels"}),
    ("by column", {"split.column": "part", "split.duplicates": "first"},
     {"text of an earlier row", "label does not occur in the train split", "split is not train, eval or test"},
     {"text of an earlier row", "split is not train, eval or test"}),
    ("by time", {"split.time_column": "year", "split.eval_from": "2024", "split.test_from": "2025"},
     {"label does not occur in the train split"}, set()),
]  # fmt: skip


def test_job_accounting_of_the_input_itself() -> None:
    flaws = Counter(row.flaw for row in ROWS)
    assert len(ROWS) == 300
    assert flaws == {"": 255, "left out": LEFT_OUT, **ALWAYS}


@pytest.mark.parametrize(("settings", "possible", "certain"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_job_accounting_counts_each_row_once_in_every_way(
    settings: dict[str, str], possible: set[str], certain: set[str], source: Path, tmp_path: Path
) -> None:
    common = {
        "input.unlabelled": str(source / "texts.jsonl"),
        "input.label_map": '{"0": "neg", "unk": null}',
        "output.max_rejected": "1",
        "vocabulary.count_unlabelled": "true",
        **settings,
    }
    inputs = [str(source / "rows"), str(source / "rows.zip")]
    folders = [run_job(inputs, tmp_path / name, common, **options) for name, options in WAYS.items()]
    for folder in folders:
        manifest = manifest_of(folder)
        used = {split: len(records_of(folder, split)) for split in ("train", "eval", "test")}
        assert used == {split: part["rows"] for split, part in manifest["splits"].items()}
        unlabelled = manifest["unlabelled"]
        assert (unlabelled["rows"], unlabelled["rejected"]) == (len(UNLABELLED), 2)

        rejected, left_out = manifest["rejected"], manifest["input"]["left_out_rows"]
        assert left_out == LEFT_OUT
        assert manifest["input"]["mapped_labels"]["unk"] == LEFT_OUT
        assert manifest["input"]["rows"] == len(ROWS) + len(UNLABELLED) + 2
        assert sum(used.values()) + len(UNLABELLED) + rejected["rows"] + left_out == manifest["input"]["rows"]
        reasons = dict(rejected["by_reason"])
        assert {reason: reasons.pop(reason) for reason in ALWAYS} == ALWAYS
        assert set(reasons) - {*possible, *OF_TEXTS} == set()
        assert {*certain, *OF_TEXTS} - set(reasons) == set()
        listed = [
            json.loads(line) for path in (folder / "rejected").iterdir() for line in path.read_text().splitlines()
        ]
        assert Counter(row["reason"] for row in listed) == rejected["by_reason"]
        assert len({(row["file"], row["row"]) for row in listed}) == len(listed)
    for other in folders[1:]:
        assert record_bytes(other) == record_bytes(folders[0])
        for key in FACTS:
            assert facts_of(other)[key] == facts_of(folders[0])[key], key
