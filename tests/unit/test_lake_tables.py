"""Delta and Iceberg tables, as their own libraries write them, and marks of Hudi: what is read, and what is refused."""

import base64
import importlib.util
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.memory import InMemoryCatalog
from pyroaring import BitMap64

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import InputTasks, check_columns, plan_tasks, plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import ColumnNames
from tests.support.memory_files import COLUMNS, MemoryFiles

# The digits of Python's base 85, and of ZeroMQ's.
B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

Row = tuple[str, str]
REVIEWS = pa.table({"text": ["good", "bad", "fine"], "label": ["pos", "neg", "pos"]})
MORE = pa.table({"text": ["worse"], "label": ["neg"]})


def rows_of(found: InputTasks, files: Any) -> list[Row]:
    batches = (batch for group in found.groups for batch in read_tasks(group.tasks(), COLUMNS, files))
    return sorted((row["text"].decode(), row["label"]) for batch in batches for row in batch.rows.to_pylist())


def read(path: str | list[str], files: Any = None, *, format: str = "auto") -> tuple[list[Row], InputTasks]:
    files = files or LocalFiles()
    found = plan_tasks(InputSettings.model_validate({"path": path, "format": format}), files)
    check_columns(found.tasks(), COLUMNS, files)
    return rows_of(found, files), found


@pytest.fixture
def delta(tmp_path: Path) -> Path:
    """Version 3 of a table of three writes, of whose rows one is deleted, so that a file is written anew."""
    path = tmp_path / "d" / "reviews"
    deltalake.write_deltalake(path, REVIEWS)
    deltalake.write_deltalake(path, MORE, mode="append")
    deltalake.write_deltalake(path, pa.table({"text": ["gone"], "label": ["neg"]}), mode="append")
    deltalake.DeltaTable(path).delete("text = 'gone'")
    return path


CURRENT = [("bad", "neg"), ("fine", "pos"), ("good", "pos"), ("worse", "neg")]


# What the user names, and input.format
@pytest.mark.parametrize(("path", "format"), [
    ("{}", "auto"), ("{}", "parquet"), ("{}/", "auto"), ("{}/*.parquet", "auto"), ("{}/*.parquet", "parquet"),
    ("{}/../*", "auto"), ("{}/..", "auto"), ("{}/../**/*.parquet", "auto"),
])  # fmt: skip
def test_delta_table_is_read_by_its_log(delta: Path, path: str, format: str) -> None:
    rows, found = read(path.format(delta), format=format)
    assert rows == CURRENT
    assert [(table.kind, table.version, table.files) for table in found.lake_tables] == [("Delta", "3", 2)]
    assert found.left_out == {"not_in_table": 1}
    assert found.left_out_lines()[0].endswith(" is a Delta table: 2 files of version 3 are read")


def test_delta_table_as_plain_files_would_give_deleted_rows(delta: Path) -> None:
    """A file that is named in full is read as it is; and the oracle of the others."""
    files = sorted(str(path) for path in delta.glob("*.parquet"))
    assert ("gone", "neg") in read(files)[0]
    table = deltalake.DeltaTable(delta).to_pyarrow_table()
    assert sorted(zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True)) == CURRENT


