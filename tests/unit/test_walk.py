"""What a path of this machine names: hidden names, links to folders, loops; Python's glob is the oracle of globs."""

import glob
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.files.local import LocalFiles
from pipeline.files.walk import files_matching

FILES = [
    "a.csv", "_SUCCESS", ".hidden.csv", "in/b.csv", "in/c.txt", "in/_temporary/0/d.csv", ".git/config",
    "in/.ipynb_checkpoints/b-checkpoint.csv", "_old/e.csv", "_old/.git/f.csv", "in/deep/er/g.csv", "x[1]/h.csv",
]  # fmt: skip
HIDDEN_OF_ALL = [
    ".git/config", ".hidden.csv", "_SUCCESS", "_old/.git/f.csv", "_old/e.csv",
    "in/.ipynb_checkpoints/b-checkpoint.csv", "in/_temporary/0/d.csv",
]  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        write(name)
    return tmp_path


def write(name: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(name)


def named(pattern: str) -> tuple[list[str], list[str]]:
    """The files that are read, and those that are left out with the reason, if it is not that they are hidden."""
    files = LocalFiles().match(pattern)
    left_out = [file.path if file.left_out == "hidden" else f"{file.left_out}: {file.path}" for file in files]
    return [file.path for file in files if not file.left_out], [
        name for name, file in zip(left_out, files, strict=True) if file.left_out
    ]


# pattern                      read                                                     left out
@pytest.mark.parametrize(("pattern", "read", "left_out"), [
    (".",                      ["a.csv", "in/b.csv", "in/c.txt", "in/deep/er/g.csv", "x[1]/h.csv"], HIDDEN_OF_ALL),
    ("*",                      ["a.csv", "in/b.csv", "in/c.txt", "in/deep/er/g.csv", "x[1]/h.csv"], HIDDEN_OF_ALL),
    ("in",                     ["in/b.csv", "in/c.txt", "in/deep/er/g.csv"], HIDDEN_OF_ALL[-2:]),
    ("*.csv",                  ["a.csv"], [".hidden.csv"]),
    ("**/*.csv",               ["a.csv", "in/b.csv", "in/deep/er/g.csv", "x[1]/h.csv"],
     [".hidden.csv", "_old/.git/f.csv", "_old/e.csv", *HIDDEN_OF_ALL[-2:]]),
    ("in/**",                  ["in/b.csv", "in/c.txt", "in/deep/er/g.csv"], HIDDEN_OF_ALL[-2:]),
    ("*/b*.csv",               ["in/b.csv"], []),
    ("*/*/*.csv",              [], ["_old/.git/f.csv", "in/.ipynb_checkpoints/b-checkpoint.csv"]),
    ("*/?.csv",                ["in/b.csv", "x[1]/h.csv"], ["_old/e.csv"]),
    # What the user spells is what the user wants.
    ("_old",                   ["_old/e.csv"], ["_old/.git/f.csv"]),
    ("_old/*.csv",             ["_old/e.csv"], []),
    ("_o*/*.csv",              ["_old/e.csv"], []),
    ("[_]old/*.csv",           [], ["_old/e.csv"]),
    (".*.csv",                 [".hidden.csv"], []),
    ("**/.ipynb_checkpoints/*", ["in/.ipynb_checkpoints/b-checkpoint.csv"], []),
    ("_old/.git/f.csv",        ["_old/.git/f.csv"], []),
    ("_SUCCESS",               ["_SUCCESS"], []),
    ("in/_temporary/**/*.csv", ["in/_temporary/0/d.csv"], []),
    # A folder's name before it is a glob.
    ("x[1]",                   ["x[1]/h.csv"], []),
    ("x[[]1]/*",               ["x[1]/h.csv"], []),
    ("./in/*.csv",             ["in/b.csv"], []),
    ("in/../a*",               ["in/../a.csv"], []),
    ("none/*",                 [], []),
    ("a.csv/*",                [], []),
])  # fmt: skip
@pytest.mark.usefixtures("tree")
def test_local_files_hidden_names(pattern: str, read: list[str], left_out: list[str]) -> None:
    assert named(pattern) == (read, left_out)


def test_local_files_of_an_absolute_path_begin_as_it_does(tree: Path) -> None:
    assert named(f"{tree}/in/*.csv")[0] == [f"{tree}/in/b.csv"]
    assert named(f"{tree}/in/deep")[0] == [f"{tree}/in/deep/er/g.csv"]


PARTS = ["*", "**", "?*", "i*", "in", "deep", "*.csv", "b.csv", "[a-e]*", "_*", ".*"]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_files_matching_finds_what_python_finds(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    """Python leaves out names that begin with a dot in the same way; of a folder all files below are meant here."""
    root = tmp_path_factory.getbasetemp() / "globbed"
    for name in FILES:
        if not name.startswith(("_", "x")) and "_temporary" not in name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
    pattern = f"{glob.escape(str(root))}/{'/'.join(parts)}"
    expected = set()
    for path in glob.glob(pattern, recursive=True):
        if os.path.isdir(path):
            inside = glob.glob(f"{glob.escape(path)}/**", recursive=True)
            expected |= {os.path.normpath(name) for name in inside if os.path.isfile(name)}
        elif os.path.isfile(path):
            expected.add(path)
    assert {os.path.normpath(found.path) for found in files_matching(pattern) if not found.left_out} == expected


# links: name -> where it leads; the files that are named below "d"; what is left out
LINKS = [
    ({"d/neg": "../elsewhere"}, ["d/neg/1.txt", "d/pos/1.txt"], []),
    ({"d/a": "../elsewhere", "d/b": "../elsewhere"}, ["d/a/1.txt", "d/b/1.txt", "d/pos/1.txt"], []),
    ({"d/last": "pos"}, ["d/last/1.txt", "d/pos/1.txt"], []),  # the same files: one_name.py finds it
    ({"d/up": "."}, ["d/pos/1.txt"], ["loop: d/up"]),
    ({"d/pos/up": ".."}, ["d/pos/1.txt"], ["loop: d/pos/up"]),
    ({"d/pos/self": "../pos"}, ["d/pos/1.txt"], ["loop: d/pos/self"]),
    ({"d/pos/top": "../.."}, ["d/pos/1.txt"], ["loop: d/pos/top"]),
    ({"d/x": "../elsewhere", "elsewhere/back": "../d"}, ["d/pos/1.txt", "d/x/1.txt"], ["loop: d/x/back"]),
    ({"d/x": "../elsewhere", "elsewhere/self": "."}, ["d/pos/1.txt", "d/x/1.txt"], ["loop: d/x/self"]),
    ({"d/x": "../one", "one/y": "../two", "two/x": "../one"}, ["d/pos/1.txt"], ["loop: d/x/y/x"]),
    ({"d/_x": "../elsewhere", "d/.x.txt": "pos/1.txt"}, ["d/pos/1.txt"], ["d/.x.txt", "d/_x"]),
    # What a link leads to may be hidden itself: volumes of Kubernetes look so.
    ({"d/..data": "..2024", "d/a.csv": "..data/a.csv"}, ["d/a.csv", "d/pos/1.txt"], ["d/..2024/a.csv", "d/..data"]),
    ({"d/now": "_versions/3"}, ["d/now/1.txt", "d/pos/1.txt"], ["d/_versions/3/1.txt"]),
    ({"d/nowhere": "missing"}, ["d/nowhere", "d/pos/1.txt"], []),  # it can't be read
    ({"d/itself": "itself"}, ["d/itself", "d/pos/1.txt"], []),
]  # fmt: skip


@pytest.mark.parametrize(("links", "read", "left_out"), LINKS)
def test_local_files_follows_links(
    links: dict[str, str], read: list[str], left_out: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("d/pos/1.txt", "elsewhere/1.txt", "one/_", "two/_"):
        write(name)
    for target, link in {"d/..2024/a.csv": "d/a.csv", "d/_versions/3/1.txt": "d/now"}.items():
        if link in links:
            write(target)
    for name, target in links.items():
        Path(name).symlink_to(target)
    found = LocalFiles().match("d")
    visible = [file.path for file in found if not file.left_out]
    assert visible == read
    others = [file for file in found if file.left_out and not file.path.endswith("/_")]
    assert [f"loop: {f.path}" if f.left_out == "loop" else f.path for f in others] == left_out
    assert [file.path for file in found if file.problem] == [name for name in read if name in ("d/nowhere", "d/itself")]
    # A glob of any depth reads the same.
    assert [file.path for file in LocalFiles().match("d/**/*") if not file.left_out] == read


def test_local_files_of_folders_that_all_link_to_each_other_are_few(tmp_path: Path) -> None:
    """Without a guard 10 folders have 10! ways through them."""
    for folder in range(10):
        write(str(tmp_path / f"d/{folder}/x.txt"))
    for folder in range(10):
        for other in range(10):
            (tmp_path / f"d/{folder}/to{other}").symlink_to(f"../{other}")
    # 10 files, each below 10 links, and 900 links that are not followed.
    assert len(list(LocalFiles().match(str(tmp_path / "d")))) < 2000


def test_local_files_below_a_linked_folder(tmp_path: Path) -> None:
    write(str(tmp_path / "real/pos/1.txt"))
    (tmp_path / "link").symlink_to("real")
    assert named(f"{tmp_path}/link") == ([f"{tmp_path}/link/pos/1.txt"], [])
    assert named(f"{tmp_path}/l*/*") == ([f"{tmp_path}/link/pos/1.txt"], [])
