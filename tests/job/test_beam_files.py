"""pipeline.files.beam: the same files on this machine as without Beam, whatever their names; and a store without
folders."""

import hashlib
import io
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem

from pipeline.files.beam import BeamFiles
from pipeline.files.local import LocalFiles
from pipeline.inspection.verify import verify_folder
from tests.support.plain_records import EVAL, make_folder

TREE = [
    "a.csv", "a[1].csv", "a1.csv", "star*.csv", "starry.csv", "q?.csv", ".hidden.csv", "sp ace/é.csv",
    "d[x]/one.csv", "d[x]/sub/two.csv", "dx/three.csv", "deep/a/b.csv", "deep/.part.crc",
]  # fmt: skip

# pattern -> the files that it names
PATTERNS = [
    ("a.csv", ["a.csv"]),
    ("./a.csv", ["a.csv"]),
    ("a[1].csv", ["a[1].csv"]),  # a file that has the name wins over the glob
    ("star*.csv", ["star*.csv"]),
    ("star?y.csv", ["starry.csv"]),
    ("*.csv", ["a.csv", "a1.csv", "a[1].csv", "q?.csv", "star*.csv", "starry.csv"]),  # hidden ones are left out
    ("d[x]", ["d[x]/one.csv", "d[x]/sub/two.csv"]),
    ("d[xy]", ["dx/three.csv"]),
    ("deep", ["deep/a/b.csv"]),
    ("deep/", ["deep/a/b.csv"]),
    ("deep/*", ["deep/a/b.csv"]),
    ("**/t*.csv", ["d[x]/sub/two.csv", "dx/three.csv"]),
    (".hidden.csv", [".hidden.csv"]),
    ("sp ace/*", ["sp ace/é.csv"]),
    ("nothing*", []),
    ("nothing", []),
]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in TREE:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(("pattern", "names"), PATTERNS)
def test_filesystem_matches_what_is_matched_without_beam(pattern: str, names: list[str]) -> None:
    assert [file.path for file in BeamFiles().match(pattern) if not file.left_out] == names
    assert BeamFiles().match(pattern) == LocalFiles().match(pattern)


def test_filesystem_matches_absolute_paths(tree: Path) -> None:
    assert [(file.path, file.size) for file in BeamFiles().match(f"{tree}/d[xy]/*")] == [(f"{tree}/dx/three.csv", 12)]


def test_filesystem_below_has_every_file(tree: Path) -> None:
    assert [file.path for file in BeamFiles().below(f"{tree}/deep/")] == [
        f"{tree}/deep/.part.crc",
        f"{tree}/deep/a/b.csv",
    ]
    assert [file.path for file in BeamFiles().below(f"{tree}/d[x]")] == [
        f"{tree}/d[x]/one.csv", f"{tree}/d[x]/sub/two.csv",
    ]  # fmt: skip


def test_filesystem_removes_the_very_path(tree: Path) -> None:
    BeamFiles().remove([f"{tree}/d[x]", f"{tree}/a[1].csv", f"{tree}/star*.csv", f"{tree}/q?.csv", f"{tree}/gone"])
    left = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file())
    assert left == [
        ".hidden.csv", "a.csv", "a1.csv", "deep/.part.crc", "deep/a/b.csv", "dx/three.csv", "sp ace/é.csv",
        "starry.csv",
    ]  # fmt: skip


def test_filesystem_removes_a_folder_into_which_something_is_put_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    removed, late = os.rmdir, iter(["train.1", "train.2"])

    def after_a_late_worker(path: str, **places: int) -> None:
        for name in itertools.islice(late, 1):
            (tmp_path / "run" / name).touch()
        removed(path, **places)

    monkeypatch.setattr(os, "rmdir", after_a_late_worker)
    BeamFiles().remove([str(tmp_path / "run")])
    assert list(tmp_path.iterdir()) == []


