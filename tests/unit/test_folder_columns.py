"""Columns that folders give, as Hive and Spark write them: every format, every column, the same rows as from files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import check_columns, plan_tasks, plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.folder_columns import values_of_folders
from tests.support.memory_files import COLUMNS, MemoryFiles, parquet
from tests.support.tf_examples import framed, serialized

Rows = Sequence[dict[str, object]]


def csv(rows: Rows) -> bytes:
    return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows), ""]).encode()


def jsonl(rows: Rows) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def tfrecord(rows: Rows) -> bytes:
    return framed(*(serialized({name: [str(value).encode()] for name, value in row.items()}) for row in rows))


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "csv": csv,
    "jsonl": jsonl,
    "parquet": lambda rows: parquet(pa.Table.from_pylist(list(rows))),
    "tfrecord": tfrecord,
}


def read(files: MemoryFiles | LocalFiles, columns: ColumnNames = COLUMNS, path: str = "h") -> list[dict[str, object]]:
    found = plan_tasks(InputSettings(path=path), files)
    check_columns(found.tasks(), columns, files)
    batches = [batch for group in found.groups for batch in read_tasks(group.tasks(), columns, files)]
    return [row for batch in batches for row in [*batch.rows.to_pylist(), *batch.rejected.to_pylist()]]


# path, columns
@pytest.mark.parametrize(("path", "columns"), [
    ("h/label=pos/x.csv", {"label": "pos"}),
    ("gs://b/h/year=2024/label=sci%2Fmed%20a/x.csv", {"year": "2024", "label": "sci/med a"}),
    ("h/label=__HIVE_DEFAULT_PARTITION__/x", {"label": None}),
    ("h/label=/x", {"label": ""}),
    ("h/label=a=b/x", {"label": "a=b"}),
    ("h/label=a/label=b/x", {"label": "b"}),
    ("h/the%20label=caf%C3%A9+/x", {"the label": "café+"}),
    ("h/=a/b/label=pos.csv", {}),  # the name of a file gives none
])  # fmt: skip
def test_values_of_folders(path: str, columns: dict[str, str | None]) -> None:
    assert values_of_folders(path) == columns


@pytest.mark.parametrize("ending", WRITERS)
def test_sources_folders_of_hive_give_labels_in_every_format(ending: str) -> None:
    write = WRITERS[ending]
    files = MemoryFiles({
        f"h/label=neg/part-0.{ending}": write([{"text": "bad"}, {"text": "worse"}]),
        f"h/label=pos/part-0.{ending}": write([{"text": "good"}]),
        f"h/label=__HIVE_DEFAULT_PARTITION__/part-0.{ending}": write([{"text": "who knows"}]),
        "h/_SUCCESS": b"",
    })  # fmt: skip
    assert [(row.get("text", b""), row.get("label"), row.get("reason")) for row in read(files)] == [
        (b"bad", "neg", None), (b"worse", "neg", None), (b"good", "pos", None), (b"", None, "missing label")
    ]  # fmt: skip


def test_sources_folders_of_hive_give_every_column() -> None:
    path = "h/part=valid/user=7/day=2024-05-01/topic=sport/label=1/a.csv"
    files = MemoryFiles({path: b"id,body\na,fine\n"})
    columns = ColumnNames(("topic", "body", "day"), "label", id="user", split="part", group="user", time="day")
    (row,) = read(files, columns)
    assert (row["text"], row["label"], row["split"], row["group"]) == (b"sport fine 2024-05-01", "1", "valid", "7")
    assert row["time"] == 1714521600000000  # 2024-05-01T00:00:00Z
    (row,) = read(MemoryFiles({path: b"id,body\na,\xff\n"}), columns)
    assert (row["reason"], row["id"]) == ("invalid UTF-8", "7")


# columns that the file has beside text -> the error, if any
OWN = [
    ({"other": "x"}, None),
    ({"label": "pos"}, None),  # it agrees
    ({"label": "neg"}, "input.label_column: 'label' is a column of h/label=pos/a.csv, with other values than the name "
     "of its folder, label=pos; rename the column or the folder"),
    ({"label": ""}, None),  # missing: the folder's counts
]  # fmt: skip


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(("own", "message"), OWN)
def test_sources_refuse_a_column_that_contradicts_its_folder(
    ending: str, own: dict[str, object], message: str | None
) -> None:
    files = MemoryFiles({f"h/label=pos/a.{ending}": WRITERS[ending]([{"text": "good", **own}])})
    if message is None:
        assert [(row["text"], row["label"]) for row in read(files)] == [(b"good", "pos")]
        return
    with pytest.raises(UserError) as error:
        read(files)
    assert str(error.value) == message.replace("a.csv", f"a.{ending}")


def test_sources_without_the_column_in_file_or_folder_say_what_the_file_has() -> None:
    with pytest.raises(UserError, match=r"^input.label_column: 'label' is not in h/a.csv; it has the columns text, x$"):
        read(MemoryFiles({"h/a.csv": b"text,x\na,1\n"}))
    # A text is not in a folder's name alone.
    with pytest.raises(UserError, match=r"^input.text_column: 'text' is not in h/text=a/label=b/a.csv; it has the col"):
        read(MemoryFiles({"h/text=a/label=b/a.csv": b"x\n1\n"}))


# What the user names: the folder of the partitions, one of them, a glob, a list.
@pytest.mark.parametrize(("path", "labels"), [
    ("h", ["neg", "pos"]), ("h/label=pos", ["pos"]), ("h/label=*", ["neg", "pos"]), ("h/*/*.csv", ["neg", "pos"]),
    ("h/label=pos/a.csv", ["pos"]), ("h/**/*.csv", ["neg", "pos"]),
])  # fmt: skip
def test_sources_folders_of_hive_by_any_path(path: str, labels: list[str], tmp_path: Path) -> None:
    for label in ("neg", "pos"):
        (tmp_path / "h" / f"label={label}").mkdir(parents=True)
        (tmp_path / "h" / f"label={label}" / "a.csv").write_text("text\nfine\n")
    assert [row["label"] for row in read(LocalFiles(), path=f"{tmp_path}/{path}")] == labels


def test_sources_read_what_pyarrow_writes_in_folders(tmp_path: Path) -> None:
    labels = ["a/b", "c d", "é%", "x=y", None, "+"]
    table = pa.table({"text": [f"text {number}" for number in range(12)], "label": labels * 2})
    flavor = ds.partitioning(pa.schema([("label", pa.string())]), flavor="hive")
    ds.write_dataset(table, tmp_path / "h", format="parquet", partitioning=flavor)
    rows = read(LocalFiles(), path=str(tmp_path / "h"))
    used = sorted((row["text"].decode(), row["label"]) for row in rows if "text" in row)  # type: ignore[attr-defined]
    assert used == sorted((f"text {n}", label) for n, label in enumerate(labels * 2) if label is not None)
    assert [row["reason"] for row in rows if "reason" in row] == ["missing label"] * 2


def test_sources_texts_in_folders_of_hive() -> None:
    files = MemoryFiles({
        "h/split=train/label=pos/1.txt": b"a", "h/split=train/label=neg/2.txt": b"b",
        "h/split=test/label=pos/3.txt": b"c",
        "h/split=train/label=__HIVE_DEFAULT_PARTITION__/4.txt": b"d",
    })  # fmt: skip
    assert [(row.get("text"), row.get("label"), row.get("split"), row.get("reason")) for row in read(files)] == [
        (b"c", "pos", "test", None), (b"b", "neg", "train eval", None), (b"a", "pos", "train eval", None),
        (None, None, None, "missing label"),
    ]  # fmt: skip
    found = read(files, ColumnNames("text", "label", split="split", group="label"))
    assert [(row["split"], row["group"]) for row in found if "text" in row] == [
        ("test", "pos"), ("train", "neg"), ("train", "pos")
    ]  # fmt: skip
    with pytest.raises(UserError, match="'part' is a column, and texts in folders have none"):
        read(files, ColumnNames("text", "label", split="part"))


def test_sources_texts_are_joined_with_those_of_folders_for_predict() -> None:
    files = MemoryFiles({"h/topic=sport/a.csv": b"body\nfine\n", "h/topic=film/a.csv": b"body\ngood\n"})
    settings = InputSettings.model_validate({"path": "h", "text_column": ["topic", "body"]})
    tasks = plan_texts(settings, files)
    rows = read_in_order(tasks.tasks(), ColumnNames(("topic", "body")), files)
    assert [row.text for row in rows] == [b"film good", b"sport fine"]
