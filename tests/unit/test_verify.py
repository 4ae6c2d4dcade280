"""pipeline.inspection.verify: a good records folder, and a table of damages to it."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.contract import Compression
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.inspection.verify import VerifyResult, verify_folder
from pipeline.records import shards
from pipeline.records.framing import frame
from tests.support.plain_records import (
    EVAL,
    GRAPH,
    TRAIN_0,
    TRAIN_1,
    UNLABELLED,
    WORDS_OF_GRAPH,
    Row,
    add_unlabelled,
    make_featured_folder,
    make_folder,
    write,
)


def verify(folder: Path) -> VerifyResult:
    return verify_folder(str(folder), LocalFiles())


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("name", ["records", "a [1]*, odd name"])
def test_verify_finds_nothing_in_a_good_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: Compression, name: str
) -> None:
    folder = make_folder(tmp_path / name, compression)
    stored = sum(path.stat().st_size for path in folder.glob("records/*"))
    expected = VerifyResult(problems=(), shards=4, records=4, bytes=stored)
    assert verify(folder) == expected
    assert verify_folder(f"{folder}/", LocalFiles()) == expected
    monkeypatch.chdir(tmp_path)
    assert verify_folder(f"./{name}", LocalFiles()) == expected


def flip(name: str, *, byte: int) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[byte] ^= 1
        (folder / name).write_bytes(content)

    return damage


def cut(name: str, *, to: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, to)


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def add(name: str, content: bytes = b"") -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)

    return damage


def replace(name: str, rows: list[Row]) -> Callable[[Path], None]:
    """Another shard in the place of one, with the manifest's bytes, records and hash of it, and as many bad rows."""

    def damage(folder: Path) -> None:
        entry = write(folder / name, rows)
        manifest = json.loads((folder / "manifest.json").read_text())
        for split in manifest["splits"].values():
            split["shards"] = [entry if shard["path"] == name else shard for shard in split["shards"]]
            more = sum(shard["records"] for shard in split["shards"]) - split["rows"]
            split["rows"] += more
            split["labels"]["bad"] += more
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return damage


