"""The whole job, and each command that looks at a folder, on gs:// and s3:// as emulators on this machine play them."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import deltalake
import pyarrow as pa
import pytest
from apache_beam.io.filesystems import FileSystems

from pipeline.cli import main
from pipeline.config.input_settings import InputSettings
from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.files import beam, output_lock
from pipeline.files.beam import BeamFiles, check_filesystem, use_options
from pipeline.files.output_lock import hold_output
from pipeline.files.publish import check_output
from pipeline.job.run import run
from pipeline.job.write import WriteShard
from pipeline.runners.options import beam_options
from pipeline.sources import check_columns, read_tasks
from pipeline.sources.columns import ColumnNames, columns_of
from pipeline.sources.planning import plan_tasks
from pipeline.sources.unchanged import check_unchanged, unchanged
from pipeline.vocabulary.imported import resolve
from tests.support.archives import packed
from tests.support.jobs import ONE_THREAD, SMALL_SETTINGS, no_display, run_job, small_rows, write_jsonl
from tests.support.object_stores import STORES

SETTINGS = {**SMALL_SETTINGS, "split.train": "0.9", "split.test": "0", "output.max_rejected": "0.1"}


class Store(NamedTuple):
    """An object store: the URL of its bucket, the options with which Beam reaches it, and all files in it by path."""

    root: str
    options: list[str]

    def contents(self, folder: str) -> dict[str, bytes]:
        files = BeamFiles()
        return {file.path.removeprefix(f"{folder}/"): files.read(file.path) for file in files.below(folder)}


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORES[request.param]() as options:
        use_options(beam_options(options))
        yield Store(f"{request.param}://bucket", options)
    use_options(beam_options([]))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_jsonl(tmp_path_factory.mktemp("rows") / "rows.jsonl", small_rows(100))
    with path.open("a") as file:
        file.write('{"text": "no label"}\n{broken\n')
    return path


# An uncompressed split without a row is an empty file, which Beam itself can't write to s3://.
@pytest.fixture(scope="module")
def local(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = run_job(source, tmp_path_factory.mktemp("local") / "out", {**SETTINGS, "output.compression": "none"})
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_job_on_a_store_writes_what_it_writes_here(
    store: Store,
    source: Path,
    local: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Where TFT's files and blocks of records are meanwhile.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    waited: list[Path] = []
    process = WriteShard.process

    def watched(self: WriteShard, shard: tuple[int, Iterable[bytes]]) -> Iterable[Any]:
        waited.extend(tmp_path.glob("textrecords-*/blocks/*"))
        return process(self, shard)

    monkeypatch.setattr(WriteShard, "process", watched)
    files, root = BeamFiles(), f"{store.root}/whole"
    files.write(f"{root}/in/rows.jsonl", source.read_bytes())
    files.write(f"{root}/out/", b"")  # what a web console makes for a folder
    # An older run's folder, damaged, of which only what is written anew is left.
    older = json.loads(local["manifest.json"])
    older["rejected"]["rows"] = 1
    for name in [*local, "records/train-00007-of-00008.tfrecord"]:
        files.write(f"{root}/out/{name}", json.dumps(older).encode() if name == "manifest.json" else b"damaged")
    with pytest.raises(UserError, match="holds a complete records folder"):
        check_output(f"{root}/out", overwrite=False)
    folder = [f"{root}/out", *store.options]
    assert main(["verify", *folder]) == 1
    settings = {**SETTINGS, "output.compression": "none", "input.path": f"{root}/in/*.jsonl"}
    config = load(None, {**settings, "output.path": f"{root}/out"})
    run(config, [*ONE_THREAD, *store.options], overwrite=True, display=no_display)

    found = store.contents(f"{root}/out")
    assert waited
    assert not list(tmp_path.iterdir())
    assert found.keys() == local.keys()
    assert found["records/test-00000-of-00002.tfrecord"] == b""
    same = [
        name for name in local if name.startswith(("records/", "vocabulary.tsv", "transform/transformed_metadata/"))
    ]
    assert len(same) == 8
    assert {name: found[name] for name in same} == {name: local[name] for name in same}
    assert b"<html" in found["report.html"]
    (rejected,) = [name for name in found if name.startswith("rejected/")]
    assert found[rejected].decode() == local[rejected].decode().replace(str(source), f"{root}/in/rows.jsonl")
    manifest, expected = json.loads(found["manifest.json"]), json.loads(local["manifest.json"])
    assert manifest["splits"] == expected["splits"]
    assert manifest["rejected"]["rows"] == 2

    capsys.readouterr()
    assert main(["verify", *folder]) == 0
    assert main(["describe", *folder]) == 0
    assert main(["run", "--dry-run", f"--input.path={root}/in", *store.options]) == 0
    out = capsys.readouterr().out
    assert "6 shards, 105 records" in out
    assert "most frequent: " in out
    assert "# would read 1 files in 1 groups" in out
    files.write(f"{root}/out/transform/transform_fn/assets/other", b"")
    assert main(["verify", *folder]) == 1
    assert "transform/transform_fn/assets/other: got a file, expected none" in capsys.readouterr().err


def test_vocabulary_from_a_store(
    store: Store, source: Path, small_records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, root = BeamFiles(), f"{store.root}/vocabulary"
    for name in ("manifest.json", "vocabulary.tsv", "report.html"):
        files.write(f"{root}/folder/{name}", (small_records / name).read_bytes())
    files.write(f"{root}/tokens.txt", b"word1\nword2\n")
    files.write(f"{root}/other/tokens.txt", b"word1\n")
    for path, kind, words in [("tokens.txt", "token_list", 2), ("folder", "records_folder", 199)]:
        config, found = resolve(load(None, {"vocabulary.from": f"{root}/{path}"}), files)
        assert found is not None
        assert (found.origin.kind, found.origin.path) == (kind, f"{root}/{path}")
        assert (len(found.words), config.vocabulary.top_words) == (words, words + 1)
    for path, message in [("gone", "there is no file or folder"), ("other", "holds no manifest.json")]:
        with pytest.raises(UserError, match=message):
            resolve(load(None, {"vocabulary.from": f"{root}/{path}"}), files)
    options = [f"--vocabulary.from={root}/tokens.txt", *ONE_THREAD, *store.options]
    # The first run there.
    files.write(f"{root}/records/", b"")
    paths = [f"--input.path={source}", f"--output.path={root}/records", "--output.max_rejected=0.1"]
    assert main(["run", *paths, *options]) == 0
    assert store.contents(f"{root}/records").keys() >= {"manifest.json", "records/train-00000-of-00001.tfrecord.gz"}
    capsys.readouterr()
    assert main(["describe", f"{root}/records", *store.options]) == 0
    assert f"ids up to 2 from {root}/tokens.txt" in " ".join(capsys.readouterr().out.split())


def test_files_on_a_store_are_written_moved_and_removed(store: Store) -> None:
    files, root = BeamFiles(), f"{store.root}/files"
    for number in range(20):
        files.write(f"{root}/a/{number}", b"x" * number)
    files.write(f"{root}/ab/other", b"")
    assert files.exists(f"{root}/a/0")
    files.move_all((f"{root}/a/{number}", f"{root}/c/d/{number}") for number in range(20))
    # Asked right after: these stores list what was written at once.
    assert store.contents(root) == {"ab/other": b"", **{f"c/d/{number}": b"x" * number for number in range(20)}}
    files.remove([f"{root}/c", f"{root}/none"])
    assert store.contents(root) == {"ab/other": b""}
    check_output(f"{root}/none", overwrite=False)


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
def test_archives_on_a_store_are_read_there(store: Store, ending: str) -> None:
    files, archive = BeamFiles(), f"{store.root}/archives/{ending}/imdb.{ending}"
    texts = {
        f"imdb/{label}/{number}.txt": f"{label} {number}".encode() for label in ("neg", "pos") for number in range(9)
    }
    large = "text,label\n" + "".join(f"text {number},x\n" for number in range(900_000))  # read as a stream
    files.write(archive, packed({**dict(reversed(texts.items())), "imdb/large.csv": large.encode()}, ending))
    for format, expected in (
        ("folders", sorted(content.decode() for content in texts.values())),
        ("csv", sorted(f"text {number}" for number in range(900_000))),
    ):
        settings = InputSettings.model_validate({"path": archive, "format": format})
        tasks, columns = plan_tasks(settings, files), columns_of(settings)
        check_columns(tasks.tasks(), columns, files)
        rows = [
            text.decode()
            for group in tasks.groups
            for batch in read_tasks(group.tasks(), columns, files)
            for text in batch.rows["text"].to_pylist()
        ]
        assert sorted(rows) == expected
        check_unchanged(tasks.tasks(), [archive], files)
    one = InputSettings(path=f"{archive}/imdb/pos/3.txt", format="folders")
    (task,) = plan_tasks(one, files).tasks()
    check_unchanged([task], one.paths, files)
    files.write(archive, packed(texts, ending))
    with pytest.raises(UserError, match=rf"imdb\.{ending} changed while it was read"):
        check_unchanged([task], one.paths, files)


NAMES = [
    "a.csv", "a[1].csv", "a1.csv", "in/", "in/x.csv", "in/.y.csv", "in/sub/é z.csv", "inner/w.csv",
    "in/_temporary/0/v.csv", "in/sub/.git/u.csv", "t/_delta_log/0.json", "t/_delta_log/_last", "t/p-0.parquet",
]  # fmt: skip
HIDDEN = ["in/.y.csv", "in/_temporary/0/v.csv", "in/sub/.git/u.csv"]

# pattern -> what it names; Beam's own listing is asked too, where it takes the pattern the same way.
PATTERNS = [
    ("*.csv", ["a.csv", "a1.csv", "a[1].csv"]),
    ("a?.csv", ["a1.csv"]),
    ("**/*.csv", ["in/sub/é z.csv", "in/x.csv", "inner/w.csv"]),  # without the hidden file
    ("in*/*", ["in/x.csv", "inner/w.csv"]),  # without the folder's marker
    ("i[mn]/s*/é*", ["in/sub/é z.csv"]),
    ("in/_*/**", ["in/_temporary/0/v.csv"]),  # spelled
    ("**/.git/*", ["in/sub/.git/u.csv"]),
    ("none*", []),
]


def test_files_on_a_store_are_listed_as_beam_lists_them(store: Store) -> None:
    files, root = BeamFiles(), f"{store.root}/listed"
    for name in NAMES:
        files.write(f"{root}/{name}", name.encode())
    for pattern, names in PATTERNS:
        found = files.match(f"{root}/{pattern}")
        matched = [(file.path, file.size) for file in found if not file.left_out]
        assert matched == [(f"{root}/{name}", len(name.encode())) for name in names]
        hidden = {file.path for file in found if file.left_out == "hidden"}
        (by_beam,) = FileSystems.match([f"{root}/{pattern}"])
        listed = sorted((each.path, each.size_in_bytes) for each in by_beam.metadata_list)
        assert matched == [each for each in listed if each[0] not in hidden and not each[0].endswith("/")]
    assert [file.path for file in files.match(f"{root}/in") if file.left_out] == [f"{root}/{name}" for name in HIDDEN]
    # A glob into a table shows its log.
    assert [(file.path, file.left_out) for file in files.match(f"{root}/t/*.parquet")] == [
        (f"{root}/t/_delta_log/0.json", "mark"), (f"{root}/t/_delta_log/_last", "mark"), (f"{root}/t/p-0.parquet", "")
    ]  # fmt: skip
    for path, names in [("a[1].csv", ["a[1].csv"]), ("in", ["in/sub/é z.csv", "in/x.csv"]), ("none", []), ("in/s", [])]:
        paths = [file.path for file in files.match(f"{root}/{path}") if not file.left_out]
        assert paths == [f"{root}/{name}" for name in names]
    assert [file.path for file in files.below(root)] == sorted(f"{root}/{name}" for name in NAMES if name != "in/")


def test_tables_and_hive_folders_on_a_store(store: Store, tmp_path: Path) -> None:
    """The log of a table is read through the filesystem that reads the files, here with the emulator's options."""
    files, root = BeamFiles(), f"{store.root}/tables"
    table = tmp_path / "reviews"
    rows = {"text": ["good", "bad"], "label": ["pos", "neg"]}
    deltalake.write_deltalake(table, pa.table(rows), partition_by=["label"])
    deltalake.DeltaTable(table).delete("text = 'bad'")
    deltalake.write_deltalake(table, pa.table({"text": ["worse"], "label": ["neg"]}), mode="append")
    for file in table.rglob("*"):
        if file.is_file():
            files.write(f"{root}/in/reviews/{file.relative_to(table)}", file.read_bytes())
    for label in ("pos", "neg"):
        files.write(f"{root}/hive/label={label}/part-0.csv", b"text\nfine\n")
        files.write(f"{root}/hive/label={label}/_temporary/part-0.csv", b"text\nfine\n")
    columns = ColumnNames("text", "label")
    for path, expected in [
        ("in", [(b"good", "pos"), (b"worse", "neg")]), ("in/reviews", [(b"good", "pos"), (b"worse", "neg")]),
        ("in/reviews/*/*.parquet", [(b"good", "pos"), (b"worse", "neg")]),
        ("in/reviews/label=neg", [(b"worse", "neg")]),
        ("in/reviews/label=p*/p*", [(b"good", "pos")]), ("hive", [(b"fine", "neg"), (b"fine", "pos")]),
        ("hive/label=pos/*.csv", [(b"fine", "pos")]),
    ]:  # fmt: skip
        planned = plan_tasks(InputSettings(path=f"{root}/{path}"), files)
        check_columns(planned.tasks(), columns, files)
        batches = [batch for group in planned.groups for batch in read_tasks(group.tasks(), columns, files)]
        found = [(row["text"], row["label"]) for batch in batches for row in batch.rows.to_pylist()]
        assert sorted(found) == expected
        check_unchanged(planned.tasks(), [f"{root}/{path}"], files)


