"""Self-training: which labels and weights texts without labels get, and a second training that learns from them."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline.errors import UserError
from tests.support.toy_records import Row, toy_config, toy_rows, weights, write_folder
from trainer.data.check_shards import check_shards
from trainer.data.dataset import evaluation_batches
from trainer.data.records_folder import RecordsFolder
from trainer.devices.cluster import Cluster
from trainer.devices.devices import Devices
from trainer.evaluation.scoring import score_function
from trainer.training import labelled_texts, self_training
from trainer.training.choose import choose
from trainer.training.fit import score_held_out, train
from trainer.training.labelled_texts import read_labelled, with_labelled, write_labelled
from trainer.training.prepare import refuse_untrainable
from trainer.training.progress import EpochEvent, StepEvent
from trainer.training.run_folder import RunFolder
from trainer.training.self_training import honest_score_function

Content = tuple[tuple[int, ...], tuple[int, ...], float]  # words, labels, weight


def contents(folder: Path) -> Iterator[Content]:
    """The records of all files, read by TensorFlow's own reader and message."""
    for path in sorted(folder.glob("*.tfrecord.gz")):
        for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP"):
            feature = tf.train.Example.FromString(record.numpy()).features.feature
            words = tuple(word for word in feature["ids"].int64_list.value if word)
            (weight,) = feature["weight"].float_list.value
            yield words, tuple(feature["label"].int64_list.value), round(weight, 4)


def by_first_word(scores: dict[int, list[float]]) -> Any:
    """A model: the scores of a text are those of its first word."""

    def score(ids: tf.Tensor) -> tf.Tensor:
        return tf.constant([scores[next(int(word) for word in row if word)] for row in ids.numpy()], tf.float32)

    return score


ONE: list[Row] = [([2, 3], 0), ([4], 1), ([2, 2, 2], 1)]
SEVERAL: list[Row] = [([2, 3], [0, 2], 0.5), ([4], [], 2.0)]


# train rows, labels, texts without labels, scores by their first word, what they are learnt with
@pytest.mark.parametrize(("rows", "labels", "texts", "scores", "expected"), [
    (ONE, "ab", [[5, 6], [7], [8, 9, 9]], {5: [0.1, 0.9], 7: [0.625, 0.375], 8: [0.5, 0.5]}, [
        ((2, 3), (0,), 1.0), ((4,), (1,), 1.0), ((2, 2, 2), (1,), 1.0),
        ((5, 6), (1,), 0.8), ((7,), (0,), 0.25), ((8, 9, 9), (0,), 0.001),
    ]),
    (ONE, "abc", [[5]], {5: [0.2, 0.2, 0.6]}, [
        ((2, 3), (0,), 1.0), ((4,), (1,), 1.0), ((2, 2, 2), (1,), 1.0), ((5,), (2,), 0.4),  # (3 x 0.6 - 1) / 2
    ]),
    (SEVERAL, "abc", [[5], [6]], {5: [1.0, 0.75, 0.0], 6: [0.0, 0.25, 0.5]}, [
        ((2, 3), (0, 2), 0.5), ((4,), (), 2.0), ((5,), (0, 1), 0.8333), ((6,), (2,), 0.5),
    ]),
])  # fmt: skip
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("rows_of_file", [2, 100])
def test_self_training_writes_labels_and_weights(
    tmp_path: Path, rows: list[Row], labels: str, texts: list[list[int]], scores: dict[int, list[float]],
    expected: list[Content], padding: str, rows_of_file: int,
) -> None:  # fmt: skip
    several = rows is SEVERAL
    records = write_folder(
        tmp_path / "records", train=[rows], evaluation=rows, labels=list(labels), padding=padding, max_length=4,
        unlabelled=texts, several=several,
    )  # fmt: skip
    folder = str(tmp_path / "second")
    labelled = write_labelled(
        records, folder, score=by_first_word(scores), trim=True, run="first", seed=0, rows=rows_of_file
    )
    assert Counter(contents(tmp_path / "second")) == Counter(expected)
    assert labelled.texts == len(texts)
    assert sum(labelled.labels.values()) == sum(len(row[1]) for row in expected[len(rows) :])
    assert read_labelled(folder, run="first") == labelled
    assert read_labelled(folder, run="another") is None

    view = with_labelled(check_shards(records), folder, labelled)
    train = view.splits["train"]
    assert train.rows == len(expected)
    assert train.weights is not None
    assert train.weights.total == pytest.approx(sum(row[2] for row in expected), abs=1e-3)
    assert train.no_labels == sum(not row[1] for row in expected)
    assert list(train.labels.values()) == [sum(label in row[1] for row in expected) for label in range(len(labels))]
    assert view.manifest_sha256 != records.manifest_sha256
    # Rows of eval count as they did.
    (batch,) = evaluation_batches(view, "eval", batch_size=8, trim=True)
    assert sorted(batch.weights.numpy().tolist()) == ([0.5, 2.0] if several else [1.0, 1.0, 1.0])