def test_delta_table_in_the_current_folder(delta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(delta)
    assert read(".")[0] == CURRENT
    assert read("*.parquet")[0] == CURRENT
    (delta / "sub").mkdir()
    monkeypatch.chdir(delta / "sub")
    assert read("../*.parquet")[0] == CURRENT


def test_delta_table_beside_other_files(delta: Path) -> None:
    (delta.parent / "more.csv").write_text("text,label\nnew,pos\n")
    (delta.parent / "README.md").write_text("#")
    rows, found = read(str(delta.parent))
    assert rows == sorted([*CURRENT, ("new", "pos")])
    assert found.left_out == {"not_in_table": 1, "metadata": 1}


def test_delta_table_whose_columns_are_in_its_log(tmp_path: Path) -> None:
    """Values as only a log can tell them: an integer, null, a string that a folder's name has to encode."""
    table = pa.table({"text": ["a", "b", "c", "d"], "label": [1, 0, None, 1], "tag": ["x y", "é/%", None, "="]})
    deltalake.write_deltalake(tmp_path / "t", table, partition_by=["label", "tag"])
    rows, _ = read(str(tmp_path / "t"))
    assert rows == [("a", "1"), ("b", "0"), ("d", "1")]
    settings = InputSettings.model_validate({"path": str(tmp_path / "t"), "text_column": ["tag", "text"]})
    tasks, files = plan_texts(settings, LocalFiles()).tasks(), LocalFiles()
    texts = [row.text for row in read_in_order(tasks, ColumnNames(("tag", "text")), files)]
    assert {*texts} == {b"= d", b"x y a", "é/% b".encode(), b"c"}  # a null is no text to join
    # A part of the table by a glob.
    assert read(f"{tmp_path}/t/label=1/*/*.parquet")[0] == [("a", "1"), ("d", "1")]
    assert read(f"{tmp_path}/t/label=0")[0] == [("b", "0")]


def test_delta_table_after_a_checkpoint_and_on_a_store(delta: Path) -> None:
    deltalake.DeltaTable(delta).create_checkpoint()
    deltalake.write_deltalake(delta, pa.table({"text": ["last"], "label": ["pos"]}), mode="append")
    (delta / "_delta_log" / f"{0:020}.json").unlink()  # what a checkpoint replaces may be cleaned up
    expected = sorted([*CURRENT, ("last", "pos")])
    assert read(str(delta))[0] == expected
    stored = {f"gs://b/d/reviews/{path.relative_to(delta)}": path for path in delta.rglob("*") if path.is_file()}
    files = MemoryFiles({name: path.read_bytes() for name, path in stored.items()})
    for path in ("gs://b/d/reviews", "gs://b/d", "gs://b/d/reviews/*.parquet"):
        assert read(path, files)[0] == expected


def written_log(delta: Path, *actions: dict[str, Any]) -> None:
    """A further version of a table, written by hand."""
    version = len(list((delta / "_delta_log").glob("*.json")))
    log = delta / "_delta_log" / f"{version:020}.json"
    log.write_text("\n".join(json.dumps(action) for action in actions))


def with_features(delta: Path, *features: str, configuration: dict[str, str] | None = None, old: bool = False) -> None:
    first = [json.loads(line) for line in (delta / "_delta_log" / f"{0:020}.json").read_text().splitlines()]
    metadata = next(action["metaData"] for action in first if "metaData" in action)
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    if old:
        protocol = {"minReaderVersion": 2, "minWriterVersion": 5}
    schema = json.loads(metadata["schemaString"])
    for number, field in enumerate(schema["fields"], 1):
        physical = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": f"col-{number}"}
        field["metadata"] = physical if configuration else {}
    metadata = {**metadata, "configuration": configuration or {}, "schemaString": json.dumps(schema)}
    written_log(delta, {"protocol": protocol}, {"metaData": metadata})


def removed_file(delta: Path) -> None:
    path = deltalake.DeltaTable(delta).file_uris()[0]
    Path(path).unlink()


def broken_log(delta: Path) -> None:
    for path in (delta / "_delta_log").iterdir():
        path.write_text("{")


MAPPING = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"}

# what is done to the table, what the refusal says
DELTA_REFUSED: list[tuple[Callable[[Path], object], str]] = [
    (lambda t: with_features(t, "columnMapping", configuration=MAPPING), "column mapping name"),
    (lambda t: with_features(t, configuration=MAPPING, old=True), "column mapping name"),
    (lambda t: with_features(t, "fromTheFuture"), "fromTheFuture"),
    (removed_file, "which is not there"),
    (broken_log, "its log is not understood"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), DELTA_REFUSED)
def test_delta_table_is_refused_if_plain_parquet_would_misread_it(
    delta: Path, change: Callable[[Path], object], message: str
) -> None:
    change(delta)
    with pytest.raises(UserError) as error:
        read(str(delta))
    text = str(error.value)
    assert text.startswith(f"input.path: {delta} is a Delta table that can't be read: ")
    assert message in text
    assert text.endswith(f"spark.read.format('delta').load('{delta}').write.parquet('copy'), and give that")


def test_delta_table_with_features_that_change_no_rows(delta: Path) -> None:
    with_features(delta, "timestampNtz", "deletionVectors")
    assert read(str(delta))[0] == CURRENT


def test_delta_table_with_deletion_vectors_is_refused(delta: Path) -> None:
    with_features(delta, "deletionVectors")
    logs = [path.read_text() for path in sorted((delta / "_delta_log").glob("*.json"))]
    actions = [json.loads(line) for log in logs for line in log.splitlines()]
    add = next(action["add"] for action in reversed(actions) if "add" in action)
    # A bitmap of the row 0, inline, as Delta's protocol describes it: a magic number, a 64-bit Roaring bitmap, in Z85.
    bitmap = struct.pack("<I", 1681511377) + BitMap64([0]).serialize()
    bitmap += bytes(-len(bitmap) % 4)
    text = base64.b85encode(bitmap).translate(bytes.maketrans(B85, Z85)).decode()
    vector = {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(bitmap), "cardinality": 1}
    removed = {"path": add["path"], "dataChange": True, "deletionTimestamp": 1}
    written_log(delta, {"remove": removed}, {"add": {**add, "deletionVector": vector}})
    with pytest.raises(UserError, match="rows of its files are deleted by deletion vectors; write a copy"):
        read(str(delta))


# input.path, input.format, message
@pytest.mark.parametrize(("path", "format", "message"), [
    ("{}", "csv", "input.format: {} is a Delta table, and its files are parquet; set auto"),
    ("{}/stale*.parquet", "auto", "input.path: '{}/stale*.parquet' names no file of the current version of {}, a Delta "
     "table; give the table's folder, or another version of it"),
])  # fmt: skip
def test_delta_table_mistakes(delta: Path, path: str, format: str, message: str) -> None:
    pq.write_table(MORE, delta / "stale.parquet")
    with pytest.raises(UserError) as error:
        read(path.format(delta), format=format)
    assert str(error.value).replace(str(delta), "{}") == message


def test_tables_without_their_library_name_it(delta: Path, iceberg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    for path, kind, extra in ((delta, "a Delta", "delta"), (iceberg, "an Iceberg", "iceberg")):
        with pytest.raises(UserError) as error:
            read(str(path))
        assert str(error.value) == (
            f"input.path: {path} is {kind} table: its log, and not the folder, says which files count; "
            f"pip install 'textrecords[{extra}]'"
        )


@pytest.fixture
def catalog(tmp_path: Path) -> InMemoryCatalog:
    catalog = InMemoryCatalog("memory", warehouse=f"file://{tmp_path}/wh")
    catalog.create_namespace("db")
    return catalog


@pytest.fixture
def iceberg(catalog: InMemoryCatalog, tmp_path: Path) -> Path:
    """A table of three writes, of whose rows one is deleted, so that its file is written anew without it."""
    table = catalog.create_table("db.reviews", REVIEWS.schema)
    table.append(REVIEWS)
    table.append(pa.concat_tables([MORE, pa.table({"text": ["gone"], "label": ["neg"]})]))
    table.delete("text == 'gone'")
    return tmp_path / "wh" / "db" / "reviews"


@pytest.mark.parametrize(("path", "format", "left_out"), [
    ("{}", "auto", 1), ("{}", "parquet", 1), ("{}/data/*.parquet", "parquet", 1), ("{}/data", "auto", 1),
    ("{}/..", "auto", 1), ("{}/**/*.parquet", "auto", 1),
])  # fmt: skip
def test_iceberg_table_is_read_by_its_metadata(iceberg: Path, path: str, format: str, left_out: int) -> None:
    rows, found = read(path.format(iceberg), format=format)
    assert rows == CURRENT
    assert [(table.kind, table.files) for table in found.lake_tables] == [("Iceberg", 2)]
    assert found.left_out == {"not_in_table": left_out}


def test_iceberg_table_that_was_moved_or_is_on_a_store(iceberg: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    iceberg.rename(moved)
    assert read(str(moved))[0] == CURRENT
    stored = {f"s3://b/t/{path.relative_to(moved)}": path for path in moved.rglob("*") if path.is_file()}
    files = MemoryFiles({name: path.read_bytes() for name, path in stored.items()})
    for path in ("s3://b/t", "s3://b/t/data/*.parquet"):
        assert read(path, files)[0] == CURRENT


def test_iceberg_table_by_its_hint(iceberg: Path) -> None:
    """The version before the row was deleted."""
    (iceberg / "metadata" / "version-hint.text").write_text("2")
    assert ("gone", "neg") in read(str(iceberg))[0]


def renamed(catalog: InMemoryCatalog, _path: Path) -> None:
    with catalog.load_table("db.reviews").update_schema() as update:
        update.rename_column("label", "stars")


def ambiguous(_catalog: InMemoryCatalog, path: Path) -> None:
    last = max((path / "metadata").glob("*.metadata.json"))
    last.with_name(f"{last.name.partition('-')[0]}-other.metadata.json").write_bytes(last.read_bytes())


def broken(_catalog: InMemoryCatalog, path: Path) -> None:
    for file in (path / "metadata").glob("*.metadata.json"):
        file.write_text("{")


@pytest.mark.parametrize(("change", "message"), [
    (renamed, "its column 'stars' had another name before, or was another column"),
    (ambiguous, "2 files of its metadata may be the current one"),
    (broken, "its log is not understood"),
])  # fmt: skip
def test_iceberg_table_is_refused_if_plain_files_would_misread_it(
    catalog: InMemoryCatalog, iceberg: Path, change: Callable[[InMemoryCatalog, Path], object], message: str
) -> None:
    change(catalog, iceberg)
    with pytest.raises(UserError) as error:
        read(str(iceberg))
    assert str(error.value).startswith(f"input.path: {iceberg} is an Iceberg table that can't be read: {message}")


@pytest.mark.parametrize("path", ["h", "h/*.parquet", "h/..", "h/day=1", "h/day=1/*"])
def test_hudi_table_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "h" / ".hoodie").mkdir(parents=True)
    (tmp_path / "h" / ".hoodie" / "hoodie.properties").touch()
    (tmp_path / "h" / "day=1").mkdir()
    for name in ("h/a.parquet", "h/day=1/b.parquet"):
        pq.write_table(REVIEWS, tmp_path / name)
    with pytest.raises(UserError, match=r"h is a Hudi table; tables of Hudi are not read; write a copy, for example "):
        read(str(tmp_path / path))


def test_a_folder_of_metadata_is_no_table(tmp_path: Path) -> None:
    """Nor is one that was a table's, and has no log any more."""
    for name in ("metadata/schema.json", "metadata/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    (tmp_path / "_delta_log").mkdir()
    pq.write_table(REVIEWS, tmp_path / "a.parquet")
    rows, found = read(str(tmp_path), format="parquet")
    assert (len(rows), found.lake_tables) == (3, ())
