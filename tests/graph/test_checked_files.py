"""What a training compares with the manifest before its first step, and that it uses what it compared."""

import json
import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from pipeline.errors import UserError
from tests.support.plain_records import EVAL, FILES, GRAPH, TRAIN_0, TRAIN_1, WORDS_OF_GRAPH, make_folder, write
from tests.support.toy_records import Row, example, write_folder, write_shard
from trainer.data.check_shards import check_shards
from trainer.data.checked_files import checked_copies, checked_parts
from trainer.data.dataset import iterate_batches
from trainer.data.records_folder import RecordsFolder, open_records_folder, stamp
from trainer.export.text_to_ids import load_text_to_ids

Damage = Callable[[Path], object]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


# damage, what the message says
DAMAGES: list[tuple[Damage, str]] = [
    (Path.unlink, "can't be read, and the manifest lists it"),
    (flip, "is damaged, or another folder's"),
    (lambda path: os.truncate(path, 3), "has 3 bytes, but the manifest says"),
    (pipe, "a named pipe"),
    (loop, "symbolic links"),
    (folder, "a folder"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=[message for _, message in DAMAGES])
@pytest.mark.parametrize("name", FILES)
def test_checked_copies_refuse_a_damaged_file(tmp_path: Path, name: str, damage: Damage, message: str) -> None:
    records = open_records_folder(str(make_folder(tmp_path / "records")))
    damage(tmp_path / "records" / name)
    with pytest.raises(UserError, match=f"/records/{name} .*{message}.*copy the whole folder"), checked_copies(records):
        pass


def test_checked_files_that_may_not_be_read_are_to_be_made_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = open_records_folder(str(make_folder(tmp_path / "records")))

    def denied(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("trainer.files.os.listdir", denied)
    with pytest.raises(UserError, match="/records/records can't be read: Permission denied; make it readable for this"):
        check_shards(records)
    monkeypatch.setattr("trainer.files.open_regular", denied)
    with pytest.raises(UserError, match=r"lists it: Permission denied; make it readable for this user$"):
        list(checked_parts(str(tmp_path), bytes=None, sha256=None))
    monkeypatch.setattr("trainer.data.records_folder.os.stat", denied)
    with pytest.raises(UserError, match=r"lists it: Permission denied; make it readable for this user$"):
        stamp(str(tmp_path))


def contents(records: RecordsFolder) -> dict[str, bytes]:
    return {name: Path(records.small_file(name)).read_bytes() for name in FILES}


def test_checked_copies_are_used_whatever_happens_to_the_folder(tmp_path: Path) -> None:
    records = open_records_folder(str(make_folder(tmp_path / "records")))
    assert contents(records) == FILES
    with checked_copies(records) as copied:
        shutil.rmtree(tmp_path / "records")
        assert contents(copied) == FILES
    assert not Path(copied.small_file(GRAPH)).exists()


def without_hashes(path: Path) -> RecordsFolder:
    """A folder of an earlier version."""
    manifest = json.loads((path / "manifest.json").read_text())
    del manifest["files"]
    (path / "manifest.json").write_text(json.dumps(manifest))
    return open_records_folder(str(path))


def test_checked_copies_of_an_earlier_version_compare_the_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_folder(tmp_path / "records")
    records = without_hashes(path)
    flip(path / GRAPH)
    with checked_copies(records) as copied:
        assert contents(copied)[WORDS_OF_GRAPH] == FILES[WORDS_OF_GRAPH]
        with pytest.raises(UserError, match=r"/records/transform can't be loaded .*copy the whole folder"):
            load_text_to_ids(copied)
    assert "was made by an earlier version" in caplog.text
    flip(path / WORDS_OF_GRAPH)
    with pytest.raises(UserError, match=f"{WORDS_OF_GRAPH} is damaged"), checked_copies(records):
        pass


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=[message for _, message in DAMAGES])
def test_check_shards_refuses_a_damaged_shard(tmp_path: Path, damage: Damage, message: str) -> None:
    records = open_records_folder(str(make_folder(tmp_path / "records")))
    damage(tmp_path / "records" / TRAIN_1)
    with pytest.raises(UserError, match=f"/records/{TRAIN_1} .*{message}"):
        check_shards(records)


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> RecordsFolder:
    manifest = json.loads((path / "manifest.json").read_text())
    change(manifest)
    (path / "manifest.json").write_text(json.dumps(manifest))
    return open_records_folder(str(path))


# what is wrong in the manifest, what the message says. The records hold ids up to 9, in 4 places, padded in front.
CONTRADICTIONS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda manifest: manifest["splits"]["train"].update(labels={"bad": 2, "good": 1}),
     "manifest.json: splits.train.labels has 2 rows of 'bad', but its records have 1"),
    (lambda manifest: manifest.update(labels=["good", "bad"]),
     "manifest.json: splits.train.labels has 2 rows of 'good', but its records have 1"),
    (lambda manifest: manifest["config"]["vocabulary"].update(top_words=9),
     "manifest.json: config.vocabulary.top_words is 9, but there is a record with the id 9 in train"),
    (lambda manifest: manifest["config"]["sequence"].update(padding="post"),
     "manifest.json: config.sequence.padding is 'post', but there is a record padded elsewhere in train"),
    (lambda manifest: manifest["config"]["sequence"].update(max_length=5),
     "manifest.json: the records of train can't be read as 5 ids (config.sequence.max_length) and a label: "),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), CONTRADICTIONS, ids=[row[1] for row in CONTRADICTIONS])
