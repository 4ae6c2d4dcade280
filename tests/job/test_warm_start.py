"""`training.start_from`: what a new training copies from an exported model, and what it refuses."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import Config
from pipeline.errors import UserError
from tests.support.exported_models import export_unchecked, settings
from tests.support.jobs import manifest_of, run_job, small_rows, vocabulary_of, write_jsonl
from tests.support.toy_records import weights
from trainer.data.records_folder import RecordsFolder, open_records_folder
from trainer.model.classifier import TextClassifier, build_model
from trainer.savedmodel.loading import ExportedModel, open_model
from trainer.training.fit import train
from trainer.training.progress import EpochEvent, StepEvent
from trainer.training.warm_start import warm_start

# Several weights of the same shape, so that a swap would be seen.
DEEP = {"model.lstm_units": "[5, 5]", "model.bidirectional": "true", "model.embedding_dim": "10"}
OOV = {"vocabulary.oov": "token"}


def words_of(folder: str | Path) -> dict[str, int]:
    return {token: number for number, token, _ in vocabulary_of(folder)}


def fresh(config: Config, records: RecordsFolder) -> TextClassifier:
    keras.utils.set_random_seed(3)
    return build_model(records.vocabulary_size, config.model, classes=len(records.labels), padding="pre")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """first/ holds records, first_model/ a model of them; grown/ records of more words with first's ids, recounted/
    records of the same texts with ids of their own."""
    folder = tmp_path_factory.mktemp("start")
    first = write_jsonl(folder / "first.jsonl", small_rows(200))
    more = write_jsonl(folder / "more.jsonl", [*small_rows(100),
                                               *[(f"word9 comet {i}", "negative") for i in range(40)]])  # fmt: skip
    run_job(first, folder / "first", OOV)
    run_job(more, folder / "grown", {"vocabulary.from": str(folder / "first"), "vocabulary.grow": "true",
                                     "vocabulary.top_words": "230"})  # fmt: skip
    run_job(more, folder / "recounted", OOV)
    config = settings(folder / "first", folder / "of_first", **DEEP)
    export_unchecked(train(config, open_records_folder(str(folder / "first"))), config)
    return folder


@pytest.fixture(scope="module")
def earlier(folder: Path) -> ExportedModel:
    return open_model(str(folder / "of_first" / "model"))


@pytest.mark.parametrize("name", ["grown", "recounted"])
def test_warm_start_copies_vectors_by_token(name: str, folder: Path, earlier: ExportedModel) -> None:
    records = open_records_folder(str(folder / name))
    config = settings(folder / name, folder / "unused", **DEEP)
    untouched = fresh(config, records).embedding.embeddings.numpy()
    model = fresh(config, records)
    warm_start(model, records, str(folder / "of_first" / "model"))
    vectors, old, new = model.embedding.embeddings.numpy(), words_of(folder / "first"), words_of(folder / name)
    for token, number in new.items():
        expected = earlier.embedding[old[token]] if token in old else untouched[number]
        assert np.array_equal(vectors[number], expected), token
    assert "comet" in new.keys() - old.keys()
    assert np.array_equal(vectors[:2], earlier.embedding[:2])  # padding and unknown tokens
    moved = [token for token in old.keys() & new.keys() if old[token] != new[token]]
    assert bool(moved) == (name == "recounted")


@pytest.mark.parametrize("name", ["grown", "recounted"])
def test_warm_start_gives_the_earlier_models_own_answers(name: str, folder: Path, earlier: ExportedModel) -> None:
    records = open_records_folder(str(folder / name))
    model = fresh(settings(folder / name, folder / "unused", **DEEP), records)
    warm_start(model, records, earlier.folder)
    known = words_of(folder / "first").keys() & words_of(folder / name).keys()
    texts = [" ".join(sorted(known)[start : start + 7]).encode() for start in range(0, 70, 7)]
    graph = tf.saved_model.load(str(folder / name / "transform" / "transform_fn"))
    zeros = tf.zeros([len(texts)], tf.int64)
    ids = graph.transform_fn({"text": tf.constant(texts), "position": zeros, "label": zeros})["ids"]
    np.testing.assert_allclose(model(ids).numpy()[:, 0], earlier.scores(texts)[:, 1], atol=1e-6)


def records_like(folder: Path, target: Path, *, vocabulary: str | None = None, **changed: Any) -> RecordsFolder:
    """Manifest and vocabulary of the grown records, with another vocabulary or other values in the manifest."""
    content = manifest_of(folder / "grown")
    for name, value in changed.items():
        content[name] = value if isinstance(value, list) else {**content[name], **value}
    vocabulary = vocabulary or (folder / "grown" / "vocabulary.tsv").read_text()
    content["vocabulary"]["sha256"] = hashlib.sha256(vocabulary.encode()).hexdigest()
    (target / "vocabulary.tsv").write_text(vocabulary)
    (target / "manifest.json").write_text(json.dumps(content))
    return open_records_folder(str(target))


def test_warm_start_copies_no_word_from_the_row_of_unknown_tokens(
    folder: Path, earlier: ExportedModel, tmp_path: Path
) -> None:
    """With `oov: drop` the id 1 is a word's."""
    config = manifest_of(folder / "grown")["config"]
    config["vocabulary"]["oov"] = "drop"
    records = records_like(folder, tmp_path, vocabulary="1\tzzz\t9\n2\tword1\t8\n", config=config)
    settings_of = settings(tmp_path, tmp_path, **DEEP)
    untouched = fresh(settings_of, records).embedding.embeddings.numpy()
    model = fresh(settings_of, records)
    warm_start(model, records, earlier.folder)
    vectors = model.embedding.embeddings.numpy()
    assert np.array_equal(vectors[0], earlier.embedding[0])
    assert np.array_equal(vectors[1], untouched[1])
    assert np.array_equal(vectors[2], earlier.embedding[words_of(folder / "first")["word1"]])
    assert np.array_equal(vectors[3:], untouched[3:])


