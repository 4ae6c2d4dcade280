"""What is refused before a training begins: no folder, an incomplete folder, a shard of another folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserError
from tests.support.manifests import unlabelled_part
from tests.support.toy_records import toy_folder, write_folder
from trainer.data.check_shards import check_shards
from trainer.data.records_folder import open_records_folder


def test_trainer_records_folder_describes_its_content(tmp_path: Path) -> None:
    records = toy_folder(tmp_path, padding="post")
    assert records.labels == ["neg", "pos"]
    assert records.vocabulary_size == 20
    assert (records.sequence.max_length, records.sequence.padding) == (12, "post")
    assert {split: part.rows for split, part in records.splits.items()} == {"train": 43, "eval": 20, "test": 20}
    check_shards(records)


def test_trainer_records_folder_leaves_out_empty_shards(tmp_path: Path) -> None:
    records = write_folder(tmp_path, train=[[], [([1], 0)], []])
    assert records.shard_paths("train") == [f"{tmp_path}/records/train-00001-of-00003.tfrecord.gz"]
    assert records.shard_paths("eval") == []


def change(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def changed(content: dict[str, Any]) -> None:
        content[key] = value

    return changed


def forget_a_shard(content: dict[str, Any]) -> None:
    content["splits"]["train"]["shards"].pop()


def leave_one_label(content: dict[str, Any]) -> None:
    content["labels"] = ["only"]
    for split in content["splits"].values():
        split["labels"] = {"only": split["rows"]}


def forget_a_split(content: dict[str, Any]) -> None:
    del content["splits"]["test"]


@pytest.mark.parametrize(
    # what happened to manifest.json, what the message says
    ("damage", "message"),
    [
        (change("format_version", 999), "format_version is 999"),
        (leave_one_label, "two labels or more"),
        (change("labels", None), "labels"),
        (forget_a_shard, r"splits\.train\.rows is 43, but its shards hold 30"),
        (forget_a_split, r"splits\.test is missing"),
    ],
)
def test_trainer_records_folder_refuses_a_wrong_manifest(tmp_path: Path, damage: Any, message: str) -> None:
    toy_folder(tmp_path)
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        open_records_folder(str(tmp_path))


def test_trainer_records_folder_refuses_a_folder_without_manifest(tmp_path: Path) -> None:
    toy_folder(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(UserError, match="is not a complete records folder"):
        open_records_folder(str(tmp_path))
    (tmp_path / ".publishing-1").mkdir()
    with pytest.raises(UserError, match=r"was stopped .*`python -m pipeline run` .* puts back what was there before"):
        open_records_folder(str(tmp_path))


def test_trainer_records_folder_passes_over_texts_without_labels(tmp_path: Path) -> None:
    """Their files are known, and a training does not read them: a damaged one does no harm."""
    toy_folder(tmp_path)
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text())
    content["config"]["input"] = {"unlabelled": "more.csv"}
    content["unlabelled"] = unlabelled_part(rows=2)
    path.write_text(json.dumps(content))
    shard = tmp_path / content["unlabelled"]["shards"][0]["path"]
    shard.write_bytes(b"damaged")
    records = check_shards(open_records_folder(str(tmp_path)))
    assert str(shard) not in records.stamps
    assert set(records.splits) == {"train", "eval", "test"}
    shard.rename(shard.with_name("unlabelled-00001-of-00002.tfrecord.gz"))
    with pytest.raises(UserError, match=r"unlabelled-00001-of-00002\.tfrecord\.gz is not in the manifest"):
        check_shards(records)