def change(*keys: str | int, to: object) -> Callable[[Path], None]:
    """Another value in the manifest."""

    def damage(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        part = manifest
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = to
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return damage


def swap(name: str, other: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        shutil.move(folder / name, folder / "aside")
        shutil.move(folder / other, folder / name)
        shutil.move(folder / "aside", folder / other)

    return damage


def pipe(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


def loop(name: str) -> Callable[[Path], None]:
    """A link to itself."""

    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(folder / name)

    return damage


def both(*damages: Callable[[Path], None]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for each in damages:
            each(folder)

    return damage


# A record of four ids below 128 and a label has 35 bytes, its frame 51.
DAMAGES = [
    # damage, the problems: patterns, each of one whole line
    (flip(TRAIN_0, byte=20), [
        rf"{TRAIN_0}: SHA-256: got \w{{64}}, expected \w{{64}}",
        rf"{TRAIN_0}: record 0: the checksum of its content is wrong \(expected records: 2\)",
    ]),
    (flip(TRAIN_0, byte=60), [
        rf"{TRAIN_0}: SHA-256: .*",
        rf"{TRAIN_0}: record 1: the checksum of its length is wrong \(expected records: 2\)",
    ]),
    (cut(TRAIN_0, to=98), [
        rf"{TRAIN_0}: bytes: got 98, expected 102",
        rf"{TRAIN_0}: SHA-256: .*",
        rf"{TRAIN_0}: record 1: the file ends 47 bytes into it \(expected records: 2\)",
    ]),
    (cut(TRAIN_0, to=51), [  # at the end of a record: as a TFRecord file it is sound
        rf"{TRAIN_0}: bytes: got 51, expected 102",
        rf"{TRAIN_0}: SHA-256: .*",
        rf"{TRAIN_0}: records: got 1, expected 2",
        r"manifest.json: labels of train: got {'bad': 1, 'good': 2}, expected {'bad': 1, 'good': 1}",
    ]),
    (cut(EVAL, to=0), [
        rf"{EVAL}: bytes: got 0, expected 51",
        rf"{EVAL}: SHA-256: .*",
        rf"{EVAL}: records: got 0, expected 1",
        r"manifest.json: labels of eval: got {'bad': 1}, expected {}",
    ]),
    (remove(TRAIN_1), [rf"{TRAIN_1}: records: got no file, expected 1"]),
    (swap(TRAIN_1, EVAL), [  # both sound, of the same size and number of records
        rf"{TRAIN_1}: SHA-256: .*",
        r"manifest.json: labels of train: got {'bad': 1, 'good': 2}, expected {'bad': 2, 'good': 1}",
        rf"{EVAL}: SHA-256: .*",
        r"manifest.json: labels of eval: got {'bad': 1}, expected {'good': 1}",
    ]),
    (add("records/train-00002-of-00003.tfrecord"), [
        r"records/train-00002-of-00003.tfrecord: got a file, expected none: the manifest doesn't name it",
    ]),
    (add("records/below/notes.txt"), [r"records/below/notes.txt: got a file, expected none: .*"]),
    (add("rejected/rejected.jsonl"), []),  # not the business of the manifest
    (add("vocabulary.tsv", b"1\tthat\t4\n"), [
        r"vocabulary.tsv: bytes: got 9, expected 16",
        r"vocabulary.tsv: SHA-256: got \w{64}, expected \w{64}",
    ]),
    (remove("vocabulary.tsv"), [r"vocabulary.tsv: SHA-256: got no file, expected \w{64}"]),
    (flip(GRAPH, byte=0), [rf"{GRAPH}: SHA-256: got \w{{64}}, expected \w{{64}}"]),
    (cut(GRAPH, to=0), [rf"{GRAPH}: bytes: got 0, expected 7", rf"{GRAPH}: SHA-256: .*"]),
    (remove(GRAPH), [rf"{GRAPH}: SHA-256: got no file, expected \w{{64}}"]),
    (swap(GRAPH, "vocabulary.tsv"), [
        r"vocabulary.tsv: bytes: got 7, expected 16",
        r"vocabulary.tsv: SHA-256: .*",
        rf"{GRAPH}: bytes: got 16, expected 7",
        rf"{GRAPH}: SHA-256: .*",
    ]),
    (pipe(GRAPH), [rf"{GRAPH}: can't be read: it is a named pipe, and only regular files are read"]),
    (pipe(TRAIN_1), [rf"{TRAIN_1}: can't be read: it is a named pipe, and only .*"]),
    (pipe("vocabulary.tsv"), [r"vocabulary.tsv: .*"]),
    (loop(EVAL), [rf"{EVAL}: can't be read: Too many levels of symbolic links"]),
    (loop("vocabulary.tsv"), [r"vocabulary.tsv: .*"]),
    (add("transform/transform_fn/saved_model.pbtxt"), [
        r"transform/transform_fn/saved_model.pbtxt: got a file, expected none: the manifest doesn't name it",
    ]),
    # A folder of an earlier version has no `files`. The words of the graph are those of vocabulary.tsv all the same.
    (change("files", to=None), []),
    (both(change("files", to=None), flip(GRAPH, byte=0)), []),
    (both(change("files", to=None), flip(WORDS_OF_GRAPH, byte=3)), [rf"{WORDS_OF_GRAPH}: SHA-256: .*"]),
    (both(change("files", to=None), flip("vocabulary.tsv", byte=3)), [r"vocabulary.tsv: SHA-256: .*"]),
    (replace(TRAIN_0, [([0, 1, 2, 10], 0), ([11, 2, 3, 12], 1)]), [
        rf"{TRAIN_0}: record 0: highest id: got 10, expected 0 to 9 \(such records: 2\)",
    ]),
    (replace(TRAIN_0, [([0, 1, 2, 3], 0), ([1, 2, 0, 3], 1)]), [
        rf"{TRAIN_0}: record 1: place of padding: got 2, expected only in front of the words \(such .*: 1\)",
    ]),
    (replace(TRAIN_0, [([0, 1, 2, 3], 0), ([1, 2, 3, 4], 2)]), [
        rf"{TRAIN_0}: record 1: label: got 2, expected 0 to 1 \(such records: 1\)",
        r"manifest.json: labels of train: got {'bad': 1, 'good': 2}, expected {'bad': 1, 'good': 1}",
    ]),
    (replace(TRAIN_0, [([0, 1, 2, 3], 0)]), [
        r"manifest.json: labels of train: got {'good': 2}, expected {'bad': 1, 'good': 1}",
    ]),
    (change("splits", "train", "labels", to={"bad": 2, "good": 1}), [
        r"manifest.json: labels of train: got {'bad': 2, 'good': 1}, expected {'bad': 1, 'good': 2}",
    ]),
    (change("config", "vocabulary", "top_words", to=9), [
        rf"{TRAIN_1}: record 0: highest id: got 9, expected 0 to 8 \(such records: 1\)",
    ]),
    (change("config", "sequence", "padding", to="post"), [
        rf"{TRAIN_0}: record 0: place of padding: got 0, expected only after the words \(such records: 1\)",
        rf"{TRAIN_1}: record 0: place of padding: got 2, expected only after the words \(such records: 1\)",
    ]),
    (change("config", "sequence", "max_length", to=5), [
        rf"{TRAIN_0}: record 0: ids: got 4 numbers, expected 5 \(expected records: 2\)",
        rf"{TRAIN_1}: record 0: ids: got 4 numbers, .*",
        rf"{EVAL}: record 0: ids: got 4 numbers, .*",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "patterns"), DAMAGES)
def test_verify_names_every_problem(tmp_path: Path, damage: Callable[[Path], object], patterns: list[str]) -> None:
    folder = make_folder(tmp_path / "folder")
    damage(folder)
    problems = verify(folder).problems
    assert len(problems) == len(patterns), problems
    for problem, pattern in zip(problems, patterns, strict=True):
        assert re.fullmatch(pattern, problem)


def weights(**values: object) -> Callable[[Path], None]:
    good = {"total": 2.75, "squares": 4.3125, "labels": {"bad": 0.5, "good": 2.5}}
    return change("splits", "train", "weights", to={**good, **values})


def only_bad(folder: Path) -> None:
    """The labels in the manifest without the second."""
    change("labels", to=["bad"])(folder)
    for split, rows in {"train": 1, "eval": 1, "test": 0}.items():
        change("splits", split, "labels", to={"bad": rows})(folder)
    change("splits", "train", "no_labels", to=2)(folder)
    weights(labels={"bad": 0.5})(folder)
    change("splits", "eval", "weights", "labels", to={"bad": 1.0})(folder)
    change("splits", "test", "weights", "labels", to={})(folder)


FEATURED_DAMAGES = [
    # damage to records of several labels, a weight and a slice; the problems
    (weights(), []),
    (weights(total=2.5), [
        r"manifest.json: sums of the weights of train: got \(2.5, 4.3125, .*\), expected \(2.75, 4.3125, .*\)",
    ]),
    (weights(labels={"bad": 0.5, "good": 2.0}), [
        r"manifest.json: sums .*: got .*'good': 2.0}\), expected .*'good': 2.5}\)",
    ]),
    (change("splits", "train", "labels", to={"bad": 1, "good": 1}), [
        r"manifest.json: labels of train: got {'bad': 1, 'good': 1}, expected {'bad': 1, 'good': 2}",
    ]),
    (change("splits", "train", "no_labels", to=0), [
        r"manifest.json: rows of train without a label: got 0, expected 1",
    ]),
    (change("record", "slices", to=["source", "country"]), [
        rf"{TRAIN_0}: record 0: slices: got 1 values, expected 2 \(expected records: 2\)",
        rf"{TRAIN_1}: record 0: slices: .*",
        rf"{EVAL}: record 0: slices: .*",
    ]),
    (change("record", "slices", to=[]), [
        rf"{path}: record 0: is not a tf.train.Example of ids, label and weight as the pipeline writes it \(.*\)"
        for path in (TRAIN_0, TRAIN_1, EVAL)
    ]),
    (only_bad, [
        rf"{TRAIN_0}: record 0: label: got 1, expected 0 to 0 \(such records: 2\)",
        r"manifest.json: rows of train without a label: got 2, expected 1",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "patterns"), FEATURED_DAMAGES)
def test_verify_compares_weights_and_several_labels(
    tmp_path: Path, damage: Callable[[Path], object], patterns: list[str]
) -> None:
    folder = make_featured_folder(tmp_path / "folder")
    damage(folder)
    problems = verify(folder).problems
    assert len(problems) == len(patterns), problems
    for problem, pattern in zip(problems, patterns, strict=True):
        assert re.fullmatch(pattern, problem), problem


def test_verify_notices_a_flip_of_any_bit(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "folder", "gzip")
    path = folder / f"{EVAL}.gz"
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        problems = verify(folder).problems
        assert problems
        assert problems[0].startswith(f"{EVAL}.gz: SHA-256: ")


def test_verify_counts_records_across_the_pieces_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_READ_BYTES", 60)
    folder = make_folder(tmp_path / "folder")
    many = [([0, 1, 2, 3 + number], 0) for number in range(9)]  # the last two beyond top_words
    replace(TRAIN_0, many)(folder)
    flip(TRAIN_0, byte=8 * 51 + 20)(folder)
    assert about_records(folder) == [
        "record 8: the checksum of its content is wrong (expected records: 9)",
        "record 7: highest id: got 10, expected 0 to 9 (such records: 1)",
    ]
    replace(TRAIN_0, many)(folder)
    flip(TRAIN_0, byte=20)(folder)  # the rest is not decoded but still hashed and counted
    assert [line.split()[1] for line in verify(folder).problems if line.startswith(TRAIN_0)] == ["SHA-256:", "record"]
    foreign = frame([b"foreign"])[0].as_py()
    replace(TRAIN_0, many[:3])(folder)
    add(TRAIN_0, (folder / TRAIN_0).read_bytes() + foreign)(folder)
    assert about_records(folder) == [
        "record 3: is not a tf.train.Example of ids and label as the pipeline writes it (expected records: 3)"
    ]
    replace(TRAIN_0, [*many[:8], ([1, 2, 3, 4], 2**31), ([0, 2, 0, 4], 3)])(folder)
    assert about_records(folder) == [
        "record 7: highest id: got 10, expected 0 to 9 (such records: 1)",
        "record 8: label: got 2147483648, expected 0 to 1 (such records: 2)",
        "record 9: place of padding: got 2, expected only in front of the words (such records: 1)",
    ]


def about_records(folder: Path) -> list[str]:
    prefix = f"{TRAIN_0}: "
    return [line.removeprefix(prefix) for line in verify(folder).problems if line.startswith(f"{prefix}record ")]


def test_verify_collects_problems_of_several_files(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "folder")
    flip(TRAIN_0, byte=20)(folder)
    remove(TRAIN_1)(folder)
    remove("vocabulary.tsv")(folder)
    result = verify(folder)
    assert [problem.partition(":")[0] for problem in result.problems] == [
        TRAIN_0,
        TRAIN_0,
        TRAIN_1,
        "vocabulary.tsv",
    ]
    assert (result.shards, result.records, result.bytes) == (3, 1, 153)


NO_MANIFEST = [
    # damage, part of the message
    (remove("manifest.json"), "is not a complete records folder: it has no manifest.json"),
    (shutil.rmtree, "is not a complete records folder: it has no manifest.json"),
    (add("manifest.json", b'{"format_version": 1'), "manifest.json is not JSON (Expecting"),
    (add("manifest.json", b"\xff"), "manifest.json is not JSON ("),
    (add("manifest.json", b"[]"), "manifest.json is a list of 0 items, not an object"),
    (change("format_version", to=2), "manifest.json: format_version is 2, expected 1"),
    (change("splits", "train", to={}), "manifest.json: splits.train.rows is missing"),
    (
        change("splits", "train", "rows", to="3"),
        "manifest.json: splits.train.rows is '3'; input should be a valid integer",
    ),
    (
        change("config", "sequence", "padding", to="left"),
        "manifest.json: config.sequence.padding is 'left'; input should be 'pre' or 'post'",
    ),
]


@pytest.mark.parametrize(("damage", "message"), NO_MANIFEST)
def test_verify_refuses_a_folder_without_a_readable_manifest(
    tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    folder = make_folder(tmp_path / "folder")
    damage(folder)
    with pytest.raises(UserError, match=re.escape(message)):
        verify(folder)


# what is done to the records of texts without labels, the problem
UNLABELLED_DAMAGE = [
    (str, []),  # nothing
    (remove(UNLABELLED), [f"{UNLABELLED}: records: got no file, expected 2"]),
    (flip(UNLABELLED, byte=20), [f"{UNLABELLED}: SHA-256: got .*", f"{UNLABELLED}: record 0: .*checksum.*"]),
    (lambda folder: add_unlabelled(folder, [([9, 0, 0, 10], 0)]),
     [f"{UNLABELLED}: record 0: highest id: got 10, expected 0 to 9 .*",
      f"{UNLABELLED}: record 0: place of padding: got 1, expected only in front of the words .*"]),
    (lambda folder: add_unlabelled(folder, [([0, 0, 1, 2], 1)], labelled=True),
     [f"{UNLABELLED}: record 0: is not a tf.train.Example of ids alone .*"]),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "problems"), UNLABELLED_DAMAGE)
def test_verify_reads_the_texts_without_labels(
    tmp_path: Path, damage: Callable[[Path], None], problems: list[str]
) -> None:
    folder = make_folder(tmp_path / "records")
    add_unlabelled(folder, [([0, 0, 1, 2], 0), ([0, 0, 0, 0], 0)])
    damage(folder)
    found = verify(folder)
    assert len(found.problems) == len(problems)
    for problem, expected in zip(sorted(found.problems), sorted(problems), strict=True):
        assert re.fullmatch(expected, problem), problem
    if not problems:
        assert (found.shards, found.records) == (5, 6)