class StoppedError(Exception):
    """Ends a training as a kill would."""


def test_warm_start_resumes_without_the_earlier_model(folder: Path, earlier: ExportedModel, tmp_path: Path) -> None:
    shutil.copytree(folder / "of_first" / "model", tmp_path / "start")
    records = open_records_folder(str(folder / "grown"))
    others = {**DEEP, "training.start_from": str(tmp_path / "start"), "training.epochs": "2", "model.dropout": "0.2",
              "training.checkpoint_steps": "1"}  # fmt: skip

    def stop(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, StepEvent) and event.epoch == 2 and event.step == 2:
            raise StoppedError

    unbroken = train(settings(folder / "grown", tmp_path / "unbroken", **others), records)
    config = settings(folder / "grown", tmp_path / "broken", **others)
    with pytest.raises(StoppedError):
        train(config, records, progress=stop)
    shutil.rmtree(tmp_path / "start")
    resumed = train(config, records, resume=True)
    assert weights(resumed) == weights(unbroken)
    export_unchecked(resumed, config)
    exported = open_model(str(tmp_path / "broken" / "model"))
    assert exported.info.training.start_from == str(tmp_path / "start")
    assert np.array_equal(exported.embedding_before[:200], earlier.embedding)
    assert not np.array_equal(exported.embedding[:200], earlier.embedding)


def stop_at_once(_: StepEvent | EpochEvent) -> None:
    raise StoppedError


def test_warm_start_files_are_removed_by_a_new_training(folder: Path, tmp_path: Path) -> None:
    records = open_records_folder(str(folder / "grown"))
    plain = settings(folder / "grown", tmp_path, **DEEP)
    start = {"training.start_from": str(folder / "of_first" / "model")}
    with pytest.raises(StoppedError):
        train(settings(folder / "grown", tmp_path, **DEEP, **start), records, progress=stop_at_once)
    assert (tmp_path / "training" / "first-vectors.npz").exists()
    with pytest.raises(
        UserError, match=r"^--resume: training\.start_from was .*model when .* was started, and is None"
    ):
        train(plain, records, resume=True)
    with pytest.raises(StoppedError):
        train(plain, records, progress=stop_at_once)
    assert not (tmp_path / "training" / "first-vectors.npz").exists()