def test_self_training_mixes_both_kinds_in_each_file(tmp_path: Path) -> None:
    texts = [[10 + number % 10, 15] for number in range(60)]
    records = write_folder(tmp_path / "records", train=[[([2], 0)] * 20 + [([3], 1)] * 20], unlabelled=texts)
    score = by_first_word({word: [0.25, 0.75] for word in range(20)})
    write_labelled(records, str(tmp_path / "second"), score=score, trim=True, run="", seed=0, rows=25)
    kinds = [[row[2] for row in contents_of(path)] for path in sorted((tmp_path / "second").glob("*.gz"))]
    assert [(of_file.count(1.0), of_file.count(0.5)) for of_file in kinds] == [(10, 15)] * 4
    assert any(of_file != sorted(of_file) for of_file in kinds)


def contents_of(path: Path) -> list[Content]:
    alone = path.parent.parent / f"{path.name}-alone"
    alone.mkdir()
    shutil.copy(path, alone)
    return list(contents(alone))


def test_self_training_files_of_long_texts_have_fewer_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_texts, "_IDS", 36)
    records = write_folder(tmp_path / "records", train=[[([2], 0), ([3], 1)]], unlabelled=[[4]] * 4, max_length=12)
    score = by_first_word({4: [0.25, 0.75]})
    labelled = write_labelled(records, str(tmp_path / "second"), score=score, trim=True, run="", seed=0)
    assert [shard.records for shard in labelled.train.shards] == [3, 3]


@pytest.mark.parametrize("name", ["missing", "damaged"])
def test_self_training_labels_again_if_a_file_is_not_whole(tmp_path: Path, name: str) -> None:
    records = write_folder(tmp_path / "records", train=[[([2], 0), ([3], 1)]], unlabelled=[[4]])
    folder = str(tmp_path / "second")
    score = by_first_word({4: [0.25, 0.75]})
    assert write_labelled(records, folder, score=score, trim=True, run="r", seed=0) == read_labelled(folder, run="r")
    path = tmp_path / "second" / "train-00000.tfrecord.gz"
    if name == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert read_labelled(folder, run="r") is None


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordsFolder:
    """Words 1 and 2 give the label away; of 20 texts with labels, and 60 without."""
    train, evaluation = toy_rows(20, seed=3), toy_rows(20, seed=4)
    texts = [row[0] for row in toy_rows(60, seed=5)]
    folder = tmp_path_factory.mktemp("records")
    return write_folder(folder, train=[train], evaluation=evaluation, test=toy_rows(20, seed=6), unlabelled=texts)


@pytest.mark.parametrize("ngrams", [0, 1])
def test_self_training_goes_on_after_a_kill(records: RecordsFolder, tmp_path: Path, ngrams: int) -> None:
    path = tmp_path / "training"
    config = toy_config(path, model={"ngrams": ngrams}, epochs=2, self_training=2)
    seen: list[tuple[int, int]] = []
    copies = {3: tmp_path / "in the first", 9: tmp_path / "in the second"}

    def progress(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, StepEvent):
            seen.append((event.epoch, event.step))
            if len(seen) in copies:
                shutil.copytree(path, copies[len(seen)])

    trained = train(config, records, progress=progress)
    # 20 rows in batches of 8, twice; then 80, twice.
    first = [(epoch, step) for epoch in (1, 2) for step in range(1, 4)]
    assert seen == first + [(epoch, step) for epoch in (1, 2) for step in range(1, 11)]
    assert [record.steps for record in trained.history.epochs] == [10, 20]
    assert trained.labelled is not None
    assert (trained.labelled.texts, trained.labelled.train.rows) == (60, 80)
    assert trained.records.splits["train"].rows == 20
    for copy in copies.values():
        killed = toy_config(copy, model={"ngrams": ngrams}, epochs=2, self_training=2)
        assert weights(train(killed, records, resume=True)) == weights(trained)
    written = json.loads((path / "self-training" / "labelled.json").read_text())
    assert written["train"]["rows"] == 80