def test_file_on_a_store_that_is_replaced_by_one_of_its_size_and_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On s3:// both are written in one second, which is as exact as its times are.
    monkeypatch.setattr("google.cloud.storage.blob.Blob.updated", datetime(2026, 1, 1, tzinfo=timezone.utc))
    files, path = BeamFiles(), f"{store.root}/replaced/a.csv"
    for input_path in (path, f"{store.root}/replaced", f"{store.root}/replaced/*"):
        files.write(path, b"text,label\ngood,1\n")
        tasks = list(plan_tasks(InputSettings(path=input_path), files).tasks())
        assert len(tasks) == 1
        with unchanged(tasks, files):
            pass
        check_unchanged(tasks, [input_path], files)
        files.write(path, b"text,label\nevil,1\n")
        with pytest.raises(UserError, match=f"{path} changed while it was read"):
            check_unchanged(tasks, [input_path], files)
        with pytest.raises(UserError, match=f"{path} changed while it was read"), unchanged(tasks, files):
            pass
    files.remove([path])
    assert files.stamp(path) == b""


def test_output_on_a_store_has_one_writer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    files, root = BeamFiles(), f"{store.root}/locked"
    with hold_output(root, command="pipeline run") as first:
        assert store.contents(root) == {".lock": first.to_json()}
        with pytest.raises(UserError, match=r"in use by `pipeline run` on "):
            hold_output(root, command="second").__enter__()
    assert store.contents(root) == {}

    dead = replace(first, process=99_999_999)
    files.write(f"{root}/.lock", dead.to_json())
    with hold_output(root, command="pipeline run") as next_one:
        assert store.contents(root) == {".lock": next_one.to_json()}
    assert store.contents(root) == {}

    place = output_lock._place(f"{root}/.lock")
    if isinstance(place, output_lock._AmazonObject):
        # Two that saw no lock: the second changes nothing.
        place.write(b"first", over=None)
        found = place.read()
        place.write(b"second", over=None)
        assert place.read() == found
        # Two that saw the same lock of a dead process.
        place.write(b"third", over=found)
        place.write(b"fourth", over=found)
        assert store.contents(root) == {".lock": b"third"}
    else:
        # The emulator does not look at conditions; so this is what is sent.
        assert isinstance(place, output_lock._GoogleObject)
        sent: list[object] = []
        blob = type(place._bucket.blob("x"))
        monkeypatch.setattr(
            blob, "upload_from_string", lambda *_, if_generation_match: sent.append(if_generation_match)
        )
        place.write(b"first", over=None)
        place.write(b"second", over=output_lock._Stored(b"first", 1_700_000_000_000_000))
        assert sent == [0, 1_700_000_000_000_000]


