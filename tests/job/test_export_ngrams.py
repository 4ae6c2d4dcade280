"""A model with n-grams from training to answers: exported, checked in every loader, decided anew, damaged."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from rich.console import Console
from tensorflow.core.protobuf import saved_model_pb2

from pipeline.config.settings import ModelSettings
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from tests.support.exported_models import settings, unchecked
from trainer.commands.decide import decide_again
from trainer.commands.explain import explain
from trainer.commands.explain_ngrams import say_of_sides
from trainer.commands.explain_view import explanation_view
from trainer.commands.train import train_and_export
from trainer.data.records_folder import open_records_folder
from trainer.decision.held_out import HELD_OUT_FILE, loads
from trainer.evaluation.scoring import score_split
from trainer.export.rebuild import keras_model
from trainer.ngrams.codes import distinct_codes, ngram_codes, table_rows
from trainer.ngrams.kinds import NgramKinds
from trainer.ngrams.side import NgramArrays
from trainer.savedmodel.loading import ExportedModel


@pytest.fixture(scope="module")
def exported(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export.path with a version that was checked in a fresh process by both loaders."""
    folder = tmp_path_factory.mktemp("ngrams")
    of_model = {"ngrams": 3, "ngram_buckets": 4096, "ngram_gaps": 1, "ngram_ending": 4}
    several = {f"model.{name}": str(value) for name, value in of_model.items()}
    train_and_export(settings(small_records, folder, **several, **{"decision.calibrate": "temperature"}))
    return folder / "model"


@pytest.fixture(scope="module")
def model(exported: Path) -> ExportedModel:
    return ExportedModel(str(exported / "1"))


def test_export_with_ngrams_answers_as_numpy_does(model: ExportedModel, small_records: Path) -> None:
    manifest = json.loads((small_records / "manifest.json").read_text())
    texts = [sample["text"].encode() for sample in manifest["samples"]] + [b"", b"qzxw"]
    ids = model.token_ids(texts)
    arrays, size = model.ngrams, model.info.vocabulary.top_words
    codes = ngram_codes(ids, kinds=NgramKinds(3, gaps=1, ending=4), vocabulary_size=size)
    rows = table_rows(codes, arrays.keys, vocabulary_size=size)
    each, lengths = distinct_codes(rows)
    ngrams = [part.sum() for part in np.split(arrays.weights[each, 0].astype(np.float64), np.cumsum(lengths)[:-1])]
    kernel, bias = (weights.astype(np.float32) for weights in model.weights[-2:])
    lstm = (model.vectors(texts)[1] @ kernel + bias)[:, 0]
    logits = arrays.scales[0] * lstm + arrays.scales[1] * (np.array(ngrams) + arrays.intercept) + arrays.bias
    expected = 1 / (1 + np.exp(-logits / model.info.decision.temperature))
    assert model.scores(texts)[:, 1] == pytest.approx(expected, abs=1e-6)
    assert max(lengths) > 10


def test_export_with_ngrams_keeps_joined_logits(exported: Path, model: ExportedModel, small_records: Path) -> None:
    kept = loads((exported / "1" / HELD_OUT_FILE).read_bytes(), model.info.scheme)
    scored = score_split(keras_model(model), open_records_folder(str(small_records)), "test", batch_size=32)
    assert kept.test.logits == pytest.approx(scored.logits, abs=1e-5)
    assert scored.sides is not None
    assert not np.allclose(kept.test.logits, scored.sides.lstm, atol=0.1)


def test_export_with_ngrams_is_decided_anew(exported: Path, tmp_path: Path) -> None:
    path = shutil.copytree(exported, tmp_path / "model")
    with unchecked():
        outcome = decide_again(str(path), {"decision.threshold": "best_f1", "decision.calibrate": "none"})
    assert outcome.exported is not None
    texts = [b"a good film", b""]
    before, after = (ExportedModel(str(path / version)) for version in "12")
    temperature = before.info.decision.temperature
    logits = [np.log(scores[:, 1] / scores[:, 0]) for scores in (before.scores(texts), after.scores(texts))]
    assert logits[1] == pytest.approx(logits[0] * temperature, abs=1e-4)
    assert all(np.array_equal(one, other) for one, other in zip(before.ngrams, after.ngrams, strict=True))


def test_export_with_ngrams_adds_no_string_operation(exported: Path, small_model: Path) -> None:
    operations = [string_operations(exported / "1"), string_operations(small_model / "1")]
    assert operations[0] == operations[1]
    assert sum(operations[0].values()) > 3


def string_operations(folder: Path) -> Counter[str]:
    """Operations on strings in a SavedModel, by name."""
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return Counter(node.op for node in nodes if "String" in node.op or "Regex" in node.op)


def test_loading_refuses_a_model_that_lacks_its_ngrams(small_model: Path) -> None:
    plain = ExportedModel(str(small_model / "1"))
    with pytest.raises(UserError, match=r"model\.ngrams"):
        _ = plain.ngrams