def test_self_training_starts_over_without_resume(records: RecordsFolder, tmp_path: Path) -> None:
    config = toy_config(tmp_path, epochs=1, self_training=1)
    first = weights(train(config, records))
    leftover = tmp_path / "self-training" / "train-00007.tfrecord.gz"
    leftover.write_bytes(b"of an earlier training")
    assert weights(train(config, records)) == first
    assert not leftover.exists()


def with_slices(rows: list[Row]) -> list[Row]:
    return [(row[0], row[1], None, ["shop"]) for row in rows]


def test_self_training_of_records_with_slices(tmp_path: Path) -> None:
    records = write_folder(
        tmp_path / "records", train=[with_slices(toy_rows(20, seed=3))], evaluation=with_slices(toy_rows(9, seed=4)),
        unlabelled=[row[0] for row in toy_rows(30, seed=5)], slices=["source"],
    )  # fmt: skip
    trained = train(toy_config(tmp_path / "t", model={"ngrams": 1}, epochs=1, self_training=1), records)
    assert trained.model.ngrams is not None
    scores = score_held_out(trained, toy_config(tmp_path / "t").training)
    assert scores is not None
    assert scores.slices["source"].tolist() == ["shop"] * 9


# mask_zero, how many ids of the texts of 1 and 3 words are scored
@pytest.mark.parametrize(("mask_zero", "width"), [(True, 3), (False, 12)])
def test_self_training_scores_texts_as_they_are_scored_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask_zero: bool, width: int
) -> None:
    widths: set[int] = set()

    def make(*arguments: Any, **options: Any) -> Any:
        score = score_function(*arguments, **options)

        def noted(ids: tf.Tensor) -> tf.Tensor:
            widths.add(ids.shape[1])
            return score(ids)

        return noted

    monkeypatch.setattr(self_training, "score_function", make)
    records = write_folder(tmp_path / "records", train=[toy_rows(8)], unlabelled=[[2], [3, 4, 5]])
    train(toy_config(tmp_path / "t", model={"mask_zero": mask_zero}, epochs=1, self_training=1), records)
    assert widths == {width}


# what scoring or writing raises, what comes of it
ERRORS: list[tuple[str, Exception, type[Exception], str]] = [
    ("score_function", tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
     tf.errors.ResourceExhaustedError, "OOM when allocating tensor"),
    ("write_labelled", OSError(28, "No space left on device"), UserError, "/self-training can't be written: No space "
     "left on device; make room there, then go on with --resume: the first training is complete"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "error", "kind", "message"), ERRORS)
def test_self_training_calls_no_other_error_a_full_disk(
    records: RecordsFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception,
    kind: type[Exception], message: str,
) -> None:  # fmt: skip
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(self_training, name, (lambda *_, **__: fail) if name == "score_function" else fail)
    with pytest.raises(kind, match=message):
        train(toy_config(tmp_path, epochs=1, self_training=1), records)


def test_self_training_refuses_damaged_texts_before_the_first_step(tmp_path: Path) -> None:
    records = write_folder(tmp_path / "records", train=[toy_rows(8)], unlabelled=[[2]])
    path = tmp_path / "records" / "records" / "unlabelled-00000-of-00001.tfrecord.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"unlabelled-00000-of-00001.tfrecord.gz is damaged, or another folder's"):
        train(toy_config(tmp_path / "t", epochs=1, self_training=1), records)
    assert not (tmp_path / "t").exists()
    train(toy_config(tmp_path / "t", epochs=1), records)  # it does not read them


def test_self_training_resumes_on_a_disk_that_its_own_files_fill(records: RecordsFolder, tmp_path: Path) -> None:
    config = toy_config(tmp_path, epochs=1, self_training=1)
    train(config, records)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and "tensorboard" not in path.parts]
    own = RunFolder(config.training.path).bytes_written()
    assert own >= sum(path.stat().st_size for path in written)
    assert own > sum(path.stat().st_size for path in tmp_path.glob("self-training/train-*")) > 0


