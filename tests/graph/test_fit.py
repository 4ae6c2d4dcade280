"""Training: each kind of model learns; the weights depend on settings and records alone, also after kill and resume."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.settings import Config, TrainingSettings
from pipeline.errors import UserError
from tests.support.toy_records import Row, toy_config, toy_folder, toy_rows, weights, write_folder
from trainer.data import dataset
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.scoring import SplitScorer, SplitScores
from trainer.model import classifier
from trainer.training import epoch_steps, prepare
from trainer.training.fit import TrainedModel, score_held_out, train
from trainer.training.learning_rate import learning_rate
from trainer.training.progress import EpochEvent, StepEvent

# Dropout of inputs, of the state in both directions, and of words: all the random state that a model can have.
WORDS = {"embedding_dropout": 0.2, "word_dropout": 0.2}
RANDOM = {"dropout": 0.3, "recurrent_dropout": 0.3, "bidirectional": True, **WORDS}
# Without dropout of the state LSTMs run in groups, with it in Keras's loop (trainer/model/lstm_choice.py).
RANDOM_IN_GROUPS = {"dropout": 0.3, "bidirectional": True}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordsFolder:
    return toy_folder(tmp_path_factory.mktemp("records"))


class Run(NamedTuple):
    """A training to its end. killed: training.path as a kill at one moment would leave it."""

    config: Config
    trained: TrainedModel
    events: list[StepEvent | EpochEvent]
    killed: Path


def run_with_copy(config: Config, records: RecordsFolder, *, epoch: int, step: int) -> Run:
    """Copies training.path after a step: what is in the files then is what a process that is killed leaves."""
    events: list[StepEvent | EpochEvent] = []
    killed = Path(f"{config.training.path}-killed")

    def progress(event: StepEvent | EpochEvent) -> None:
        events.append(event)
        if isinstance(event, StepEvent) and (event.epoch, event.step) == (epoch, step):
            shutil.copytree(config.training.path, killed)

    return Run(config, train(config, records, progress=progress), events, killed)


@pytest.fixture(scope="module")
def unbroken(records: RecordsFolder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """18 steps, 6 an epoch, with random state; a checkpoint every 4. Killed between a last step and its evaluation."""
    config = toy_config(tmp_path_factory.mktemp("unbroken") / "training", model=RANDOM)
    return run_with_copy(config, records, epoch=2, step=6)


class StoppedError(Exception):
    """Ends a training as a kill would."""


def without_seconds(trained: TrainedModel) -> list[dict[str, Any]]:
    return [record.model_dump(exclude={"seconds"}) for record in trained.history.epochs]


@pytest.mark.parametrize(
    # model settings, labels, padding
    ("model", "labels", "padding"),
    [
        ({}, "ab", "pre"),
        ({"mask_zero": False, "pooling": "max"}, "ab", "post"),
        ({"bidirectional": True, "pooling": "mean", "lstm_units": [16, 8], "dropout": 0.1}, "abc", "post"),
    ],
)
def test_fit_learns_in_every_variant(tmp_path: Path, model: dict[str, Any], labels: str, padding: str) -> None:
    rows = toy_rows(64, classes=len(labels), longest=3)
    folder = write_folder(
        tmp_path / "records", train=[rows], evaluation=rows, labels=list(labels), padding=padding, max_length=4
    )
    trained = train(toy_config(tmp_path / "training", model=model, epochs=3, batch_size=2), folder)
    first, last = trained.history.epochs[0], trained.history.epochs[-1]
    assert last.loss < 0.8 * first.loss
    assert last.eval_accuracy is not None
    assert last.eval_accuracy > 0.8


def test_fit_gives_other_losses_with_another_seed(records: RecordsFolder, tmp_path: Path) -> None:
    losses = []

    def progress(event: StepEvent | EpochEvent) -> None:
        assert isinstance(event, StepEvent)
        losses.append(event.averages().loss)
        raise StoppedError

    for seed in (0, 1):
        with pytest.raises(StoppedError):
            train(toy_config(tmp_path, seed=seed), records, progress=progress)
    assert losses[1] != pytest.approx(losses[0])


def test_fit_reports_each_step_and_epoch(unbroken: Run) -> None:
    steps = [event for event in unbroken.events if isinstance(event, StepEvent)]
    assert [(step.epoch, step.step) for step in steps] == [(e, s) for e in (1, 2, 3) for s in range(1, 7)]
    assert {(step.epochs, step.steps) for step in steps} == {(3, 6)}
    assert steps[-1].examples == 3 * 43
    epochs = [event for event in unbroken.events if isinstance(event, EpochEvent)]
    assert [event.record for event in epochs] == unbroken.trained.history.epochs
    assert epochs[0].is_best


def logged_steps(training_path: Path, part: str, tag: str) -> list[int]:
    steps = []
    for path in (training_path / "tensorboard" / part).iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            steps += [event.step for value in event.summary.value if value.tag == tag]
    return steps


def test_fit_resumed_gives_the_weights_and_logs_of_an_unbroken_run(
    records: RecordsFolder, unbroken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def training_batches(*arguments: Any, **named: Any) -> tf.data.Dataset:
        read.append((named["epoch"], named["skip"]))
        return dataset.training_batches(*arguments, **named)

    monkeypatch.setattr(epoch_steps, "training_batches", training_batches)
    shutil.copytree(unbroken.killed, tmp_path, dirs_exist_ok=True)
    keras.utils.set_random_seed(54321)  # the state of the random generators must not matter
    # How often checkpoints are written may change meanwhile.
    resumed = train(toy_config(tmp_path, model=RANDOM, checkpoint_steps=100), records, resume=True)
    assert read == [(1, 2), (2, 0)]  # the last checkpoint: after step 8, the second of its epoch
    assert weights(resumed) == weights(unbroken.trained)
    assert without_seconds(resumed) == without_seconds(unbroken.trained)
    assert resumed.history.curve == unbroken.trained.history.curve
    assert resumed.best_epoch == unbroken.trained.best_epoch
    with (tmp_path / "history.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["epoch"], line["steps"]) for line in lines] == [("1", "6"), ("2", "12"), ("3", "18")]
    assert [float(line["eval_loss"]) for line in lines] == [record.eval_loss for record in resumed.history.epochs]
    assert logged_steps(tmp_path, "train", "batch_loss") == list(range(1, 19))
    assert logged_steps(tmp_path, "train", "loss") == [6, 12, 18]
    assert logged_steps(tmp_path, "eval", "accuracy") == [6, 12, 18]


def test_fit_resumed_in_groups_ends_with_the_same_bits(records: RecordsFolder, tmp_path: Path) -> None:
    config = toy_config(tmp_path / "unbroken", model={**RANDOM_IN_GROUPS, **WORDS}, epochs=2)
    unbroken = run_with_copy(config, records, epoch=2, step=5)
    config = toy_config(unbroken.killed, model={**RANDOM_IN_GROUPS, **WORDS}, epochs=2)
    resumed = train(config, records, resume=True)
    assert weights(resumed) == weights(unbroken.trained)
    assert without_seconds(resumed) == without_seconds(unbroken.trained)


def labelled_rows(count: int, *, seed: int = 0) -> list[Row]:
    """Texts of two words that give their labels away: a word below 4 for each, else a 9; weights from 0.1 to 4."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for has in rng.integers(0, 2, [count, 3]):
        labels = np.flatnonzero(has).tolist()
        words = [*(1 + label for label in labels), 9][:3]
        rows.append((words, labels, float(rng.uniform(0.1, 4))))
    return rows


