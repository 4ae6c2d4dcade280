"""Files that change between planning and the end of reading: the run is refused, whatever the change."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import FileInfo, LocalFiles, stamp_of
from pipeline.sources import plan_all, plan_tasks, plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.tasks import ReadTask
from pipeline.sources.unchanged import check_unchanged, unchanged
from tests.support.memory_files import COLUMNS, parquet

LONG_AGO = 1_700_000_000_123_456_789
ROWS = [{"text": f"text {number:04}", "label": "ab"[number % 2]} for number in range(500)]
CONTENTS = {
    "csv": "text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in ROWS),
    "jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
}


def make(folder: Path, name: str) -> Path:
    """A file of the rows, last changed long ago."""
    path = folder / name
    ending = path.suffix.removeprefix(".")
    if ending == "parquet":
        path.write_bytes(parquet({key: [row[key] for row in ROWS] for key in ROWS[0]}, row_group_size=100))
    else:
        path.write_text(CONTENTS[ending])
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(path.read_bytes()[-20:])


def replace(path: Path) -> None:
    """Another file of the same size takes its name."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes().replace(b"text 0", b"TEXT 0"))
    assert other.stat().st_size == path.stat().st_size
    other.replace(path)


def touch(path: Path) -> None:
    """The smallest difference of time that counts."""
    os.utime(path, ns=(LONG_AGO, LONG_AGO + 1000))


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES = [cut, append, replace, touch, Path.unlink, make_folder]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_unchanged_refuses_a_file_that_changes_while_it_is_read(
    tmp_path: Path, name: str, change: Callable[[Path], None]
) -> None:
    path, files = make(tmp_path, name), LocalFiles()
    (task,) = plan_tasks(InputSettings(path=str(path)), files).tasks()
    batches = read_tasks([task], COLUMNS, files, batch_rows=50)
    first = next(batches)
    assert first.rows["text"][0].as_py() == b"text 0000"
    change(path)
    with pytest.raises(UserError, match=f"^input.path: {path} changed while it was read; start again"):
        list(batches)


@pytest.mark.parametrize("change", CHANGES)
def test_unchanged_refuses_a_file_that_changes_before_it_is_read_again(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    make(tmp_path, "a.csv")
    path, files = make(tmp_path, "b.jsonl"), LocalFiles()
    tasks = list(plan_tasks(InputSettings(path=str(tmp_path)), files, range_bytes=4000).tasks())
    assert len(tasks) > 3
    for _ in range(2):  # reading changes nothing
        assert sum(batch.count for batch in read_tasks(tasks, COLUMNS, files)) == 1000
        check_unchanged(tasks, [str(tmp_path)], files)
    change(path)
    with pytest.raises(UserError, match=f"{path} changed while it was read"):
        check_unchanged(tasks, [str(tmp_path)], files)
    with pytest.raises(UserError, match=f"{path} changed while it was read"):
        list(read_tasks(tasks, COLUMNS, files))
    with suppress(OSError):
        shutil.rmtree(path)
    make(tmp_path, "b.jsonl")  # the file as it was, with its time
    check_unchanged(tasks, [str(tmp_path)], files)


@pytest.mark.parametrize("change", CHANGES)
def test_unchanged_refuses_in_predict(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path, files = make(tmp_path, "a.jsonl"), LocalFiles()
    rows = read_in_order(plan_texts(InputSettings(path=str(path)), files).tasks(), ColumnNames("text"), files)
    assert next(rows).text == b"text 0000"
    change(path)
    with pytest.raises(UserError, match=f"{path} changed while it was read"):
        list(rows)


def test_unchanged_comes_before_the_error_that_follows_from_it(tmp_path: Path) -> None:
    path, files = make(tmp_path, "a.csv"), LocalFiles()
    (task,) = plan_tasks(InputSettings(path=str(path)), files).tasks()
    with pytest.raises(AssertionError, match="a bug"), unchanged([task], files):
        raise AssertionError("a bug")
    cut(path)
    with pytest.raises(UserError, match="changed while it was read"), unchanged([task], files):
        raise AssertionError("a bug, or the changed file")


class Store:
    """pipeline.files.local.Files of an object store; counts requests."""

    def __init__(self, stamps: Mapping[str, bytes]) -> None:
        self.stamps, self.requests = dict(stamps), 0

    def match(self, pattern: str) -> list[FileInfo]:
        self.requests += 1
        return [FileInfo(path, 1, stamp) for path, stamp in self.stamps.items() if path.startswith(pattern)]

    def stamp(self, path: str) -> bytes:
        self.requests += 1
        return self.stamps.get(path, b"")

    def open(self, _path: str) -> BinaryIO:
        raise AssertionError


def test_unchanged_lists_remote_files_once() -> None:
    store = Store({f"gs://bucket/{number}.csv": stamp_of(1, number) for number in range(40)})
    tasks = [ReadTask(path, 0, "csv", stamp=stamp) for path, stamp in store.stamps.items()]
    with unchanged(tasks, store):
        pass
    assert store.requests == 0
    check_unchanged(tasks, ["gs://bucket/"], store)
    assert store.requests == 1
    store.stamps["gs://bucket/7.csv"] = stamp_of(2, 7)
    with pytest.raises(UserError, match=r"7.csv changed"), unchanged(tasks[7:8], store):
        pass
    with pytest.raises(UserError, match=r"7.csv changed"), unchanged(tasks, store):
        raise OSError
    del store.stamps["gs://bucket/7.csv"]
    with pytest.raises(UserError, match=r"^input.path: gs://bucket/7.csv changed while it was read"):
        check_unchanged(tasks, ["gs://bucket/"], store)


def test_unchanged_names_the_setting_of_texts_without_labels(tmp_path: Path) -> None:
    labelled, unlabelled = make(tmp_path, "rows.csv"), make(tmp_path, "texts.csv")
    files = LocalFiles()
    settings = InputSettings(path=str(labelled), unlabelled=str(unlabelled))
    tasks = list(plan_all(settings, files).tasks())
    append(unlabelled)
    with pytest.raises(UserError, match=f"^input.unlabelled: {unlabelled} changed while it was read; start again"):
        check_unchanged(tasks, [*settings.paths, *settings.unlabelled_paths], files)