# embedding.trainable, whether the vectors have moved in the first and in the second training
@pytest.mark.parametrize(("trainable", "moved"), [("after:1", True), (False, False)])
def test_self_training_trains_the_vectors_that_the_first_training_did(
    records: RecordsFolder, tmp_path: Path, trainable: bool | str, moved: bool
) -> None:
    config = toy_config(tmp_path, epochs=2, self_training=1)
    config = config.model_copy(update={"embedding": config.embedding.model_copy(update={"trainable": trainable})})
    vectors: list[bytes] = []

    def progress(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, EpochEvent):
            last = sorted(tmp_path.rglob("checkpoint.npz"))[-1]
            vectors.append(np.load(last)["0"].tobytes())

    train(config, records, progress=progress)
    assert (vectors[1] != vectors[0], vectors[2] not in vectors[:2]) == (moved, moved)


def test_self_training_learns_from_the_texts(tmp_path: Path) -> None:
    # Words 10 and 11 are in no text with a label, and stand beside 1 and 2 in the others.
    train_rows: list[Row] = [([1], 0), ([2], 1)] * 16
    texts = [[1, 10], [2, 11]] * 64
    records = write_folder(tmp_path / "records", train=[train_rows], evaluation=train_rows, unlabelled=texts)
    scores = {}
    for epochs in (0, 6):
        config = toy_config(tmp_path / f"{epochs}", epochs=6, self_training=epochs, model={"word_dropout": 0.3})
        model = train(config, records).model
        answers = score_function(model, records.scheme)(tf.constant([[10], [11]], tf.int64)).numpy()
        scores[epochs] = answers[1, 1] - answers[0, 1]
    assert scores[0] < 0.5
    assert scores[6] > 0.9


def test_self_training_metrics_are_those_of_the_records(records: RecordsFolder, tmp_path: Path) -> None:
    config = toy_config(tmp_path, epochs=1, self_training=1)
    trained = train(config, records)
    scores = score_held_out(trained, config.training)
    assert scores is not None
    assert scores.weights is None
    assert scores.metrics["weighted"] is None
    assert np.isclose(json.loads((tmp_path / "metrics.json").read_text())["loss"], scores.metrics["loss"])


def test_self_training_class_weights_are_those_of_all_texts(tmp_path: Path) -> None:
    train_rows: list[Row] = [*[([1], 0)] * 2, *[([2], 1)] * 6]
    records = write_folder(tmp_path / "records", train=[train_rows], evaluation=train_rows, unlabelled=[[1]] * 8)
    config = toy_config(tmp_path / "training", epochs=6, self_training=1, class_weight="balanced")
    trained = train(config, records)
    assert trained.labelled is not None
    assert trained.train.weights is not None
    negative, positive = trained.train.weights.labels["neg"], trained.train.weights.labels["pos"]
    assert negative + positive == pytest.approx(8 + trained.labelled.weight)
    assert trained.labelled.weight > 0.1
    # As scikit-learn's compute_class_weight: total / (labels x rows of the label).
    expected = [(negative + positive) / (2 * negative), (negative + positive) / (2 * positive)]
    assert choose(trained, config).class_weights == pytest.approx(expected)


# class_weight, what the odds of pos against neg are divided by
@pytest.mark.parametrize(("weights_of_labels", "divisor"), [("none", 1.0), ({"pos": 4.0, "neg": 0.5}, 8.0)])
def test_self_training_divides_class_weights_out_of_scores(
    records: RecordsFolder, tmp_path: Path, weights_of_labels: Any, divisor: float
) -> None:
    config = toy_config(tmp_path, epochs=1, class_weight=weights_of_labels)
    model, ids = train(config, records).model, tf.constant([[1, 12], [2, 15]], tf.int64)
    negative, positive = score_function(model, records.scheme)(ids).numpy().T
    honest = honest_score_function(model, records, config.training)(ids).numpy()
    assert honest[:, 1] / honest[:, 0] == pytest.approx(positive / negative / divisor, rel=1e-4)
    assert honest.sum(axis=1) == pytest.approx(1.0)


def test_self_training_refuses_records_without_such_texts(tmp_path: Path) -> None:
    records = write_folder(tmp_path / "records", train=[toy_rows(8)])
    config = toy_config(tmp_path / "training", self_training=1)
    with pytest.raises(UserError, match=r"self_training is 1, but .*records holds no texts without labels"):
        train(config, records)


def test_self_training_refuses_several_machines(records: RecordsFolder, tmp_path: Path) -> None:
    devices = Devices(cluster=Cluster(("a:1", "b:1"), 0, ("chief", "worker")))
    with pytest.raises(UserError, match="self_training is 1, and several machines train"):
        refuse_untrainable(toy_config(tmp_path, self_training=1), records, devices)