def test_fit_of_several_weighted_labels_learns_and_resumes(tmp_path: Path) -> None:
    train_rows = labelled_rows(150)
    folder = write_folder(
        tmp_path / "records", train=[train_rows], evaluation=labelled_rows(40, seed=1), labels="abc", several=True
    )
    settings: dict[str, Any] = {"class_weight": {"a": 3.0}, "epochs": 3, "batch_size": 8}
    config = toy_config(tmp_path / "unbroken", model=RANDOM_IN_GROUPS, **settings)
    unbroken = run_with_copy(config, folder, epoch=3, step=7)
    resumed = train(toy_config(unbroken.killed, model=RANDOM_IN_GROUPS, **settings), folder, resume=True)
    assert weights(resumed) == weights(unbroken.trained)
    assert without_seconds(resumed) == without_seconds(unbroken.trained)
    last = unbroken.trained.history.epochs[-1]
    assert last.eval_accuracy is not None
    assert last.eval_accuracy > 0.7  # of the decisions; guessing gives a half
    assert last.eval_auc is None


# Settings that later versions have, with what they stand for where they are missing.
LATER_SETTINGS = {
    "training.class_weight": "none", "training.label_smoothing": 0.0, "training.average": None,
    "training.self_training": 0, "training.precision": "float32", "embedding.from": None, "embedding.trainable": True,
    "model.ngrams": 0, "model.ngram_buckets": 524_288, "model.ngram_gaps": 0, "model.ngram_ending": 0,
}  # fmt: skip


