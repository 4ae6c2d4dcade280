"""Parts of the export: signatures of every kind of model, certificate, self-check, warm-up."""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from pipeline.config.decision_settings import DecisionSettings
from pipeline.config.settings import Config, ModelSettings, Side
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.version import VERSION
from tests.support.exported_models import settings, trained_on, unchecked
from tests.support.label_schemes import scheme_of
from trainer.data.records_folder import open_records_folder
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.graph import graph_scores
from trainer.decision.rules import decide
from trainer.evaluation.scoring import score_function
from trainer.export import certificate, export, self_check
from trainer.export.certificate import Answers, Certificate, loads
from trainer.export.comparison import Comparison, compare
from trainer.export.fresh_process import ExportError, run_replay
from trainer.export.served_model import ServedModel, as_served
from trainer.export.text_to_ids import TextToIds
from trainer.export.warmup import write_warmup
from trainer.model.classifier import TextClassifier, build_model
from trainer.savedmodel.loading import ExportedModel, version_folder
from trainer.savedmodel.model_info import CARD_FILE, CARD_JSON_FILE, CERTIFICATE_FILE
from trainer.training.fit import TrainedModel, score_held_out
from trainer.training_report import write_page

TEXTS = [b"", b"word1", b"unheard of", b"Word1 word2, word3! word1", b"word2 " * 40, b"\xff\0word4"]


@pytest.fixture(scope="module")
def model(small_model: Path) -> ExportedModel:
    return ExportedModel(version_folder(str(small_model)))


@pytest.fixture(scope="module")
def trained(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, TrainedModel]:
    """A model and the settings that it is exported by."""
    config = settings(small_records, tmp_path_factory.mktemp("trained"))
    return config, trained_on(small_records, config)


def fresh_model(
    padding: Side = "pre", *, classes: int = 2, scheme: LabelScheme | None = None, **model_settings: Any
) -> TextClassifier:
    keras.utils.set_random_seed(3)
    chosen = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **model_settings})
    return build_model(200, chosen, scheme=scheme or scheme_of(classes), padding=padding)


def bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


# model settings                                                       classes
@pytest.mark.parametrize(("model_settings", "classes"), [
    ({},                                                               2),
    ({"mask_zero": False},                                             2),  # reads the padding, all of it
    ({"bidirectional": True, "lstm_units": [5, 3]},                    2),
    ({"pooling": "mean"},                                              3),
    ({"pooling": "mean_max", "bidirectional": True},                   2),
    ({"pooling": "max", "dropout": 0.5, "recurrent_dropout": 0.5},     2),  # no dropout in serving
], ids=str)  # fmt: skip
def test_served_model_gives_the_keras_models_numbers(
    small_records: Path, model_settings: dict[str, Any], classes: int
) -> None:
    scheme = scheme_of(classes)
    model = fresh_model(classes=classes, **model_settings)
    text_to_ids = TextToIds.of_records(str(small_records))
    answer = ServedModel(text_to_ids, model, scheme=scheme, padding="pre").functions["serving_default"]
    score = score_function(model, scheme)  # in a graph, because eager operations round differently
    for text in TEXTS:
        ids = text_to_ids(tf.constant([text]))
        assert ids.shape == [1, 12]
        np.testing.assert_array_equal(answer(tf.constant([text]))["scores"], score(ids))
    together = answer(tf.constant(TEXTS))
    expected = score(text_to_ids(tf.constant(TEXTS)))
    np.testing.assert_allclose(together["scores"], expected, atol=1e-6)
    assert together["label"].numpy().tolist() == [scheme.names[row].encode() for row in np.argmax(expected, axis=1)]


ABC, TWO = ("a", "b", "c"), ("a", "b")
EACH = DecisionSettings(threshold="precision>=0.9", calibrate="temperature")
BELOW = DecisionSettings(abstain_below=0.4)

