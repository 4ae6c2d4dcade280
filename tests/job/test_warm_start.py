"""`training.start_from`: what a new training copies from an exported model, and what it refuses."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from pipeline.config.settings import Config
from pipeline.errors import UserError
from tests.support.exported_models import export_unchecked, settings, untrained
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
WIDTH = 12


def words_of(folder: str | Path) -> dict[str, int]:
    return {token: number for number, token, _ in vocabulary_of(folder)}


def fresh(config: Config, records: RecordsFolder) -> TextClassifier:
    keras.utils.set_random_seed(3)
    return build_model(records.vocabulary_size, config.model, scheme=records.scheme, padding="pre")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """first/ holds records, of_first/model a model of them, whose weights are all random; grown/ manifest and
    vocabulary of more words with first's ids, recounted/ those of the same words with ids of their own."""
    folder = tmp_path_factory.mktemp("start")
    run_job(write_jsonl(folder / "first.jsonl", small_rows(200)), folder / "first", {"vocabulary.oov": "token"})
    old = [token for _, token, _ in vocabulary_of(folder / "first")]
    for name, words in {"grown": [*old, "comet"], "recounted": ["comet", *reversed(old)]}.items():
        (folder / name).mkdir()
        lines = "".join(f"{number}\t{word}\t1\n" for number, word in enumerate(words, 2))
        records_like(folder / "first", folder / name, vocabulary=lines, top_words=230)
    config = settings(folder / "first", folder / "of_first", **DEEP)
    export_unchecked(untrained(folder / "first", config), config)
    return folder


@pytest.fixture(scope="module")
def earlier(folder: Path) -> ExportedModel:
    return open_model(str(folder / "of_first" / "model"))


class Started(NamedTuple):
    """words: token -> id. untouched: its embedding before it got the weights of the earlier model."""

    name: str
    words: dict[str, int]
    model: TextClassifier
    untouched: npt.NDArray[np.float32]


@pytest.fixture(scope="module", params=["grown", "recounted"])
def started(request: pytest.FixtureRequest, folder: Path) -> Started:
    """A model of other records that started from the earlier one."""
    records = open_records_folder(str(folder / request.param))
    model = fresh(settings(folder / request.param, folder / "unused", **DEEP), records)
    untouched = model.embedding.embeddings.numpy()
    warm_start(model, records, str(folder / "of_first" / "model"))
    return Started(request.param, words_of(records.path), model, untouched)


def test_warm_start_copies_vectors_by_token(started: Started, folder: Path, earlier: ExportedModel) -> None:
    vectors, old, new = started.model.embedding.embeddings.numpy(), words_of(folder / "first"), started.words
    for token, number in new.items():
        expected = earlier.embedding[old[token]] if token in old else started.untouched[number]
        assert np.array_equal(vectors[number], expected), token
    assert "comet" in new.keys() - old.keys()
    assert np.array_equal(vectors[:2], earlier.embedding[:2])  # padding and unknown tokens
    moved = [token for token in old.keys() & new.keys() if old[token] != new[token]]
    assert bool(moved) == (started.name == "recounted")


def test_warm_start_gives_the_earlier_models_own_answers(
    started: Started, folder: Path, earlier: ExportedModel
) -> None:
    known = sorted(words_of(folder / "first").keys() & started.words.keys())
    texts = [known[start : start + 7] for start in range(0, 70, 7)]
    ids = tf.constant([[0] * (WIDTH - 7) + [started.words[token] for token in text] for text in texts], tf.int64)
    expected = earlier.scores([" ".join(text).encode() for text in texts])[:, 1]
    np.testing.assert_allclose(started.model(ids).numpy()[:, 0], expected, atol=1e-6)


def records_like(
    source: Path,
    target: Path,
    *,
    vocabulary: str | None = None,
    labels: list[str] | None = None,
    oov: str | None = None,
    top_words: int | None = None,
    several: bool = False,
) -> RecordsFolder:
    """Manifest and vocabulary of a records folder, with another vocabulary or other values in the manifest."""
    content = manifest_of(source)
    vocabulary = vocabulary or (source / "vocabulary.tsv").read_text()
    content["vocabulary"]["sha256"] = hashlib.sha256(vocabulary.encode()).hexdigest()
    content["vocabulary"]["size"] = vocabulary.count("\n")
    content["files"], content["checksum"], content["samples"] = None, None, []  # as in a folder of an earlier version
    content["record"]["several_labels"] = several
    if labels is not None:
        content["labels"] = labels
        for split in content["splits"].values():
            split["labels"] = {**dict.fromkeys(labels, 0), labels[0]: split["rows"]}
    changed = {name: value for name, value in {"oov": oov, "top_words": top_words}.items() if value is not None}
    content["config"]["vocabulary"].update(changed)
    (target / "vocabulary.tsv").write_text(vocabulary)
    (target / "manifest.json").write_text(json.dumps(content))
    return open_records_folder(str(target))


def test_warm_start_copies_no_word_from_the_row_of_unknown_tokens(
    folder: Path, earlier: ExportedModel, tmp_path: Path
) -> None:
    """With `oov: drop` the id 1 is a word's."""
    records = records_like(folder / "grown", tmp_path, vocabulary="1\tzzz\t9\n2\tword1\t8\n", oov="drop")
    model = fresh(settings(tmp_path, tmp_path, **DEEP), records)
    untouched = model.embedding.embeddings.numpy()
    warm_start(model, records, earlier.folder)
    vectors = model.embedding.embeddings.numpy()
    assert np.array_equal(vectors[0], earlier.embedding[0])
    assert np.array_equal(vectors[1], untouched[1])
    assert np.array_equal(vectors[2], earlier.embedding[words_of(folder / "first")["word1"]])
    assert np.array_equal(vectors[3:], untouched[3:])