def test_fit_resumes_a_checkpoint_of_a_version_with_fewer_settings(
    records: RecordsFolder, unbroken: Run, tmp_path: Path
) -> None:
    shutil.copytree(unbroken.killed, tmp_path, dirs_exist_ok=True)
    with np.load(tmp_path / "checkpoint.npz") as stored:
        arrays = dict(stored)
    state = json.loads(arrays["state"].tobytes())
    for name, default in LATER_SETTINGS.items():
        assert state["settings"].pop(name) == default
    np.savez(tmp_path / "checkpoint.npz", **{**arrays, "state": np.frombuffer(json.dumps(state).encode(), np.uint8)})
    resumed = train(toy_config(tmp_path, model=RANDOM), records, resume=True)
    assert weights(resumed) == weights(unbroken.trained)


def test_fit_chooses_the_epoch_by_the_weighted_loss(tmp_path: Path) -> None:
    """The eval rows say the contrary of each other. The heavy ones agree with the train rows, the many light do not."""
    train_rows: list[Row] = [([1 + index % 2], index % 2, 1.0) for index in range(32)]
    against: list[Row] = [([1 + index % 2], 1 - index % 2, 0.01) for index in range(30)]
    records = write_folder(tmp_path / "records", train=[train_rows], evaluation=[*train_rows[:4], *against])
    trained = train(toy_config(tmp_path / "training", epochs=4), records)
    losses = [record.eval_loss for record in trained.history.epochs if record.eval_loss is not None]
    assert len(losses) == len(trained.history.epochs)
    assert losses == sorted(losses, reverse=True)
    assert trained.best_epoch == 4
    assert trained.history.epochs[-1].eval_accuracy == pytest.approx(4 / 4.3)


def test_fit_resumed_after_the_last_epoch_does_nothing(records: RecordsFolder, unbroken: Run) -> None:
    events: list[StepEvent | EpochEvent] = []
    again = train(unbroken.config, records, resume=True, progress=events.append)
    assert events == []
    assert weights(again) == weights(unbroken.trained)
    assert again.history == unbroken.trained.history