# labels, decision, what is answered besides label, probability and scores
DECISIONS = [
    (LabelScheme(ABC, several=True), NO_DECISION, {"decided"}),
    (LabelScheme(ABC, several=True), Decision(thresholds=[0.45, 0.5, None], temperature=0.7), {"decided"}),
    (LabelScheme(TWO), Decision(settings=EACH, thresholds=[0.55, 0.48], temperature=1.3), {"abstains"}),
    (LabelScheme(TWO), Decision(temperature=2.0, prior_weights=[0.5, 2.0]), set()),
    (LabelScheme(ABC), Decision(settings=BELOW), {"abstains"}),
    (LabelScheme(ABC), Decision(costs=[[0, 1, 9], [1, 0, 1], [0.1, 1, 0]]), set()),
    (LabelScheme(("1", "2", "5"), kind="ordinal"), NO_DECISION, {"rating"}),
    (LabelScheme(("1", "2", "5"), kind="ordinal"), Decision(settings=BELOW), {"abstains", "rating"}),
]


@pytest.mark.parametrize(("scheme", "decision", "others"), DECISIONS)
def test_served_model_decides_as_numpy_does(
    small_records: Path, scheme: LabelScheme, decision: Decision, others: set[str]
) -> None:
    model = fresh_model(scheme=scheme)
    draw = np.random.default_rng(5)
    for variable in model.weights:
        variable.assign(draw.normal(0, 0.5, variable.shape))
    text_to_ids = TextToIds.of_records(str(small_records))
    functions = ServedModel(text_to_ids, model, scheme=scheme, decision=decision, padding="pre").functions
    score = tf.function(lambda ids: graph_scores(model.logits(ids), decision, scheme), autograph=False)
    for batch in [[text] for text in TEXTS] + [[]]:
        texts = tf.constant(batch, tf.string)
        answer = {name: value.numpy() for name, value in functions["serving_default"](texts).items()}
        assert answer.keys() == {"label", "probability", "scores"} | others
        scores = score(text_to_ids(texts)).numpy() if batch else np.zeros([0, len(scheme.names)], np.float32)
        np.testing.assert_array_equal(answer["scores"], scores)
        decided = decide(scores, decision, scheme)
        label = scores.argmax(axis=1) if scheme.several else decided.labels
        assert answer["label"].tolist() == [scheme.names[index].encode() for index in label]
        np.testing.assert_array_equal(answer["probability"], scores[range(len(label)), label])
        if scheme.several:
            np.testing.assert_array_equal(answer["decided"], decided.labels)
        if "abstains" in others:
            np.testing.assert_array_equal(answer["abstains"], decided.abstains)
        if "rating" in others:
            np.testing.assert_allclose(answer["rating"], scores @ [1, 2, 5], rtol=1e-6)
        examples = [
            tf.train.Example(features=tf.train.Features(feature={"text": bytes_feature(text)})) for text in batch
        ]
        same = functions["serve_examples"](tf.constant([each.SerializeToString() for each in examples], tf.string))
        assert {name: value.numpy().tolist() for name, value in same.items()} == {
            name: value.tolist() for name, value in answer.items()
        }


def test_served_model_traces_no_cudnn_where_there_is_a_gpu(
    small_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By sys.modules, because a function of that name hides the module.
    keras_rnn = sys.modules["keras.src.backend.tensorflow.rnn"]
    monkeypatch.setattr(keras_rnn, "cudnn_ok", lambda *_, **__: True)
    model = fresh_model()
    # As on a GPU: the function that Keras traces holds a cuDNN kernel, which can't run on a CPU.
    traced = tf.function(model, input_signature=[tf.TensorSpec([None, None], tf.int64)])
    assert "CudnnRNN" in str(traced.get_concrete_function().graph.as_graph_def())
    served = ServedModel(TextToIds.of_records(str(small_records)), model, scheme=scheme_of(), padding="pre")
    for function in vars(served)["functions"].values():
        assert "Cudnn" not in str(function.get_concrete_function().graph.as_graph_def())
    with as_served(model):
        assert not any(layer.lstms[0].use_cudnn for layer in model.lstm_layers)
    assert all(layer.lstms[0].use_cudnn == "auto" for layer in model.lstm_layers)


def test_served_model_refuses_an_example_without_text(small_records: Path) -> None:
    served = ServedModel(TextToIds.of_records(str(small_records)), fresh_model(), scheme=scheme_of(), padding="pre")
    other = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    for example in (b"", tf.train.Example(features=tf.train.Features(feature={"id": other})).SerializeToString()):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"text .* is required but could not be found"):
            served.functions["serve_examples"](tf.constant([example]))


