"""What a path stands for: one file under two names, what is hidden, metadata beside data, texts without an ending."""

import gzip
import os
from pathlib import Path

import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import InputTasks, plan_tasks, plan_texts, read_tasks
from pipeline.sources.metadata_files import is_metadata
from tests.support.memory_files import COLUMNS, MemoryFiles, parquet

CSV = b"text,label\ngood,1\nbad,0\n"
LINES = b'{"text":"a","label":1}\n'


def planned(path: str | list[str], files: MemoryFiles | LocalFiles, *, format: str = "auto") -> InputTasks:
    return plan_tasks(InputSettings.model_validate({"path": path, "format": format}), files)


def paths_of(tasks: InputTasks) -> list[str]:
    return [task.path for task in tasks.tasks()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("d/a.csv", "d/b.csv", "elsewhere/c.csv"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(CSV)
    return tmp_path


# fmt: off
PACKED_BESIDE = [
    # input.path, files of the folder d, whether they are refused
    ("d",        ["a.csv", "a.csv.gz"],             True),
    ("d/*",      ["a.csv", "a.csv.BZ2"],            True),
    ("d/*.csv*", ["a.csv.xz", "a.csv.zst", "b.csv"], True),
    ("d/**",     ["x/a.jsonl", "x/a.jsonl.gz"],     True),
    ("d/*.csv",  ["a.csv", "a.csv.gz"],             False),  # the glob names one of them
    ("d",        ["a.csv", "a.tsv.gz", "x/a.csv.gz", "b.csv.gz"], False),
]
# fmt: on


@pytest.mark.parametrize(("path", "names", "is_refused"), PACKED_BESIDE)
def test_sources_do_not_read_a_file_and_its_compressed_copy(path: str, names: list[str], is_refused: bool) -> None:
    files = MemoryFiles({f"d/{name}": CSV for name in names})
    if is_refused:
        with pytest.raises(UserError, match="seem to have the same rows, by their names; name one of them, or both"):
            planned(path, files)
        assert len(paths_of(planned([f"d/{name}" for name in names], files))) == len(names)  # as the message says
    else:
        assert planned(path, files).files


def test_sources_refuse_a_name_that_no_file_can_have() -> None:
    text = "a text in place of a path " * 20
    with pytest.raises(UserError, match=r"^input\.path: cannot read a text in place .*: File name too long; "):
        planned(text, LocalFiles())


def test_sources_of_no_known_ending_are_read_by_the_glob_that_the_message_names() -> None:
    files = MemoryFiles({"d/part-00000": CSV, "d/part-00001": CSV, "d/_SUCCESS": b""})
    for format in ("auto", "csv"):
        with pytest.raises(UserError, match=r"tells what they are, name them by a glob: d/\*$"):
            planned("d", files, format=format)
        assert paths_of(planned("d/*", files, format=format)) == ["d/part-00000", "d/part-00001"]


# fmt: off
NAMES = [
    # links (hard ones begin with =), input.path, files that are read, other names of them
    ({}, ["d/a.csv", "./d/a.csv", "d//a.csv", "d/../d/a.csv"], ["d/../d/a.csv"], ["d/a.csv"]),
    ({}, ["d", "d/*.csv", "d/a*"], ["d/a.csv", "d/b.csv"], []),  # globs that overlap name the same paths
    ({}, ["d", "{}/d"], ["{}/d/a.csv", "{}/d/b.csv"], ["d/a.csv", "d/b.csv"]),
    ({"d/latest.csv": "b.csv"}, "d", ["d/a.csv", "d/b.csv"], ["d/latest.csv"]),
    ({"d/0.csv": "b.csv"}, "d", ["d/0.csv", "d/a.csv"], ["d/b.csv"]),  # the first by its name
    ({"d/x.csv": "=d/b.csv"}, "d", ["d/a.csv", "d/b.csv"], ["d/x.csv"]),
    ({"d/more": "../elsewhere"}, "d", ["d/a.csv", "d/b.csv", "d/more/c.csv"], []),
    ({"d/more": "../elsewhere"}, ["d", "elsewhere"], ["d/a.csv", "d/b.csv", "d/more/c.csv"], ["elsewhere/c.csv"]),
    ({"d/more": "../elsewhere"}, "d/**/*.csv", ["d/a.csv", "d/b.csv", "d/more/c.csv"], []),
    ({"d/up": ".."}, "d", ["d/a.csv", "d/b.csv"], []),
]
# fmt: on


@pytest.mark.parametrize(("links", "path", "read", "others"), NAMES)
def test_sources_read_a_file_once_whatever_its_names(
    links: dict[str, str], path: str | list[str], read: list[str], others: list[str], folder: Path
) -> None:
    for name, target in links.items():
        if target.startswith("="):
            os.link(target[1:], name)
        else:
            Path(name).symlink_to(target)
    paths = path if isinstance(path, str) else [name.format(folder) for name in path]
    found = planned(paths, LocalFiles())
    assert paths_of(found) == [name.format(folder) for name in read]
    assert found.examples.get("same_file", []) == others
    assert found.left_out.get("same_file", 0) == len(others)
    assert found.files == len(read)


@pytest.mark.usefixtures("folder")
def test_sources_count_a_copy_as_a_file_of_its_own() -> None:
    Path("d/copy.csv").write_bytes(CSV)
    assert paths_of(planned("d", LocalFiles())) == ["d/a.csv", "d/b.csv", "d/copy.csv"]


@pytest.mark.usefixtures("folder")
def test_sources_trust_an_inode_only_where_size_and_time_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some filesystems give one inode to several files."""
    Path("d/b.csv").write_bytes(CSV + b"fine,1\n")
    real = os.stat

    class Stat:
        def __init__(self, path: object) -> None:
            self.status = real(path)  # type: ignore[arg-type]

        def __getattr__(self, name: str) -> object:
            return 7 if name == "st_ino" else getattr(self.status, name)

    monkeypatch.setattr(os, "stat", lambda path, **_: Stat(path))
    assert paths_of(planned(["d/a.csv", "d/b.csv"], LocalFiles())) == ["d/a.csv", "d/b.csv"]


# links, input.path, message
CONTRADICTIONS = [
    ({"t/best": "pos"}, "t", "t/best/1.txt and t/pos/1.txt are one file"),  # two labels
    ({"t/test": "train"}, "t", "t/test/neg/1.txt and t/train/neg/1.txt are one file"),  # two splits
]


@pytest.mark.parametrize(("links", "path", "message"), CONTRADICTIONS)
def test_sources_refuse_a_file_with_two_labels_or_splits(
    links: dict[str, str], path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    below = "t/train/" if "t/test" in links else "t/"
    for label in ("pos", "neg"):
        Path(f"{below}{label}").mkdir(parents=True)
        Path(f"{below}{label}/1.txt").write_text(label)
    for name, target in links.items():
        Path(name).symlink_to(target)
    with pytest.raises(UserError) as error:
        planned(path, LocalFiles())
    why = "and their folders give it two labels, splits or columns; remove one of the names"
    assert str(error.value) == f"input.path: {message}, {why}"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("paths", [["d/a.csv", "./d/a.csv"], ["d", "d/link.csv"], ["d/*.csv", "{}/d/a.csv"]])
def test_sources_texts_refuse_a_file_that_is_named_twice(paths: list[str], folder: Path) -> None:
    Path("d/link.csv").symlink_to("b.csv")
    with pytest.raises(UserError, match=r"is named twice; name each file once$"):
        plan_texts(InputSettings(path=[path.format(folder) for path in paths]), LocalFiles())


@pytest.mark.usefixtures("folder")
def test_sources_texts_read_a_file_once_that_has_two_names_in_a_folder() -> None:
    Path("d/link.csv").symlink_to("b.csv")
    found = plan_texts(InputSettings(path=["elsewhere", "d"]), LocalFiles())
    assert paths_of(found) == ["elsewhere/c.csv", "d/a.csv", "d/b.csv"]
    assert found.left_out_lines() == [
        "1 file is left out (d/link.csv): a link, or another spelling of a path, is another name of a file that is read"
    ]


HUB = {
    "hub/train.jsonl": LINES, "hub/dataset_infos.json": b"{}", "hub/state.json": b"{}", "hub/README.md": b"# x",
    "hub/LICENSE": b"MIT", "hub/.gitattributes": b"x", "hub/_SUCCESS": b"", "hub/.git/train.jsonl": LINES,
}  # fmt: skip


# input.path, input.format, files that are read, files left out by kind
@pytest.mark.parametrize(("path", "format", "read", "left_out"), [
    ("hub", "auto", ["train.jsonl"], {"hidden": 3, "metadata": 4}),
    ("hub", "jsonl", ["train.jsonl"], {"hidden": 3, "metadata": 4}),
    ("hub/*.json*", "auto", ["train.jsonl"], {"hidden": 1, "metadata": 2}),
    ("hub/state.json", "auto", ["state.json"], {}),  # what is named is read
    (["hub/t*", "hub/_SUCCESS"], "jsonl", ["_SUCCESS", "train.jsonl"], {}),
    ("hub/.git/*", "auto", [".git/train.jsonl"], {}),
    ("hub/.git", "auto", [".git/train.jsonl"], {}),
])  # fmt: skip
@pytest.mark.parametrize("root", ["", "gs://bucket/"])
def test_sources_leave_out_what_is_no_data(
    path: str | list[str], format: str, read: list[str], left_out: dict[str, int], root: str
) -> None:
    files = MemoryFiles({f"{root}{name}": content for name, content in HUB.items()})
    paths = f"{root}{path}" if isinstance(path, str) else [f"{root}{name}" for name in path]
    found = planned(paths, files, format=format)
    assert paths_of(found) == [f"{root}hub/{name}" for name in read]
    assert found.left_out == left_out


def test_sources_refuse_a_folder_of_which_nothing_is_left() -> None:
    with pytest.raises(UserError) as error:
        planned("hub", MemoryFiles({"hub/.git/config": b"", "hub/_SUCCESS": b""}))
    assert str(error.value) == (
        "input.path: all that 'hub' names is left out, such as hub/.git/config: a name that begins with . or _ is not "
        "data, unless input.path spells it"
    )
    for path in ("hub", "hub/*", "hub/**"):
        with pytest.raises(
            UserError, match=r"^input.path: all that 'hub.*' names is left out, such as hub/README.md: "
        ):
            planned(path, MemoryFiles({"hub/README.md": b"", "hub/dataset_info.json": b"{}"}))


@pytest.mark.parametrize("name", [
    "dataset_info.json", "dataset_dict.json", "features.json", "Croissant.json", "README", "readme.txt", "LICENSE.md",
])  # fmt: skip
def test_is_metadata(name: str) -> None:
    assert is_metadata(f"d/{name}")


@pytest.mark.parametrize("name", ["data.json", "train.json", "licenses.csv", "readme.jsonl", "notice_1.txt", "state"])
def test_is_not_metadata(name: str) -> None:
    assert not is_metadata(f"d/{name}")


# fmt: off
WITHOUT_ENDING = [
    # files, (path, label) of each text, files left out
    (["n/alt.atheism/49960", "n/sci.med/59225", "n/sci.med/59225.py", "n/sci.med/x.jpg", "n/README"],
     [("n/alt.atheism/49960", "alt.atheism"), ("n/sci.med/59225", "sci.med")], {"other": 2, "metadata": 1}),
    (["n/train/soc.religion.christian/1", "n/test/soc.religion.christian/2"],
     [("n/test/soc.religion.christian/2", "soc.religion.christian"),
      ("n/train/soc.religion.christian/1", "soc.religion.christian")], {}),
    (["n/a b/00001.7848dde101aa985090474a91ec93fcf0", "n/é/1."],
     [("n/a b/00001.7848dde101aa985090474a91ec93fcf0", "a b"), ("n/é/1.", "é")], {}),  # SpamAssassin, Enron
    (["n/x/1.gz", "n/y/2"], [("n/x/1.gz", "x"), ("n/y/2", "y")], {}),
    (["n/pos/1.txt", "n/pos/INDEX", "n/neg/2.txt"],  # where texts end in .txt, only these are texts
     [("n/neg/2.txt", "neg"), ("n/pos/1.txt", "pos")], {"other": 1}),
    (["n/pos/readme.txt", "n/pos/README"], [("n/pos/readme.txt", "pos")], {"metadata": 1}),
]
# fmt: on


@pytest.mark.parametrize("format", ["auto", "folders"])
@pytest.mark.parametrize(("names", "texts", "left_out"), WITHOUT_ENDING)
def test_sources_folders_of_texts_without_an_ending(
    names: list[str], texts: list[tuple[str, str]], left_out: dict[str, int], format: str
) -> None:
    packed = gzip.compress(b"x", mtime=0)
    files = MemoryFiles({name: packed if name.endswith(".gz") else b"x" for name in names})
    found = planned("n", files, format=format)
    rows = [
        (path, label)
        for group in found.groups
        for batch in read_tasks(group.tasks(), COLUMNS, files)
        for path, label in zip(group.paths, batch.rows["label"].to_pylist(), strict=True)
    ]
    assert (rows, found.left_out) == (texts, left_out)


def test_sources_a_table_beside_files_without_an_ending_is_a_table() -> None:
    files = MemoryFiles({"d/data.csv": CSV, "d/notes/INDEX": b"x"})
    found = planned("d", files)
    assert (paths_of(found), found.left_out) == (["d/data.csv"], {"other_format": 1})


def test_sources_left_out_lines_name_a_few_files() -> None:
    names = {f"d/{number}.md": b"" for number in range(5)} | {"d/a.parquet": parquet({"text": ["a"], "label": [1]})}
    assert planned("d", MemoryFiles(names)).left_out_lines() == [
        "5 files are left out (d/0.md, d/1.md, d/2.md, ...): in a folder, files are taken whose names end as those of "
        "a known format, or of input.format, do"
    ]


def test_sources_left_out_names_are_text() -> None:
    found = planned("d", MemoryFiles({"d/a.csv": CSV, "d/\udce9.md": b""}))
    assert found.examples == {"other_format": ["d/\\udce9.md"]}