def test_fit_stops_early_with_the_weights_of_the_best_epoch(
    records: RecordsFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score, losses = SplitScorer.score, iter([0.5, 0.3, 0.4, 0.35, 0.1])

    def scored(self: SplitScorer) -> SplitScores:
        scores = score(self)
        return replace(scores, metrics={**scores.metrics, "loss": next(losses)})

    monkeypatch.setattr(SplitScorer, "score", scored)
    built = []

    def build_model(*arguments: Any, **named: Any) -> classifier.TextClassifier:
        built.append(classifier.build_model(*arguments, **named))
        return built[0]

    monkeypatch.setattr(prepare, "build_model", build_model)
    seen: list[list[bytes]] = []
    is_best: list[bool] = []

    def progress(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, EpochEvent):
            seen.append([variable.numpy().tobytes() for variable in built[0].variables])
            is_best.append(event.is_best)

    trained = train(toy_config(tmp_path, epochs=9, early_stopping=2), records, progress=progress)
    assert trained.best_epoch == 2
    assert weights(trained) == seen[1]
    assert is_best == [True, True, False, False]
    assert [path.name for path in tmp_path.glob("weights-*")] == ["weights-epoch-00002.npz"]


@pytest.mark.parametrize(
    # settings, the rate at steps 0, 5, 10, 55, 100 of 100
    ("values", "rates"),
    [
        ({"schedule": "constant", "warmup": 0.0}, [0.5, 0.5, 0.5, 0.5, 0.5]),
        ({"schedule": "constant", "warmup": 0.1}, [0.0, 0.25, 0.5, 0.5, 0.5]),
        ({"schedule": "cosine", "warmup": 0.1}, [0.0, 0.25, 0.5, 0.25, 0.0]),
    ],
)
def test_learning_rate_rises_and_falls(values: dict[str, Any], rates: list[float]) -> None:
    rate = learning_rate(TrainingSettings(learning_rate=0.5, **values), steps=100)
    assert [float(rate(step)) for step in (0, 5, 10, 55, 100)] == pytest.approx(rates, abs=1e-6)


def test_fit_replaces_an_earlier_run_and_nothing_else(records: RecordsFolder, tmp_path: Path) -> None:
    old = ["checkpoint.npz", "history.csv", "metrics.json", "weights-epoch-00007.npz", "tensorboard/train/events"]
    foreign = ["notes.txt", "weights-of-mine.npz", "tensorboard/mine/events"]
    for name in old + foreign:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    trained = train(toy_config(tmp_path, epochs=1), records)
    assert trained.best_epoch == 1
    assert [name for name in old if (tmp_path / name).exists()] == ["checkpoint.npz", "history.csv"]
    assert (tmp_path / "history.csv").read_text() != "history.csv"
    assert [(tmp_path / name).read_text() for name in foreign] == foreign


def test_fit_writes_the_metrics_of_the_test_split(records: RecordsFolder, unbroken: Run, tmp_path: Path) -> None:
    scored = score_held_out(unbroken.trained, toy_config(tmp_path).training)
    assert scored is not None
    metrics = scored.metrics
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    assert metrics["examples"] == records.splits["test"].rows == 20
    assert list(metrics["per_label"]) == ["neg", "pos"]
    of_words = metrics["word_counts"]
    assert of_words is not None
    assert of_words["train_texts"] == of_words["learnt_from"] == 43
    assert of_words["accuracy"] >= 0.9  # a word of each text gives its label away


def test_fit_trains_without_an_eval_split(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "records", train=[toy_rows(20)])
    trained = train(toy_config(tmp_path / "training", epochs=2), folder)
    assert trained.best_epoch == 2
    assert trained.history.epochs[0].eval_loss is None
    assert score_held_out(trained, toy_config(tmp_path / "training").training) is None


def test_fit_scores_the_eval_split_where_there_are_no_test_rows(unbroken: Run, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "records", train=[toy_rows(20)], evaluation=toy_rows(9, seed=1))
    config = toy_config(tmp_path / "training")
    scored = score_held_out(replace(unbroken.trained, records=folder), config.training)
    assert scored is not None
    assert (scored.split, len(scored.labels), scored.metrics["examples"]) == ("eval", 9, 9)
    assert not (tmp_path / "training").exists()  # metrics.json is the test split's


@pytest.mark.parametrize(
    # settings that are other than when the run was started, what the message says
    ("training", "model", "message"),
    [
        ({"learning_rate": 0.1}, RANDOM, r"training\.learning_rate was 0\.05 .* 0\.1 now"),
        ({"epochs": 4}, RANDOM, r"training\.epochs was 3 .* 4 now"),
        ({"class_weight": "balanced"}, RANDOM, r"training\.class_weight was none .* balanced now"),
        ({}, {**RANDOM, "lstm_units": [5, 5]}, r"model\.lstm_units was 5 .* \[5, 5\] now"),
    ],
)
def test_fit_refuses_to_resume_under_other_settings(
    records: RecordsFolder, unbroken: Run, training: dict[str, Any], model: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        train(toy_config(Path(unbroken.config.training.path), model=model, **training), records, resume=True)


def test_fit_refuses_to_resume_with_other_records(unbroken: Run, tmp_path: Path) -> None:
    others = toy_folder(tmp_path, max_length=13)
    with pytest.raises(UserError, match=r"--resume: the sha256 of manifest\.json was"):
        train(unbroken.config, others, resume=True)


@pytest.mark.parametrize(
    # settings of the training, rows of train and eval, resume, what the message says
    ("training", "rows", "resume", "message"),
    [
        ({}, (20, 0), True, r"--resume: .* holds no checkpoint\.npz"),
        ({}, (0, 5), False, r"split\.train: .* no train rows"),
        ({"class_weight": {"psos": 2}}, (20, 5), False, r"training\.class_weight: 'psos' is none of .* 'pos'"),
        ({"early_stopping": 1}, (20, 0), False, r"training\.early_stopping is 1, but .* no eval rows"),
        ({"learning_rate": 1e38, "warmup": 0.0, "clipnorm": None}, (20, 5), False, "the loss has become nan"),
    ],
)
def test_fit_refuses_records_and_settings_that_can_not_be_trained(
    tmp_path: Path, training: dict[str, Any], rows: tuple[int, int], resume: bool, message: str
) -> None:
    folder = write_folder(tmp_path / "records", train=[toy_rows(rows[0])], evaluation=toy_rows(rows[1]))
    with pytest.raises(UserError, match=message):
        train(toy_config(tmp_path / "training", **training), folder, resume=resume)


def test_fit_checks_the_shards_before_the_first_step(tmp_path: Path) -> None:
    folder = toy_folder(tmp_path / "records")
    shard = tmp_path / "records" / "records" / "test-00000-of-00001.tfrecord.gz"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"test-00000-of-00001\.tfrecord\.gz has"):
        train(toy_config(tmp_path / "training"), folder)
    assert not (tmp_path / "training").exists()


def test_fit_refuses_slices_that_the_records_lack_before_the_first_step(records: RecordsFolder, tmp_path: Path) -> None:
    config = toy_config(tmp_path / "training")
    sliced = config.model_copy(update={"metrics": MetricsSettings(slices=["text_length", "source"])})
    with pytest.raises(UserError, match=r"metrics\.slices has 'source'.*run the pipeline again"):
        train(sliced, records)
    assert not (tmp_path / "training").exists()
