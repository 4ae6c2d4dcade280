"""The whole job on archives: the same bytes as of the folders that they unpack to."""

import gzip
import hashlib
import random
from pathlib import Path

import pytest

from pipeline.contract import VOCABULARY_FILE
from pipeline.errors import UserError
from pipeline.job.limits import Limits
from tests.support.archives import packed
from tests.support.jobs import manifest_of, record_bytes, run_job, small_rows, write_parquet

# Words of equal count: their order is that of the files, whatever order an archive has.
TEXTS = {
    f"aclImdb/{split}/{label}/{number}_{number % 10}.txt": f"word{number % 37} film{number} {label} same".encode()
    for split, numbers in (("train", range(90)), ("test", range(30)))
    for label in ("neg", "pos")
    for number in numbers
} | {"aclImdb/README": b"read me", "aclImdb/train/unsup/1_0.txt": b"who knows", "aclImdb/imdb.vocab": b"word1\n"}


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_archive(path: Path, files: dict[str, bytes], ending: str) -> Path:
    names = random.Random(5).sample(sorted(files), len(files))
    path.write_bytes(packed({name: files[name] for name in names}, ending))
    return path


def digests(folder: Path) -> dict[str, str]:
    vocabulary = (folder / VOCABULARY_FILE).read_bytes()
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in {**record_bytes(folder), VOCABULARY_FILE: vocabulary}.items()
    }


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of the folder."""
    folder = tmp_path_factory.mktemp("unpacked")
    return run_job(write_folder(folder / "imdb", TEXTS), folder / "out")


@pytest.mark.parametrize(("ending", "spills"), [("tar.gz", True), ("zip", True), ("tar", False), ("tar.gz", False)])
def test_job_archives_make_the_bytes_that_the_folder_makes(
    ending: str, spills: bool, unpacked: Path, tmp_path: Path
) -> None:
    archive = write_archive(tmp_path / f"aclImdb_v1.{ending}", TEXTS, ending)
    records = run_job(archive, tmp_path / "out", spills=spills, limits=Limits(task_bytes=4000))
    assert digests(records) == digests(unpacked)
    found, expected = manifest_of(records), manifest_of(unpacked)
    for key in ("files", "bytes", "rows", "left_out"):
        assert found["input"][key] == expected["input"][key]
    assert found["input"]["left_out"] == {"metadata": 1, "other": 1, "unsup": 1}
    assert (found["labels"], found["splits"]["test"]["rows"]) == (["neg", "pos"], 60)


def test_job_archives_have_tables_of_every_format(tmp_path: Path) -> None:
    rows = small_rows(300)
    line = '{{"text": "{}", "label": "{}"}}\n'
    files = {
        "a.csv": ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows[:100]) + "cut\n").encode(),
        "b.jsonl.gz": gzip.compress("".join(line.format(*row) for row in rows[100:200]).encode()),
        "c.parquet": write_parquet(tmp_path / "c.parquet", rows[200:]).read_bytes(),
    }
    folder = run_job(write_folder(tmp_path / "folder", files), tmp_path / "expected")
    write_archive(tmp_path / "d.tgz", files, "tgz")
    (tmp_path / "downloads").mkdir()
    for name in ("a.csv", "b.jsonl.gz", "c.parquet"):
        write_archive(tmp_path / "downloads" / f"{name}.zip", {name: files[name]}, "zip")
    for path, csv_file in (
        ("d.tgz", "d.tgz/a.csv"),
        ("downloads", "downloads/a.csv.zip/a.csv"),
        ("downloads/*.zip", "downloads/a.csv.zip/a.csv"),
    ):
        records = run_job(tmp_path / path, tmp_path / "out", overwrite=True)
        assert digests(records) == digests(folder)
        (rejected,) = manifest_of(records)["rejected"]["examples"]["wrong number of columns"]
        assert (rejected["file"], rejected["row"]) == (f"{tmp_path}/{csv_file}", 101)


def test_job_archives_have_cached_counts(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "d.tar.gz", TEXTS, "tar.gz")
    settings = {"vocabulary.cache": str(tmp_path / "cache")}
    runs = [run_job(archive, tmp_path / f"out{number}", settings) for number in range(2)]
    caches = [manifest_of(records)["vocabulary"]["cache"] for records in runs]
    assert [list(cache.values()) for cache in caches] == [[0, 240], [240, 0]]
    assert digests(runs[0]) == digests(runs[1])
    archive.unlink()
    write_archive(archive, {**TEXTS, "aclImdb/train/pos/new_9.txt": b"new"}, "tar.gz")
    assert list(manifest_of(run_job(archive, tmp_path / "new", settings))["vocabulary"]["cache"].values()) == [0, 241]


def test_job_archives_that_are_damaged_are_told(tmp_path: Path) -> None:
    rows = "".join(f"word{n} text{n},{'xy'[n % 2]}\n" for n in range(60))
    files = {name: f"text,label\n{rows}".encode() for name in ("a.csv", "b.csv")}
    (tmp_path / "d.tar").write_bytes(packed(files, "tar")[:2700])  # in b.csv
    with pytest.raises(UserError, match=r"d\.tar: damaged file \(it ends without a tar's end mark"):
        run_job(tmp_path / "d.tar", tmp_path / "out")
    records = run_job(tmp_path / "d.tar", tmp_path / "out", {"input.damaged": "use_what_is_whole"})
    found = manifest_of(records)["input"]
    assert (found["rows"], found["damaged"]) == (60, 1)
    assert [Path(file["file"]).name for file in found["damaged_files"]] == ["d.tar"]