class StoppedError(Exception):
    """Ends a training as a kill would."""


def test_warm_start_resumes_without_the_earlier_model(small_records: Path, small_model: Path, tmp_path: Path) -> None:
    shutil.copytree(small_model, tmp_path / "start")
    earlier = open_model(str(small_model))
    records = open_records_folder(str(small_records))
    others = {"training.start_from": str(tmp_path / "start"), "training.epochs": "2", "model.dropout": "0.2",
              "training.checkpoint_steps": "1", "training.batch_size": "128"}  # fmt: skip

    def stop(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, StepEvent) and event.epoch == 2 and event.step == 2:
            raise StoppedError

    unbroken = train(settings(small_records, tmp_path / "unbroken", **others), records)
    config = settings(small_records, tmp_path / "broken", **others)
    with pytest.raises(StoppedError):
        train(config, records, progress=stop)
    shutil.rmtree(tmp_path / "start")
    resumed = train(config, records, resume=True)
    assert weights(resumed) == weights(unbroken)
    export_unchecked(resumed, config)
    exported = open_model(str(tmp_path / "broken" / "model"))
    assert exported.info.training.start_from == str(tmp_path / "start")
    assert np.array_equal(exported.embedding_before, earlier.embedding)
    assert not np.array_equal(exported.embedding, earlier.embedding)


def stop_at_once(_: StepEvent | EpochEvent) -> None:
    raise StoppedError


def test_warm_start_files_are_removed_by_a_new_training(small_records: Path, small_model: Path, tmp_path: Path) -> None:
    records = open_records_folder(str(small_records))
    plain = settings(small_records, tmp_path)
    started = settings(small_records, tmp_path, **{"training.start_from": str(small_model)})
    with pytest.raises(StoppedError):
        train(started, records, progress=stop_at_once)
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
    ({"model.embedding_dim": "10"}, "model.embedding_dim is 10, but the model in PATH (training.start_from) has 4; "
     "set model.embedding_dim to 4, or training.start_from to null"),
    ({"model.lstm_units": "[6, 5]"}, "model.lstm_units is [6, 5], but the model in PATH (training.start_from) has 6; "),
    ({"model.bidirectional": "true"}, "model.bidirectional is True, but the model in PATH"),
    ({"model.pooling": "max"}, "model.pooling is max, but the model in PATH (training.start_from) has last; "),
    ({"model.mask_zero": "false"}, "model.mask_zero is False, but the model in PATH (training.start_from) has True; "),
    ({"training.start_from": "gone"}, "training.start_from: gone is not a folder; give the export.path of a training"),
]  # fmt: skip


@pytest.mark.parametrize(("others", "message"), REFUSED)
def test_warm_start_refuses_other_settings(
    others: dict[str, str], message: str, small_records: Path, small_model: Path, tmp_path: Path
) -> None:
    config = settings(small_records, tmp_path, **{"training.start_from": str(small_model), **others})
    with pytest.raises(UserError) as raised:
        train(config, open_records_folder(str(small_records)))
    assert str(raised.value).startswith(message.replace("PATH", str(small_model / "1")))
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
    labels: list[str] | None,
    vocabulary: str | None,
    message: str,
    small_records: Path,
    small_model: Path,
    tmp_path: Path,
) -> None:
    records = records_like(small_records, tmp_path, vocabulary=vocabulary, labels=labels)
    model = fresh(settings(tmp_path, tmp_path), records)
    before = [variable.numpy() for variable in model.weights]
    with pytest.raises(UserError, match=message):
        warm_start(model, records, str(small_model))
    assert all(np.array_equal(value, variable.numpy()) for value, variable in zip(before, model.weights, strict=True))


def test_warm_start_refuses_several_labels_after_one(small_records: Path, small_model: Path, tmp_path: Path) -> None:
    records = records_like(small_records, tmp_path, several=True)
    model = fresh(settings(tmp_path, tmp_path), records)
    message = r"training\.start_from: .* gives one label a text, and the records have several labels; .* set training\."
    with pytest.raises(UserError, match=message):
        warm_start(model, records, str(small_model))


def test_warm_start_refuses_the_training_folder(small_records: Path, small_model: Path, tmp_path: Path) -> None:
    config = settings(small_records, tmp_path, **{"training.start_from": str(small_model.parent / "training")})
    with pytest.raises(UserError, match=r"^training\.start_from: .* holds no exported model; give the export\.path"):
        train(config, open_records_folder(str(small_records)))


def test_warm_start_refuses_a_damaged_vocabulary(small_records: Path, small_model: Path, tmp_path: Path) -> None:
    shutil.copytree(small_records, tmp_path / "records")
    with (tmp_path / "records" / "vocabulary.tsv").open("a") as file:
        file.write("229\tmore\t1\n")
    config = settings(tmp_path / "records", tmp_path, **{"training.start_from": str(small_model)})
    with pytest.raises(UserError, match=r"vocabulary\.tsv is damaged, or another folder's"):
        train(config, open_records_folder(str(tmp_path / "records")))