def test_filesystem_removes_a_link_and_not_what_it_leads_to(tree: Path) -> None:
    (tree / "link").symlink_to(tree / "deep")
    BeamFiles().remove([f"{tree}/link"])
    assert not (tree / "link").is_symlink()
    assert (tree / "deep/a/b.csv").exists()


def test_filesystem_writes_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = BeamFiles()
    path = f"{tmp_path}/new/folder/file[1].json"
    files.write(path, b"first")
    files.write(path, b"second")
    assert files.read(path) == b"second"
    monkeypatch.setattr(os, "rename", _refuse)
    with pytest.raises(BeamIOError):
        files.write(path, b"third")
    assert Path(path).read_bytes() == b"second"


def _refuse(*_: object) -> None:
    raise OSError("no")


class Store(FileSystem):
    """An object store in memory: names with slashes in them, no folders."""

    objects: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls) -> str:
        return "store"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath, *paths])

    def split(self, path: str) -> tuple[str, str]:
        return path.rpartition("/")[0], path.rpartition("/")[2]

    def mkdirs(self, path: str) -> None:
        """There is nothing to make."""

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for name, content in self.objects.items():
            if name.startswith(dir_or_prefix):
                yield FileMetadata(name, len(content))

    def create(self, path: str, mime_type: str = "", compression_type: str = "") -> io.BytesIO:
        del mime_type, compression_type
        objects = self.objects

        class Written(io.BytesIO):
            def close(self) -> None:
                objects[path] = self.getvalue()
                super().close()

        return Written()

    def open(self, path: str, mime_type: str = "", compression_type: str = "") -> io.BytesIO:
        del mime_type, compression_type
        return io.BytesIO(self.objects[path])

    def copy(self, sources: list[str], targets: list[str]) -> None:
        for source, target in zip(sources, targets, strict=True):
            self.objects[target] = self.objects[source]

    def rename(self, sources: list[str], targets: list[str]) -> None:
        for source, target in zip(sources, targets, strict=True):
            self.objects[target] = self.objects.pop(source)

    def exists(self, path: str) -> bool:
        return path in self.objects

    def size(self, path: str) -> int:
        return len(self.objects[path])

    def last_updated(self, path: str) -> float:
        del path
        return 0.0

    def checksum(self, path: str) -> str:
        return hashlib.sha256(self.objects[path]).hexdigest()

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, self.size(path))

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            del self.objects[path]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    names = [
        "store://b/a.csv",
        "store://b/a[1].csv",
        "store://b/in/x.csv",
        "store://b/in/.y.csv",
        "store://b/inner/z.csv",
    ]
    objects = {name: name.encode() for name in names}
    monkeypatch.setattr(Store, "objects", objects)
    return objects


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("store://b/a.csv", ["store://b/a.csv"]),
        ("store://b/a[1].csv", ["store://b/a[1].csv"]),
        ("store://b/*.csv", ["store://b/a.csv", "store://b/a[1].csv"]),
        ("store://b/in", ["store://b/in/x.csv"]),  # a prefix is as good as a folder; `inner` is another one
        ("store://b/none", []),
    ],
)
def test_filesystem_matches_in_a_store(pattern: str, names: list[str]) -> None:
    assert [file.path for file in BeamFiles().match(pattern) if not file.left_out] == names


def test_filesystem_removes_in_a_store(store: dict[str, Any]) -> None:
    BeamFiles().remove(["store://b/in", "store://b/a.csv", "store://b/none"])
    assert sorted(store) == ["store://b/a[1].csv", "store://b/inner/z.csv"]


def test_verify_reads_through_beams_filesystems(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "records", "gzip")
    assert verify_folder(str(folder), BeamFiles()).problems == ()
    (folder / f"{EVAL}.gz").unlink()
    (problem,) = verify_folder(str(folder), BeamFiles()).problems
    assert problem == f"{EVAL}.gz: records: got no file, expected 1"