# settings -> the message; PATH is replaced by the model's path
REFUSED = [
    ({"model.embedding_dim": "4"}, "model.embedding_dim is 4, but the model in PATH (training.start_from) has 10; "
     "set model.embedding_dim to 10, or training.start_from to null"),
    ({"model.lstm_units": "5"}, "model.lstm_units is 5, but the model in PATH (training.start_from) has [5, 5]; "),
    ({"model.bidirectional": "false"}, "model.bidirectional is False, but the model in PATH"),
    ({"model.pooling": "max"}, "model.pooling is max, but the model in PATH (training.start_from) has last; "),
    ({"model.mask_zero": "false"}, "model.mask_zero is False, but the model in PATH (training.start_from) has True; "),
    ({"training.start_from": "gone"}, "training.start_from: gone is not a folder; give the export.path of a training"),
]  # fmt: skip


@pytest.mark.parametrize(("others", "message"), REFUSED)
def test_warm_start_refuses_other_settings(others: dict[str, str], message: str, folder: Path, tmp_path: Path) -> None:
    start = {"training.start_from": str(folder / "of_first" / "model")}
    config = settings(folder / "grown", tmp_path, **{**DEEP, **start, **others})
    with pytest.raises(UserError) as raised:
        train(config, open_records_folder(str(folder / "grown")))
    assert str(raised.value).startswith(message.replace("PATH", str(folder / "of_first" / "model" / "1")))
    assert not (tmp_path / "training" / "checkpoint.npz").exists()


# labels, vocabulary.tsv (None: as they are) -> the message
OTHER_RECORDS = [
    (["good", "negative", "positive"], None, r"trained on other labels \(new: 'good'; not in the records: none\); "
     "its last layer knows those alone: take rows with other labels out, or set training.start_from to null"),
    (["a", "b", "c", "d", "e"], None, r"\(new: 'a', 'b', 'c' and 2 more; not in the records: 'negative', 'positive'\)"),
    (None, "2\tother\t1\n3\ttexts\t1\n", r"^training\.start_from: .* knows no word of .*; are both of the same "),
]  # fmt: skip


@pytest.mark.parametrize(("labels", "vocabulary", "message"), OTHER_RECORDS)
def test_warm_start_refuses_other_records(
    labels: list[str] | None, vocabulary: str | None, message: str, folder: Path, tmp_path: Path
) -> None:
    records = records_like(folder, tmp_path, vocabulary=vocabulary, **({"labels": labels} if labels else {}))
    model = fresh(settings(tmp_path, tmp_path, **DEEP), records)
    before = [variable.numpy() for variable in model.weights]
    with pytest.raises(UserError, match=message):
        warm_start(model, records, str(folder / "of_first" / "model"))
    assert all(np.array_equal(value, variable.numpy()) for value, variable in zip(before, model.weights, strict=True))


def test_warm_start_refuses_the_training_folder(folder: Path, tmp_path: Path) -> None:
    start = {"training.start_from": str(folder / "of_first" / "training")}
    with pytest.raises(UserError, match=r"^training\.start_from: .* holds no exported model; give the export\.path"):
        train(settings(folder / "grown", tmp_path, **DEEP, **start), open_records_folder(str(folder / "grown")))


def test_warm_start_refuses_a_damaged_vocabulary(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "grown", tmp_path / "records")
    with (tmp_path / "records" / "vocabulary.tsv").open("a") as file:
        file.write("229\tmore\t1\n")
    start = {"training.start_from": str(folder / "of_first" / "model")}
    with pytest.raises(UserError, match=r"vocabulary\.tsv is damaged, or another folder's"):
        train(settings(tmp_path / "records", tmp_path, **DEEP, **start), open_records_folder(str(tmp_path / "records")))


def test_warm_start_of_grown_records_has_the_earlier_ids(folder: Path) -> None:
    old, new = words_of(folder / "first"), words_of(folder / "grown")
    assert old.items() <= new.items()
    assert manifest_of(folder / "grown")["config"]["vocabulary"]["oov"] == "token"
