"""The parts of the export: signatures of every kind of model, certificate, self-check, version folders, warm-up."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from pipeline.config.settings import ModelSettings
from pipeline.errors import UserError
from tests.support.exported_models import exported_model, settings, trained_on
from trainer.data.records_folder import read_manifest
from trainer.evaluation.scoring import scorer
from trainer.export import certificate, export
from trainer.export.certificate import Answers, Certificate, compare, dumps, loads
from trainer.export.fresh_process import ExportError
from trainer.export.served_model import ServedModel, portable
from trainer.export.text_to_ids import TextToIds
from trainer.export.warmup import write_warmup
from trainer.model.classifier import TextClassifier, build_model
from trainer.savedmodel import versions
from trainer.savedmodel.loading import ExportedModel, version_folder

TEXTS = [b"", b"word1", b"unheard of", b"Word1 word2, word3! word1", b"word2 " * 40, b"\xff\0word4"]


@pytest.fixture(scope="session")
def model(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    return ExportedModel(
        version_folder(str(exported_model(small_records, tmp_path_factory.getbasetemp() / "exported")))
    )


def fresh_model(padding: str = "pre", *, classes: int = 2, **model_settings: object) -> TextClassifier:
    keras.utils.set_random_seed(3)
    found = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **model_settings})
    return build_model(200, found, classes=classes, padding=padding)


# model settings                                                       classes
@pytest.mark.parametrize(("model_settings", "classes"), [
    ({},                                                               2),
    ({"mask_zero": False},                                             2),  # reads the padding, all of it
    ({"bidirectional": True, "lstm_units": [5, 3]},                    2),
    ({"pooling": "mean"},                                              3),
    ({"pooling": "max", "dropout": 0.5, "recurrent_dropout": 0.5},     2),  # nothing is dropped when served
], ids=str)  # fmt: skip
def test_serving_gives_the_keras_models_numbers(
    small_records: Path, model_settings: dict[str, object], classes: int
) -> None:
    labels = ["a", "b", "c"][:classes]
    model = fresh_model(classes=classes, **model_settings)
    text_to_ids = TextToIds(str(small_records))
    answer = ServedModel(text_to_ids, model, labels=labels, padding="pre").functions["serving_default"]
    score = scorer(model, labels)  # in a graph: eager operations are not fused, and round at other places
    for text in TEXTS:
        ids = text_to_ids(tf.constant([text]))
        assert ids.shape == [1, 12]
        np.testing.assert_array_equal(answer(tf.constant([text]))["scores"], score(ids))
    together = answer(tf.constant(TEXTS))
    expected = score(text_to_ids(tf.constant(TEXTS)))
    np.testing.assert_allclose(together["scores"], expected, atol=1e-6)
    assert together["label"].numpy().tolist() == [labels[row].encode() for row in np.argmax(expected, axis=1)]


def test_serving_traces_no_cudnn_where_there_is_a_gpu(small_records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # By sys.modules, because a function of that name hides the module.
    keras_rnn = sys.modules["keras.src.backend.tensorflow.rnn"]
    monkeypatch.setattr(keras_rnn, "cudnn_ok", lambda *_, **__: True)
    model = fresh_model()
    # Keras on a GPU: the function it traces holds a kernel that no CPU has.
    traced = tf.function(model, input_signature=[tf.TensorSpec([None, None], tf.int64)])
    assert "CudnnRNN" in str(traced.get_concrete_function().graph.as_graph_def())
    served = ServedModel(TextToIds(str(small_records)), model, labels=["a", "b"], padding="pre")
    for function in served.functions.values():
        assert "Cudnn" not in str(function.get_concrete_function().graph.as_graph_def())
    with portable(model):
        assert not any(layer.lstms[0].use_cudnn for layer in model.recurrent)
    assert all(layer.lstms[0].use_cudnn == "auto" for layer in model.recurrent)


def test_serving_takes_examples_without_a_text_for_empty_ones(small_records: Path) -> None:
    served = ServedModel(TextToIds(str(small_records)), fresh_model(), labels=["a", "b"], padding="pre")
    other = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    examples = [b"", tf.train.Example(features=tf.train.Features(feature={"id": other})).SerializeToString()]
    found = served.functions["serve_examples"](tf.constant(examples))["scores"]
    empty = served.functions["serving_default"](tf.constant(["", ""]))["scores"]
    np.testing.assert_array_equal(found, empty)


def test_export_keeps_the_embedding_that_training_began_with(model: ExportedModel) -> None:
    keras.utils.set_random_seed(0)
    first = build_model(200, ModelSettings(embedding_dim=4, lstm_units=6), classes=2, padding="pre")
    np.testing.assert_array_equal(model.embedding_before, first.embedding.embeddings.numpy())
    assert np.abs(model.embedding - model.embedding_before).max() > 0.01


def test_export_publishes_nothing_if_the_answers_differ(
    small_records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(small_records, tmp_path)
    trained = trained_on(small_records, config)
    right = export.selfcheck.certify

    def slightly_wrong(*given: object, **named: object) -> Certificate:
        found = right(*given, **named)
        scores = found.answers.scores.copy()
        scores[-1] += np.float32(1e-4)
        return Certificate(found.texts, Answers(found.answers.ids, scores))

    monkeypatch.setattr(export.selfcheck, "certify", slightly_wrong)
    with pytest.raises(ExportError, match=r"other answers \(tf\.saved_model\.load\): text 69 .* scores are"):
        export.export(trained, config, metrics=None)
    assert list((tmp_path / "model").iterdir()) == []


def test_export_writes_a_certificate_of_held_out_rows_and_odd_texts(model: ExportedModel, small_records: Path) -> None:
    path = Path(model.folder) / certificate.CERTIFICATE_FILE
    found = loads(path.read_bytes(), path=str(path))
    samples = read_manifest(str(small_records)).content.samples
    assert {sample.split for sample in samples} == {"train", "eval", "test"}
    assert list(found.texts[: len(samples)]) == [sample.text.encode() for sample in samples]
    assert found.answers.ids[: len(samples)].tolist() == [sample.ids for sample in samples]
    assert set(certificate.ODD_TEXTS) <= set(found.texts)
    assert not compare(found, Answers(model.token_ids(found.texts), model.scores(found.texts))).differences


def test_export_holds_warm_up_requests_that_the_model_answers(model: ExportedModel, tmp_path: Path) -> None:
    path = tmp_path / "requests"
    write_warmup(str(path), [b"a", b"b\xff"])
    written = (Path(model.folder) / "assets.extra" / "tf_serving_warmup_requests", path)
    loaded = tf.saved_model.load(model.folder)
    for file, sizes in zip(written, ({1, 8}, {1, 2}), strict=True):
        asked = set()
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            request = PredictionLog.FromString(record).predict_log.request
            inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
            (rows,) = {value.shape[0] for value in inputs.values()}
            loaded.signatures[request.model_spec.signature_name](**inputs)
            asked.add((request.model_spec.signature_name, rows))
        names = {"serving_default", "serve_examples", "token_ids", "embeddings"}
        assert asked == {(name, size) for name in names for size in sizes}


def test_certificate_survives_its_file() -> None:
    texts = [b"", "\u2028 \u0085 \U0001f600".encode(), b"\xff\0", b'"\\\n\r']
    answers = Answers(np.arange(12).reshape(4, 3), np.array([[0.1, 0.9]] * 4, np.float32))
    content = dumps(Certificate(texts, answers))
    assert content.isascii()
    assert len(content.splitlines()) == 4
    found = loads(content, path="here")
    assert found.texts == texts
    np.testing.assert_array_equal(found.answers.ids, answers.ids)
    np.testing.assert_array_equal(found.answers.scores, answers.scores)


# file                                                                    why it is none
@pytest.mark.parametrize("content", [
    b"",                                                                # no line
    b"no JSON",
    b'{"text": "a", "ids": [1]}\n',                                     # no scores
    b'{"text": "a", "ids": [1], "scores": ["x"]}\n',
    b'{"text": "a", "ids": [1], "scores": [1]}\n{"text": "a", "ids": [1, 2], "scores": [1]}\n',  # of two lengths
    b"\xff",
])  # fmt: skip
def test_certificate_tells_what_is_none(content: bytes) -> None:
    with pytest.raises(UserError, match="here is no certificate"):
        loads(content, path="here")


def test_certificate_tells_what_differs() -> None:
    right = Certificate([b"good"], Answers(np.array([[0, 7]]), np.array([[0.25, 0.75]], np.float32)))
    ids, scores = right.answers
    # answers                                                          line
    cases = [
        (Answers(ids, scores + np.float32(9e-7)), []),
        (Answers(ids, scores * np.float32("nan")), ["text 0 ('good'): scores are [nan, nan], should be [0.25, 0.75]"]),
        (Answers(ids[:, :1], scores), ["ids have the shape (1, 1), should have (1, 2)"]),
        (Answers(ids, scores[:0]), ["scores have the shape (0, 2), should have (1, 2)"]),
    ]
    for answers, lines in cases:
        assert compare(right, answers).differences == lines


def staged(path: str, content: str = "x") -> str:
    with versions.staging(path) as folder:
        (Path(folder) / "variables").mkdir()
        (Path(folder) / versions.SAVED_MODEL_FILE).write_text(content)
        return versions.publish(folder, path)


def test_versions_are_numbered_from_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    assert versions.newest_version(str(path)) is None
    assert [Path(staged(str(path))).name for _ in range(2)] == ["1", "2"]
    for name in ("9", "10", "011", "draft", "12.5"):  # 11 is the newest: names that are no numbers are no versions
        (path / name).mkdir()
    assert versions.newest_version(str(path)) == str(path / "11")
    assert Path(staged(str(path))).name == "12"
    assert versions.newest_version(str(path)) == str(path / "12")
    assert (path / "12").stat().st_mode & 0o777 == 0o755  # a server may run as somebody else


def test_versions_do_not_replace_what_came_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path)
    staged(path, "first")
    monkeypatch.setattr(versions, "_versions", lambda _: [])  # looked before the other export had published
    assert Path(staged(path, "second")).name == "2"
    assert (tmp_path / "1" / versions.SAVED_MODEL_FILE).read_text() == "first"


def test_versions_of_a_killed_export_are_no_versions_and_go(tmp_path: Path) -> None:
    killed = "import os; from trainer import versions\nwith versions.staging({!r}): os.kill(os.getpid(), 9)"
    done = subprocess.run(
        [sys.executable, "-c", killed.format(str(tmp_path))], check=False, cwd=Path(__file__).parent.parent.parent
    )
    assert done.returncode == -9
    other = tmp_path / f".unpublished-elsewhere-{os.getpid()}-1"  # another machine's may be going on
    own = tmp_path / f".unpublished-{socket.gethostname()}-{os.getpid()}-1"
    for folder in (other, own):
        folder.mkdir()
    (left,) = set(tmp_path.iterdir()) - {other, own}
    assert versions.newest_version(str(tmp_path)) is None
    staged(str(tmp_path))
    assert set(tmp_path.iterdir()) == {other, own, tmp_path / "1"}
    assert not left.exists()


def test_versions_reach_an_object_store() -> None:
    path = "ram://versions/model"
    versions.check_writable(path)
    assert staged(path) == f"{path}/1"
    assert staged(path) == f"{path}/2"
    assert versions.newest_version(path) == f"{path}/2"
    assert tf.io.gfile.exists(f"{path}/2/{versions.SAVED_MODEL_FILE}")


def test_versions_say_before_the_training_that_a_path_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"export\.path: .*file can't be written to"):
        versions.check_writable(str(tmp_path / "file"))


# what stands at the path                      what is said of it
@pytest.mark.parametrize(("names", "told"), [
    (None,                                     "is no folder"),
    ([],                                       "holds no exported model"),
    (["saved_model.pb"],                       "is a SavedModel, but not one that"),
    (["1/saved_model.pb"],                     "is a SavedModel, but not one that"),
    (["1/variables/variables.index"],          "holds no exported model"),
])  # fmt: skip
def test_exported_tells_what_is_no_model(tmp_path: Path, names: list[str] | None, told: str) -> None:
    path = tmp_path / "model"
    if names is not None:
        path.mkdir()
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text("")
    with pytest.raises(UserError, match=told):
        version_folder(str(path))


def test_exported_refuses_the_settings_of_another_version(model: ExportedModel, tmp_path: Path) -> None:
    info = json.loads((Path(model.folder) / "assets.extra" / "model.json").read_text())
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "model.json").write_text(json.dumps({**info, "unheard_of": 1}))
    with pytest.raises(UserError, match="unheard_of"):
        ExportedModel(str(tmp_path))


def test_exported_scores_keep_the_order_of_the_texts(model: ExportedModel) -> None:
    texts = [b"word1 " * (length % 7) for length in range(150)]  # three batches, sorted by length
    expected = [model.scores([text])[0].tolist() for text in texts[:7]]
    np.testing.assert_allclose(model.scores(texts), [expected[row % 7] for row in range(150)], atol=1e-6)
    assert model.scores([]).shape == (0, 2)
