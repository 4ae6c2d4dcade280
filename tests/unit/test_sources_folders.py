"""A folder a label and a file a text; and many small files of any format in few groups."""

import gzip
import io
import pickle
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import FileInfo, LocalFiles
from pipeline.sources import InputTasks, check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.prefetch import CONCURRENT_READS
from pipeline.sources.schema import Batch
from pipeline.sources.tasks import PLACE_BITS
from tests.support.memory_files import COLUMNS, ManyFiles, MemoryFiles, rejected_of

# fmt: off
LAYOUTS = [
    # name, input.path, files, (path, splits) of each text, files left out
    ("aclImdb", "imdb", ["imdb/README", "imdb/train/pos/1.txt", "imdb/train/unsup/2.txt", "imdb/test/neg/3.txt",
                         "imdb/train/urls_pos.txt", "imdb/train/labeledBow.feat", "imdb/train/pos/x.dat"],
     [("imdb/test/neg/3.txt", "test"), ("imdb/train/pos/1.txt", "train eval")],
     {"unsup": 1, "metadata": 1, "other": 3}),
    ("all splits", "d", ["d/train/a/1.txt", "d/eval/a/1.txt", "d/test/b/1.txt"],
     [("d/eval/a/1.txt", "eval"), ("d/test/b/1.txt", "test"), ("d/train/a/1.txt", "train")], {}),
    ("other names of eval", "d", ["d/train/a/1.txt", "d/Valid/a/1.txt", "d/dev/a/2.txt", "d/VAL/b/1.txt"],
     [("d/VAL/b/1.txt", "eval"), ("d/Valid/a/1.txt", "eval"), ("d/dev/a/2.txt", "eval"),
      ("d/train/a/1.txt", "train test")], {}),  # a test split is cut from train as well
    ("train alone", "d", ["d/train/a/1.txt", "d/train/b/1.txt"],
     [("d/train/a/1.txt", "train eval test"), ("d/train/b/1.txt", "train eval test")], {}),
    ("labels alone", "d", ["d/a/1.txt", "d/b/1.txt", "d/c.txt"], [("d/a/1.txt", None), ("d/b/1.txt", None)],
     {"other": 1}),
    ("a split's own folder", "d/train", ["d/train/a/1.txt", "d/train/b/1.txt"],
     [("d/train/a/1.txt", None), ("d/train/b/1.txt", None)], {}),  # folders above input.path do not count
    ("deeper", "d", ["d/x/y/train/a/1.txt", "d/x/y/test/a/1.txt"],
     [("d/x/y/test/a/1.txt", "test"), ("d/x/y/train/a/1.txt", "train eval")], {}),
    ("compressed", "d", ["d/a/1.txt.gz", "d/b/1.TXT.zst"], [("d/a/1.txt.gz", None), ("d/b/1.TXT.zst", None)], {}),
]
# fmt: on


def planned(files: MemoryFiles, path: str, *, format: str = "auto", **options: Any) -> InputTasks:
    return plan_tasks(InputSettings.model_validate({"path": path, "format": format}), files, **options)


def texts_of(tasks: InputTasks) -> list[tuple[str, str | None]]:
    return sorted(((task.path, task.splits) for task in tasks.tasks()), key=lambda text: text[0])


@pytest.mark.parametrize("format", ["auto", "folders"])
@pytest.mark.parametrize(
    ("path", "names", "texts", "left_out"), [case[1:] for case in LAYOUTS], ids=[case[0] for case in LAYOUTS]
)
def test_sources_folders_layout(
    path: str, names: list[str], texts: list[tuple[str, str | None]], left_out: dict[str, int], format: str
) -> None:
    found = planned(MemoryFiles(dict.fromkeys(names, b"x")), path, format=format)
    assert {task.format for task in found.tasks()} == {"folders"}
    assert texts_of(found) == texts
    assert (found.files, found.bytes, found.left_out) == (len(texts), len(texts), left_out)


def test_sources_folders_by_glob() -> None:
    files = MemoryFiles(dict.fromkeys(["d/train/a/1.txt", "d/test/b/2.txt", "d/train/c.txt"], b"x"))
    found = planned(files, "d/*.txt", format="folders")
    assert texts_of(found) == [("d/test/b/2.txt", "test"), ("d/train/a/1.txt", "train eval")]


REFUSED = [
    # input.path, input.format, files, message
    ("d", "auto", ["d/a/1.txt", "d/x.csv"],
     "input.format: the folder 'd' holds texts in folders as well as d/x.csv; set folders, or csv"),
    ("d", "folders", ["d/1.txt"],
     "input.path: 'd' holds no text in a folder of its label, such as train/pos/1.txt or pos/1.txt"),
    ("d", "folders", ["d/unsup/1.txt"],
     "input.path: 'd' holds no text in a folder of its label, such as train/pos/1.txt or pos/1.txt"),
    ("d", "auto", ["d/a/caf\udce9.txt"],
     "input.path: the name of 'd/a/caf\\udce9.txt' is not UTF-8; rename the file"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "format", "names", "message"), REFUSED)