def test_export_again_keeps_everything_but_the_decision(model: ExportedModel, tmp_path: Path) -> None:
    """Without records: the same ids and weights, other labels; once more without a decision: all is as before."""
    settings = DecisionSettings(threshold="precision>=0.9", calibrate="temperature")
    decision = Decision(settings=settings, thresholds=[0.45, 0.55], temperature=0.8)
    texts = [*TEXTS, b"word3 word4", b"word5"]
    with unchecked():
        export.export_again(model, decision, path=str(tmp_path), metrics=None)
        changed = ExportedModel(str(tmp_path / "1"))
        export.export_again(changed, NO_DECISION, path=str(tmp_path), metrics=None)
    back = ExportedModel(str(tmp_path / "2"))
    before, after = model.answers(texts), changed.answers(texts)
    odds = before.scores[:, 1].astype(float) / before.scores[:, 0]
    np.testing.assert_allclose(after.scores[:, 1], 1 / (1 + odds ** (-1 / 0.8)), atol=1e-6)
    decided = decide(after.scores, decision, model.info.scheme)
    assert after.abstains is not None
    assert (after.label.tolist(), after.abstains.tolist()) == (decided.labels.tolist(), decided.abstains.tolist())
    np.testing.assert_array_equal(back.answers(texts).scores, before.scores)
    np.testing.assert_array_equal(back.token_ids(texts), model.token_ids(texts))
    for first, second in zip(model.weights, back.weights, strict=True):
        np.testing.assert_array_equal(first, second)
    assert changed.info.decision == decision
    card = json.loads((tmp_path / "1" / "MODEL_CARD.json").read_bytes())
    assert (card["settings"]["decision"]["threshold"], card["measured"]) == ("precision>=0.9", None)
    # Of an export and its copy only what tells of the decision differs.
    same = {"format_version", "labels", "model", "training", "records", "versions", "text_columns", "certificate_texts"}
    assert all(getattr(back.info, key) == getattr(model.info, key) for key in same)
    certificates = [(Path(folder) / CERTIFICATE_FILE).read_bytes() for folder in (model.folder, back.folder)]
    assert certificates[0] == certificates[1]


