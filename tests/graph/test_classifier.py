"""The model gives the bits of plain Keras, for padding at the start or the end, and defined answers without words."""

import functools
import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings
from pipeline.errors import UserError
from tests.support.label_schemes import scheme_of
from trainer.model.classifier import TextClassifier, build_model, class_scores, keras_lstms

VOCABULARY_SIZE = 30
LENGTH = 9

# The module that holds Keras's conditions for cuDNN; the package has a function of the same name.
CUDNN = importlib.import_module("keras.src.backend.tensorflow.rnn")

LEFT = [[0, 0, 0, 0, 0, 0, 3, 1, 2], [5, 4, 3, 2, 1, 9, 8, 7, 6], [0, 0, 0, 0, 0, 0, 0, 0, 7]]
RIGHT = [[3, 1, 2, 0, 0, 0, 0, 0, 0], [5, 4, 3, 2, 1, 9, 8, 7, 6], [7, 0, 0, 0, 0, 0, 0, 0, 0]]
EMPTY = [[0] * LENGTH]


def settings(**values: Any) -> ModelSettings:
    return ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **values})


def model_of(classes: int = 2, **values: Any) -> TextClassifier:
    keras.utils.set_random_seed(1)
    return build_model(VOCABULARY_SIZE, settings(**values), scheme=scheme_of(classes), padding="pre")


def compiled(function: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[Any], np.ndarray]:
    """As a graph, as in training and serving. Eager Keras may differ in the last bit."""
    graph = tf.function(function, input_signature=[tf.TensorSpec([None, None], tf.int64)], autograph=False)
    return lambda ids: graph(tf.constant(ids, tf.int64, shape=np.shape(ids))).numpy()


def plain_keras(model: TextClassifier, *, bidirectional: bool, units: list[int], mask_zero: bool) -> keras.Model:
    """The same model from Keras's own layers, as in a textbook, with the same weights."""
    layers: list[keras.layers.Layer] = [keras.layers.Embedding(VOCABULARY_SIZE, 4, mask_zero=mask_zero)]
    for width in units:
        lstm = keras.layers.LSTM(width, return_sequences=width != units[-1])
        layers.append(keras.layers.Bidirectional(lstm) if bidirectional else lstm)
    plain = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    plain(np.zeros([1, LENGTH], np.int64))
    plain.set_weights(model.get_weights())
    return plain


@pytest.mark.parametrize(
    # bidirectional, LSTM widths, mask_zero
    ("bidirectional", "units", "mask_zero"),
    [
        (False, [5], True),
        (True, [6, 5], True),
        (False, [5], False),  # reads the padding, as Keras does; both directions: test_..._passes_no_mask
    ],
)
def test_classifier_gives_the_bits_of_plain_keras_on_left_padded_rows(
    bidirectional: bool, units: list[int], mask_zero: bool
) -> None:
    model = model_of(bidirectional=bidirectional, lstm_units=units, mask_zero=mask_zero)
    plain = plain_keras(model, bidirectional=bidirectional, units=units, mask_zero=mask_zero)
    rows = LEFT + EMPTY
    assert compiled(model)(rows).tolist() == compiled(plain)(rows).tolist()


VARIANTS: dict[str, dict[str, Any]] = {
    "classic": {},
    "both directions, max": {"bidirectional": True, "pooling": "max"},
    "two layers, mean": {"lstm_units": [6, 5], "pooling": "mean"},
    "two layers, both directions": {"lstm_units": [6, 5], "bidirectional": True},
    "mean and max, dropouts of words": {"pooling": "mean_max", "embedding_dropout": 0.5, "word_dropout": 0.5},
}


@functools.cache
def variant(name: str) -> TextClassifier:
    model = model_of(**VARIANTS[name])
    model.head.bias.assign([0.75])
    return model


@functools.cache
def answer_of(name: str) -> Callable[[Any], np.ndarray]:
    return compiled(variant(name))


@pytest.mark.parametrize("name", VARIANTS)
def test_classifier_gives_the_same_bits_for_either_padding_and_trimmed_rows(name: str) -> None:
    answer = answer_of(name)
    whole = answer(LEFT).tolist()
    assert len({score for (score,) in whole}) == 3
    assert answer(RIGHT).tolist() == whole
    wider = [[0] * 7 + row + [0] * 4 for row in LEFT]
    assert answer(wider).tolist() == whole
    short = [LEFT[0], LEFT[2]]
    trimmed = [row[-3:] for row in short]
    assert answer(trimmed).tolist() == answer(short).tolist()


@pytest.mark.parametrize("name", VARIANTS)
def test_classifier_gives_one_answer_for_rows_without_words(name: str) -> None:
    answer = answer_of(name)
    alone, among_others, of_no_length = answer(EMPTY), answer(LEFT + EMPTY)[3:], answer(np.zeros([1, 0]))
    expected = [[float(tf.sigmoid(0.75))]]  # the bias: without words the LSTM's state is 0
    assert alone.tolist() == among_others.tolist() == of_no_length.tolist() == expected