def test_explain_tells_what_both_sides_say(model: ExportedModel) -> None:
    words = list(model.words)[:12]
    text = " ".join(words)
    explained = explain(model, [text.encode(), b""])
    for step, scores in zip(explained.texts, model.scores([text.encode(), b""]).tolist(), strict=True):
        assert step.sides is not None
        whole = (step.sides.lstm + step.sides.ngrams + step.sides.bias) / model.info.decision.temperature
        assert 1 / (1 + np.exp(-whole)) == pytest.approx(max(scores), abs=1e-5)
    said, empty = (step.sides for step in explained.texts)
    assert said is not None
    sizes = [abs(ngram.says) for ngram in said.strongest]
    assert len(sizes) > 3
    assert sizes == sorted(sizes, reverse=True)
    for ngram in said.strongest:
        plain = ngram.words.removeprefix("[near the end] ")
        shown = re.escape(plain).replace("_", r"\S+")
        assert re.search(rf"(?<!\S){shown}(?!\S)", text)
    assert empty is not None
    assert (empty.ngrams, empty.strongest) == (0.0, [])
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(explanation_view(explained, model.info))
    assert capture.get().count("What LSTM and n-grams say") == 2
    assert said.strongest[0].words in capture.get()


# A text of the words 1, 2, 1; weights of the words and of the pair 1, 2; what is said of the label with index 1.
SAYS = [
    # labels, several, weights of word 1, word 2 and pair, LSTM's logits -> what LSTM, words and pair say
    ("ab", False, [[1.0], [2.0], [4.0]], [3.0], (3.0, [4.0, 2.0, 1.0])),
    ("abc", False, [[0, 1, 2], [3, 3, 3], [0, 6, 0]], [1, 4, 1], (2.0, [4.0])),  # above the mean of the labels
    ("abc", True, [[0, 1, 2], [3, 3, 3], [0, 6, 0]], [1, 4, 1], (4.0, [6.0, 3.0, 1.0])),
]


@pytest.mark.parametrize(("labels", "several", "weights", "lstm", "expected"), SAYS)
def test_explain_says_it_for_the_answered_label(
    labels: str, several: bool, weights: list[list[float]], lstm: list[float], expected: tuple[float, list[float]]
) -> None:
    scheme = LabelScheme(tuple(labels), several=several)
    first, second, pair = np.array(weights, np.float32)
    table = np.zeros([3 + 2, scheme.outputs], np.float32)
    keys = np.full(2, -1, np.int32)
    (code,) = ngram_codes(np.array([[1, 2]]), kinds=NgramKinds(2), vocabulary_size=3)[0, 2:] - 3
    keys[code % 2] = code
    table[1], table[2], table[3 + code % 2] = first, second, pair
    zeros = np.zeros(scheme.outputs, np.float32)
    made = SimpleNamespace(
        ngrams=NgramArrays(keys, table, zeros, np.ones(2, np.float32), zeros),
        info=SimpleNamespace(scheme=scheme, model=ModelSettings(ngrams=2)),
        weights=[np.eye(scheme.outputs), np.array(lstm)],
        words={"one": 1, "two": 2},
    )
    state = np.zeros([1, scheme.outputs], np.float32)
    (said,) = say_of_sides(cast(ExportedModel, made), np.array([[0, 1, 2, 1]]), state, [1])
    assert said.lstm == pytest.approx(expected[0])
    assert [ngram.says for ngram in said.strongest] == pytest.approx(expected[1], abs=1e-6)
    assert said.strongest[0].words == "one two"
    assert said.ngrams == pytest.approx(sum(expected[1]))


def test_explain_shows_what_is_between_and_what_is_near_the_end() -> None:
    kinds, table = NgramKinds(1, gaps=1, ending=2), np.zeros([3 + 97, 1], np.float32)
    # Columns of two, one, two: three words, the pair around one, a place for each last word, and for each last pair.
    codes = ngram_codes(np.array([[2, 1, 2]]), kinds=kinds, vocabulary_size=3)[0] - 3
    keys = np.full(97, -1, np.int32)
    for column, weight in ((3, 4.0), (5, -3.0), (8, 2.0)):
        keys[codes[column] % 97] = codes[column]
        table[3 + codes[column] % 97] = weight
    made = SimpleNamespace(
        ngrams=NgramArrays(keys, table, np.zeros(1, np.float32), np.ones(2, np.float32), np.zeros(1, np.float32)),
        info=SimpleNamespace(
            scheme=LabelScheme(("a", "b")), model=ModelSettings(ngrams=1, ngram_gaps=1, ngram_ending=2)
        ),
        weights=[np.zeros([1, 1]), np.zeros(1)],
        words={"one": 1, "two": 2},
    )
    (said,) = say_of_sides(cast(ExportedModel, made), np.array([[0, 2, 1, 2]]), np.zeros([1, 1], np.float32), [1])
    assert [(ngram.words, ngram.says) for ngram in said.strongest] == [
        ("two _ two", 4.0), ("[near the end] one", -3.0), ("[near the end] one two", 2.0),
    ]  # fmt: skip