def test_export_again_refuses_another_certificate(model: ExportedModel, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(model.folder, copy)
    certificate_file = copy / CERTIFICATE_FILE
    certificate_file.write_bytes(certificate_file.read_bytes().replace(b'"scores"', b'"scores" '))
    with pytest.raises(UserError, match=r"certificate\.jsonl has .* bytes, exported were"):
        export.export_again(ExportedModel(str(copy)), NO_DECISION, path=str(tmp_path / "model"), metrics=None)


def test_export_holds_the_embedding_before_training(model: ExportedModel) -> None:
    keras.utils.set_random_seed(0)
    first = build_model(200, ModelSettings(embedding_dim=4, lstm_units=6), scheme=scheme_of(), padding="pre")
    np.testing.assert_array_equal(model.embedding_before, first.embedding.embeddings.numpy())
    assert np.abs(model.embedding - model.embedding_before).max() > 0.01


def test_export_names_the_version_of_this_product(model: ExportedModel) -> None:
    versions_of = json.loads((Path(model.folder) / "assets.extra" / "model.json").read_text())["versions"]
    assert versions_of.keys() == {"textrecords", "python", "tensorflow", "keras", "numpy"}
    assert versions_of["textrecords"] == VERSION
    assert versions_of["tensorflow"] == tf.__version__


def test_export_holds_a_model_card(model: ExportedModel, small_records: Path) -> None:
    folder = Path(model.folder)
    card = json.loads((folder / CARD_JSON_FILE).read_text())
    manifest = (small_records / "manifest.json").read_bytes()
    assert card["data"]["manifest"] == hashlib.sha256(manifest).hexdigest()
    assert card["versions"]["tensorflow"] == tf.__version__
    info = json.loads((folder / "assets.extra" / "model.json").read_text())
    assert (folder / CARD_FILE).read_text().startswith("# Model card\n")
    assert {CARD_FILE, CARD_JSON_FILE} <= info["files"].keys()  # with their hashes


def test_export_publishes_nothing_if_the_answers_differ(
    trained: tuple[Config, TrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, model = trained

    def slightly_wrong(folder: str, right: Certificate, *, tolerance: float) -> dict[str, Comparison]:
        """What a fresh process gives, if one score is another there; test_export.py has the process itself."""
        loaded = ExportedModel(folder)
        scores = loaded.scores(right.texts).copy()
        scores[-1] += np.float32(1e-4)
        return {"a loader": compare(right, Answers(loaded.token_ids(right.texts), scores), tolerance=tolerance)}

    monkeypatch.setattr(self_check, "compare_in_fresh_process", slightly_wrong)
    with pytest.raises(ExportError, match=r"other answers \(a loader\): text 69 .* scores are"):
        export.export(model, config, metrics=None)
    assert list(Path(config.export.path).iterdir()) == []


def test_export_writes_a_certificate_of_held_out_rows_and_odd_texts(model: ExportedModel, small_records: Path) -> None:
    path = Path(model.folder) / CERTIFICATE_FILE
    loaded = loads(path.read_bytes(), path=str(path))
    samples = open_records_folder(str(small_records)).manifest.samples
    assert {sample.split for sample in samples} == {"train", "eval", "test"}
    assert list(loaded.texts[: len(samples)]) == [sample.text.encode() for sample in samples]
    assert loaded.answers.ids[: len(samples)].tolist() == [sample.ids for sample in samples]
    assert set(certificate.ODD_TEXTS) <= set(loaded.texts)
    assert not compare(loaded, Answers(model.token_ids(loaded.texts), model.scores(loaded.texts))).differences


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


def test_loading_refuses_the_model_info_of_another_version(model: ExportedModel, tmp_path: Path) -> None:
    info = json.loads((Path(model.folder) / "assets.extra" / "model.json").read_text())
    del info["files"], info["sha256"]
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "model.json").write_text(json.dumps({**info, "unheard_of": 1}))
    with pytest.raises(UserError, match="unheard_of"):
        ExportedModel(str(tmp_path))


def test_loading_never_gives_a_score_that_is_not_a_number(
    model: ExportedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": tf.where([[True, True], [True, False]], 0.5, np.nan * tf.zeros([2, 2]))}

    monkeypatch.setattr(model, "_module", SimpleNamespace(signatures={"serving_default": broken}))
    with pytest.raises(
        UserError, match=r"^--model: the model in .* gives a score that is not a number; export it again"
    ):
        model.scores([b"a", b"b"])


def test_export_publishes_no_model_that_gives_a_score_that_is_not_a_number(
    trained: tuple[Config, TrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, model = trained

    def nothing(*_: Any) -> tf.Tensor:
        return tf.fill([1, 2], np.float32(np.nan))

    monkeypatch.setattr(self_check, "graph_scores", nothing)
    with pytest.raises(ExportError, match="gives a score that is not a number; nothing is published"):
        export.export(model, config, metrics=None)


def test_loading_scores_are_in_the_order_of_the_texts(model: ExportedModel) -> None:
    texts = [b"word1 " * (length % 7) for length in range(150)]  # three batches, sorted by length
    expected = [model.scores([text])[0].tolist() for text in texts[:7]]
    np.testing.assert_allclose(model.scores(texts), [expected[row % 7] for row in range(150)], atol=1e-6)
    assert model.scores([]).shape == (0, 2)


def test_page_of_a_training(trained: tuple[Config, TrainedModel]) -> None:
    config, model = trained
    path = write_page(model, config, scored=score_held_out(model, config.training))
    assert path == f"{config.training.path}/training.html"
    page = Path(path).read_text()
    for part in ("Curves", "What is taken for what", "Label by label", "Calibration", "The most confident mistakes",
                 "Nearest words", "of the test split", "<bdi>word1</bdi>", "model.lstm_units"):  # fmt: skip
        assert part in page, part
    assert len(page) < 3_000_000


def test_export_names_the_program_that_can_not_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ExportError, match=rf"^{tmp_path}/python can't be started to load model: No such file"):
        run_replay("model", [b"a"])