@pytest.mark.parametrize("name", VARIANTS)
def test_classifier_masks_are_valid_for_cudnn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = variant(name)
    masks = []
    read = keras.layers.LSTM.call

    def spy(layer: keras.layers.LSTM, sequences: tf.Tensor, *, mask: tf.Tensor, **others: Any) -> tf.Tensor:
        masks.append(mask)
        return read(layer, sequences, mask=mask, **others)

    monkeypatch.setattr(keras.layers.LSTM, "call", spy)
    model(tf.constant(LEFT + RIGHT + EMPTY, tf.int64))
    assert len(masks) == len(keras_lstms(model))
    for mask in masks:
        assert CUDNN._is_sequence_right_padded(mask)
        assert not CUDNN._has_fully_masked_sequence(mask)
        assert tf.reduce_sum(tf.cast(mask, tf.int32), axis=1).numpy().tolist() == [3, 9, 1, 3, 9, 1, 1]


def test_classifier_without_mask_zero_passes_no_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(mask_zero=False, bidirectional=True)
    read = keras.layers.LSTM.call

    def spy(layer: keras.layers.LSTM, sequences: tf.Tensor, *, mask: None, **others: Any) -> tf.Tensor:
        assert mask is None
        return read(layer, sequences, mask=mask, **others)

    monkeypatch.setattr(keras.layers.LSTM, "call", spy)
    assert model(tf.constant(LEFT, tf.int64)).shape == (3, 1)


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_max"])
def test_classifier_pools_over_words_only(pooling: str) -> None:
    model = model_of(pooling=pooling)
    (lstm,) = keras_lstms(model)
    for row in (LEFT[0], RIGHT[0], LEFT[1]):
        words = tf.constant([[word for word in row if word]], tf.int64)
        states = lstm(model.embedding(words)).numpy()[0]
        pooled = {"mean": states.mean(axis=0), "max": states.max(axis=0)}
        expected = np.concatenate([pooled[part] for part in pooling.split("_")])
        assert model.state(tf.constant([row], tf.int64)).numpy()[0] == pytest.approx(expected, abs=1e-6)


def test_classifier_gives_vectors_in_the_order_of_the_ids_and_the_state_of_the_head() -> None:
    model = model_of(bidirectional=True)
    ids = tf.constant(LEFT, tf.int64)
    vectors, state = model.vectors(ids), model.state(ids)
    table = model.embedding.get_weights()[0]
    assert vectors.numpy().tolist() == [[table[word].tolist() for word in row] for row in LEFT]
    assert state.shape == (3, 10)
    assert tf.sigmoid(model.head(state)).numpy() == pytest.approx(model(ids).numpy(), abs=1e-7)


def test_classifier_answers_an_empty_batch() -> None:
    assert answer_of("two layers, both directions")(np.zeros([0, 4])).shape == (0, 1)


def test_classifier_of_three_classes_gives_probabilities_that_sum_to_one() -> None:
    answers = model_of(classes=3)(tf.constant(LEFT, tf.int64)).numpy()
    assert answers.shape == (3, 3)
    assert answers.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    assert class_scores(tf.constant(answers), scheme_of(3)).numpy().tolist() == answers.tolist()


def test_classifier_class_scores_of_two_labels_have_two_columns() -> None:
    scores = class_scores(tf.constant([[0.25], [1.0]], tf.float64), scheme_of())
    assert scores.dtype == tf.float32
    assert scores.numpy().tolist() == [[0.75, 0.25], [0.0, 1.0]]


def test_classifier_with_the_variables_of_another_gives_its_answers() -> None:
    first = model_of(dropout=0.5, recurrent_dropout=0.5)
    keras.utils.set_random_seed(2)
    second = build_model(VOCABULARY_SIZE, first.settings, scheme=scheme_of(), padding="pre")
    wanted, answer = compiled(first)(LEFT).tolist(), compiled(second)
    assert answer(LEFT).tolist() != wanted
    for target, source in zip(second.variables, first.variables, strict=True):
        target.assign(source)
    assert answer(LEFT).tolist() == wanted


@pytest.mark.parametrize("where", ["dropout", "recurrent_dropout", "embedding_dropout", "word_dropout"])
def test_classifier_drops_in_training_only(where: str) -> None:
    values: dict[str, Any] = {where: 0.5}
    model = model_of(**values)
    ids = tf.constant(LEFT, tf.int64)
    assert model(ids).numpy().tolist() == model(ids).numpy().tolist()
    assert model(ids, training=True).numpy().tolist() != model(ids, training=True).numpy().tolist()


@pytest.mark.parametrize(
    # settings, LSTM layers
    ("values", "widths"),
    [({}, [5]), ({"bidirectional": True}, [5, 5]), ({"lstm_units": [6, 5], "bidirectional": True}, [6, 6, 5, 5])],
)
def test_classifier_lists_its_lstms(values: dict[str, Any], widths: list[int]) -> None:
    assert [lstm.units for lstm in keras_lstms(model_of(**values))] == widths


def test_classifier_that_forgets_the_text_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.mask_zero is false .* learns nothing .* model\.force true"):
        build_model(VOCABULARY_SIZE, settings(mask_zero=False), scheme=scheme_of(), padding="post")


@pytest.mark.parametrize(
    # settings with which the model remembers the text, or is trained all the same
    ("padding", "values"),
    [
        ("pre", {}),
        ("post", {"mask_zero": True}),
        ("post", {"pooling": "mean"}),
        ("post", {"pooling": "max"}),
        ("post", {"bidirectional": True}),
        ("post", {"force": True}),
    ],
)
def test_classifier_that_remembers_the_text_is_built(padding: Any, values: dict[str, Any]) -> None:
    chosen = settings(**{"mask_zero": False, **values})
    assert build_model(VOCABULARY_SIZE, chosen, scheme=scheme_of(), padding=padding).built