def test_commands_say_that_there_is_no_folder_on_a_store(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    folder = f"{store.root}/nothing"
    for command in ("describe", "verify"):
        assert main([command, folder, *store.options]) == 2
        assert f"{folder} is not a complete records folder: it has no manifest.json" in capsys.readouterr().err


def test_filesystem_says_that_there_is_no_such_bucket(store: Store) -> None:
    path = store.root.replace("bucket", "no-such-bucket") + "/out"
    with pytest.raises(UserError) as raised:
        check_filesystem(path, setting="output.path")
    assert str(raised.value).startswith(f"output.path: {path} can't be reached: ")
    assert "NoSuchBucket" in str(raised.value) or "404" in str(raised.value)


def test_filesystem_tells_an_option_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_filesystem(_: str) -> None:
        raise ValueError("hdfs_host is not set")

    monkeypatch.setitem(beam._CLIENTS, "hdfs", ("json", ""))  # so that its client is there
    monkeypatch.setattr(FileSystems, "get_filesystem", get_filesystem)
    with pytest.raises(UserError, match=r"^output.path: hdfs://n/out can't be reached: hdfs_host is not set$"):
        check_filesystem("hdfs://n/out", setting="output.path")


# scheme, the module that is missing -> the extra that is named
EXTRAS = [
    ("gs", "google.cloud.storage", "gcp"),
    ("s3", "boto3", "aws"),
    ("azfs", "azure.storage.blob", "azure"),
    ("hdfs", "hdfs", "hadoop"),
]


@pytest.mark.parametrize(("scheme", "module", "extra"), EXTRAS)
def test_filesystem_names_the_extra_that_is_missing(
    scheme: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # from now on to import it fails
    with pytest.raises(UserError) as raised:
        check_filesystem(f"{scheme}://b/out", setting="output.path")
    assert str(raised.value) == (
        f"output.path: {scheme}://b/out needs a client that is not installed here; pip install 'textrecords[{extra}]'"
    )