def test_sources_folders_refuses(path: str, format: str, names: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        planned(MemoryFiles(dict.fromkeys(names, b"x")), path, format=format)
    assert str(error.value) == message


def test_sources_folders_have_no_columns() -> None:
    files = MemoryFiles({"d/a/1.txt": b"x"})
    tasks = list(planned(files, "d").tasks())
    check_columns(tasks, ColumnNames("any", "name"), files)
    for columns, setting in (
        (ColumnNames("t", "l", split="part"), "split.column"),
        (ColumnNames("t", "l", id="part"), "input.id_column"),
    ):
        with pytest.raises(UserError) as error:
            check_columns(tasks, columns, files)
        assert str(error.value) == f"{setting}: 'part' is a column, and texts in folders have none; leave it null"


# fmt: off
TEXTS = [
    # name, content, text (None: it is rejected), reason
    ("1.txt", b"good film\n", "good film\n", None),  # all of the file, whatever is in it
    ("1.txt", b"a,\"b\r\n\tc", "a,\"b\r\n\tc", None),
    ("1.txt", b"", "", None),  # an empty text is a text
    ("1.txt", b"a\0b", "a\0b", None),
    ("1.txt", "\ufeffcaf\u00e9".encode(), "café", None),
    ("1.txt", "\ufeffcaf\u00e9".encode("utf-16-le"), "café", None),
    ("1.txt", "\ufeffab".encode("utf-16-be")[:-1], None, "damaged file"),
    ("1.txt", b"caf\xe9", None, "invalid UTF-8"),
    ("1.txt.gz", gzip.compress(b"good", mtime=0), "good", None),
    ("1.txt.gz", gzip.compress(b"good", mtime=0)[:-1], None, "damaged file"),
]
# fmt: on


def read_all(files: MemoryFiles, path: str = "d") -> list[Batch]:
    return [batch for group in planned(files, path).groups for batch in read_tasks(group.tasks(), COLUMNS, files)]


@pytest.mark.parametrize(("name", "content", "text", "reason"), TEXTS)
def test_sources_folders_a_file_is_a_row(name: str, content: bytes, text: str | None, reason: str | None) -> None:
    files = MemoryFiles({f"d/train/x/{name}": content, "d/train/y/z.txt": b"other"})
    batches = read_all(files)
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    expected = [] if text is None else [(text, "x", "train eval test", 0, 0)]
    expected.append(("other", "y", "train eval test", 1 << PLACE_BITS, 0))
    assert [(r["text"].decode(), r["label"], r["split"], r["position"], r["row"]) for r in rows] == expected
    rejected = [row for batch in batches for row in batch.rejected.to_pylist()]
    assert [(r["file"], r["row"], r["reason"]) for r in rejected] == (
        [(f"d/train/x/{name}", 0, reason)] if reason else []
    )


def test_sources_folders_truncation_loses_no_row_in_silence() -> None:
    content = gzip.compress(b"a text of some length", mtime=0)
    for length in range(len(content)):
        batches = read_all(MemoryFiles({"d/x/1.txt.gz": content[:length], "d/y/2.txt": b"other"}))
        assert sum(batch.rows.num_rows for batch in batches) == 1
        assert rejected_of(batches) == [(0, "damaged file")]


# files, range_bytes, how many files each group holds: opening a file counts as 64 KiB
KIB = 1 << 10
GROUPS = [
    ([("a", 1)] * 40, 1 << 20, [15, 15, 10]),
    ([("a", 1)] * 3000, 64 << 20, [1023, 1023, 954]),
    ([("a", 600 * KIB)] * 3, 1 << 20, [1, 1, 1]),
    ([("a", 1), ("b", 1)] * 10, 1 << 20, [15, 5]),  # of different formats, too
    ([("a", 1), ("a", 5 << 20), ("a", 1), ("a", 1)], 1 << 20, [1, 1, 2]),  # packed, so it can't be cut
]


@pytest.mark.parametrize(("sizes", "range_bytes", "groups"), GROUPS)
def test_sources_groups_hold_about_the_same_work(
    sizes: list[tuple[str, int]], range_bytes: int, groups: list[int]
) -> None:
    class Sizes(MemoryFiles):
        def match(self, _pattern: str) -> list[FileInfo]:
            endings = {"a": "jsonl.gz", "b": "csv.gz"}
            return [FileInfo(f"{n:05}.{endings[kind]}", size) for n, (kind, size) in enumerate(sizes)]

        def open(self, _path: str) -> BinaryIO:
            return io.BytesIO(gzip.compress(b"", mtime=0))

    found = planned(Sizes({}), "*", range_bytes=range_bytes)
    assert [len(group.paths) for group in found.groups] == groups
    indices = [task.file_index for task in found.tasks()]  # groups are intervals of the input
    assert indices == list(range(len(sizes)))


# ending, files, groups, most files that planning opens; a million is in systems/test_many_files.py
MANY = [
    (".txt", 100_000, 98, 8),  # in folders
    (".dat", 100_000, 98, 64 + 1 + 8),  # by content; the first one for input.several_labels
]


@pytest.mark.parametrize(("ending", "count", "groups", "opened"), MANY)
def test_sources_many_files_make_few_groups_and_open_few_files(
    ending: str, count: int, groups: int, opened: int
) -> None:
    files = ManyFiles(ending, count)
    settings = InputSettings(path="data*" if ending == ".dat" else "data")
    found = plan_tasks(settings, files)
    check_columns(found.tasks(), COLUMNS, files)
    assert found.files == count
    assert len(found.groups) == groups
    assert max(len(group.paths) for group in found.groups) == 1022
    assert files.opened <= opened
    # What the job's workers fetch once, 278 kB, and what a worker that reads fetches, 40 kB for 1,022 names. With an
    # object for each file it would be 50 kB.
    assert len(zlib.compress(pickle.dumps(found.groups), 1)) < 500_000
    assert max(len(pickle.dumps(group)) for group in found.groups[:10]) < 45_000


def test_sources_many_unnamed_files_must_agree() -> None:
    class Mixed(ManyFiles):
        def open(self, path: str) -> BinaryIO:
            return io.BytesIO(b"text,label\n" if path >= "gs://bucket/data*/50" else b"{}")

    with pytest.raises(UserError, match=r"^input.format: .* looks like csv and .* looks like jsonl; name the files"):
        plan_tasks(InputSettings(path="data*"), Mixed(".dat", 1000))


class Slow(MemoryFiles):
    """Every file waits until several are being opened at the same time: one after the other none would come."""

    def __init__(self, contents: dict[str, bytes], at_a_time: int) -> None:
        super().__init__(contents)
        self._barrier = threading.Barrier(at_a_time, timeout=60)

    def open(self, path: str) -> BinaryIO:
        self._barrier.wait()
        return super().open(path)


def test_sources_remote_files_are_opened_side_by_side_and_stay_in_order() -> None:
    contents = {f"gs://b/{n:02}.jsonl": b'{"text":"%d","label":1}\n' % n for n in range(CONCURRENT_READS)}
    files = Slow(contents, at_a_time=CONCURRENT_READS)
    (group,) = plan_tasks(InputSettings(path="gs://b", several_labels=True), files, range_bytes=1 << 30).groups
    batches = list(read_tasks(group.tasks(), COLUMNS, files))
    assert [row["text"] for batch in batches for row in batch.rows.to_pylist()] == [
        b"%d" % n for n in range(CONCURRENT_READS)
    ]


def test_sources_remote_files_that_vanish_are_the_users_mistake() -> None:
    class Vanishing(MemoryFiles):
        def open(self, path: str) -> BinaryIO:
            if path.endswith("30.csv"):
                raise FileNotFoundError(2, "No such file", path)
            return super().open(path)

    files = Vanishing({f"gs://b/{n:02}.csv": b"text,label\na,1\n" for n in range(50)})
    (group,) = planned(files, "gs://b", range_bytes=1 << 30).groups
    with pytest.raises(UserError, match=r"^input\.path: cannot read gs://b/30\.csv: No such file"):
        list(read_tasks(group.tasks(), COLUMNS, files))


def test_sources_small_files_share_batches() -> None:
    def numbered() -> Iterator[tuple[str, bytes]]:
        for n in range(100):
            yield f"{n:03}.csv", b"text,label\n%d,1\n%d,\n" % (n, n)

    files = MemoryFiles(dict(numbered()))
    (group,) = planned(files, "*", range_bytes=1 << 30).groups
    (batch,) = read_tasks(group.tasks(), COLUMNS, files)
    assert batch.rows["text"].to_pylist() == [b"%d" % n for n in range(100)]
    assert batch.rows["position"].to_pylist() == [n << PLACE_BITS for n in range(100)]
    assert batch.rejected["file"].to_pylist() == [f"{n:03}.csv" for n in range(100)]
    assert set(batch.rejected["row"].to_pylist()) == {1}


def test_sources_folders_on_disk(tmp_path: Path) -> None:
    for name in ("train/pos/1.txt", "test/neg/2.txt", ".git/pos/3.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = plan_tasks(InputSettings(path=f"{tmp_path}/"), LocalFiles())
    assert texts_of(found) == [(f"{tmp_path}/test/neg/2.txt", "test"), (f"{tmp_path}/train/pos/1.txt", "train eval")]