def test_check_shards_refuses_a_manifest_of_other_records(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    records = changed(make_folder(tmp_path / "records"), change)
    with pytest.raises(UserError, match=re.escape(message)):
        check_shards(records)


def test_check_shards_refuses_a_label_without_a_name(tmp_path: Path) -> None:
    path = make_folder(tmp_path / "records")
    entry = write(path / EVAL, [([0, 0, 0, 1], 2)])
    records = changed(path, lambda manifest: manifest["splits"]["eval"].update(shards=[entry]))
    with pytest.raises(UserError, match="labels has 2 labels, but there is a record of another one in eval"):
        check_shards(records)


# The records of two labels a text or fewer, as written: words, labels, weight, slices.
LABELLED: list[Row] = [([1], [0, 2], 0.5, ["x"]), ([2], [], 2.0, ["y"]), ([3], [1], 0.25, [""])]

# what is wrong in the manifest or in the first record, what the message says
LABEL_CONTRADICTIONS: list[tuple[Callable[[dict[str, Any]], object] | Row, str]] = [
    (lambda split: split["labels"].update(a=2), "splits.train.labels has 2 rows of 'a', but its records have 1"),
    (lambda split: split.update(no_labels=0), "splits.train.no_labels is 0, but 1 of its records have no label"),
    (lambda split: split["weights"].update(total=2.5), "splits.train.weights.total is 2.5, but the weights of its "
     "records add up to 2.75"),
    (lambda split: split["weights"].update(squares=5.3125), "splits.train.weights.squares is 5.3125, but"),
    (lambda split: split["weights"]["labels"].update(c=0.25), "splits.train.weights.labels.c is 0.25, but the weights "
     "of its records add up to 0.5"),
    (([1], [2, 0], 0.5, ["x"]), "there is a record whose labels do not ascend in train"),
    (([1], [0, 0], 0.5, ["x"]), "there is a record whose labels do not ascend in train"),  # twice the same
    (([1], [0, 3], 0.5, ["x"]), "labels has 3 labels, but there is a record of another one in train"),
    (([1], [0, 2], 0.0, ["x"]), "record.weighted is true, but there is a record with the weight 0 in train"),
    (([1], [0, 2], math.nan, ["x"]), "record.weighted is true, but there is a record with the weight nan in train"),
    (([1], [0, 2], math.inf, ["x"]), "record.weighted is true, but there is a record with the weight inf in train"),
    (([1], [0, 2], None, ["x"]), "can't be read as 12 ids (config.sequence.max_length), labels, a weight and 1 slices"),
    (([1], [0, 2], 0.5, ["x", "y"]), "can't be read as 12 ids (config.sequence.max_length), labels, a weight and 1 "),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), LABEL_CONTRADICTIONS, ids=[row[1] for row in LABEL_CONTRADICTIONS])
def test_check_shards_compares_labels_and_weights(
    tmp_path: Path, change: Callable[[dict[str, Any]], object] | Row, message: str
) -> None:
    labels = ("a", "b", "c")
    check_shards(write_folder(tmp_path, train=[LABELLED], labels=labels, several=True, slices=["column"]))
    if isinstance(change, tuple):
        records = [example([0] * 11 + row[0], *row[1:]) for row in [change, *LABELLED[1:]]]
        entry = write_shard(tmp_path / "records" / "train-00000-of-00001.tfrecord.gz", records)
        folder = changed(tmp_path, lambda manifest: manifest["splits"]["train"].update(shards=[entry]))
    else:
        folder = changed(tmp_path, lambda manifest: change(manifest["splits"]["train"]))
    with pytest.raises(UserError, match=re.escape(message)):
        check_shards(folder)


def test_check_shards_refuses_shards_that_the_manifest_does_not_list(tmp_path: Path) -> None:
    path = make_folder(tmp_path / "records")
    (path / "records" / "_SUCCESS").touch()
    check_shards(open_records_folder(str(path)))
    (path / "records" / "train-00000-of-00001.tfrecord").touch()
    with pytest.raises(UserError, match=r"/train-00000-of-00001\.tfrecord is not in the manifest"):
        check_shards(open_records_folder(str(path)))


def test_check_shards_are_compared_again_after_each_pass(tmp_path: Path) -> None:
    path = make_folder(tmp_path / "records")
    records = check_shards(open_records_folder(str(path)))
    nothing = tf.data.Dataset.from_tensor_slices([])
    assert list(iterate_batches(nothing, records)) == []
    content = (path / TRAIN_0).read_bytes()
    (path / "other").write_bytes(content)
    (path / "other").replace(path / TRAIN_0)  # the same bytes, but nobody has compared them
    with pytest.raises(UserError, match=f"{TRAIN_0} has changed since the training began"):
        list(iterate_batches(nothing, records))
