"""What the scores of a split hold besides the scores, row by row."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.settings import ModelSettings
from tests.support.toy_records import Row, write_folder
from trainer.evaluation.scoring import score_function, score_split
from trainer.model.classifier import build_model
from trainer.model.lstm_choice import choose_for_training

# Words, labels, weight, slices: the number of words tells the rows apart.
ROWS: list[Row] = [
    ([1, 2, 3], [0, 2], 0.5, ["mobile", "de\0"]),
    ([], [], 2.0, ["web", ""]),
    ([4, 5], [1], 0.1, ["", "größer"]),
]


def test_scoring_gives_labels_weights_and_slices_of_each_row(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, train=[ROWS], test=ROWS, labels=("a", "b", "c"), several=True, slices=("by", "of"))
    keras.utils.set_random_seed(0)
    model = build_model(20, ModelSettings(embedding_dim=4, lstm_units=5), scheme=folder.scheme, padding="pre")
    scored = score_split(model, folder, "test", batch_size=2)
    assert scored.word_counts.tolist() == [0, 2, 3]
    assert scored.labels.tolist() == [[False] * 3, [False, True, False], [True, False, True]]
    assert scored.weights is not None
    assert scored.weights.tolist() == [2, float(np.float32(0.1)), 0.5]
    assert {name: values.tolist() for name, values in scored.slices.items()} == {
        "by": ["web", "", "mobile"],
        "of": ["", "größer", "de\0"],
    }
    assert scored.logits.dtype == scored.scores.dtype == np.float32
    np.testing.assert_allclose(scored.scores, 1 / (1 + np.exp(-scored.logits)), atol=1e-6)
    rows = tf.constant([[0, 0, 0], [0, 4, 5], [1, 2, 3]], tf.int64)
    np.testing.assert_allclose(scored.scores, model(rows).numpy(), atol=1e-6)


@pytest.mark.parametrize("labels", ["ab", "abc"])
@pytest.mark.parametrize("several", [False, True])
def test_scoring_gives_the_bits_of_the_plain_score_graph(tmp_path: Path, labels: str, several: bool) -> None:
    words = np.random.default_rng(0).integers(1, 20, [300, 12]).tolist()
    rows: list[Row] = [(own, [0] if several else 0) for own in words]
    folder = write_folder(tmp_path, train=[rows[:1]], test=rows, labels=labels, several=several)
    keras.utils.set_random_seed(0)
    model = build_model(20, ModelSettings(embedding_dim=4, lstm_units=24), scheme=folder.scheme, padding="pre")
    model.embedding.embeddings.assign(model.embedding.embeddings * 20)
    scored = score_split(model, folder, "test", batch_size=300)
    function = score_function(model, folder.scheme, run_lstm=choose_for_training(model, batch_size=300))
    assert scored.scores.tobytes() == function(tf.constant(words, tf.int64)).numpy().tobytes()


def test_scoring_of_one_label_has_no_weights(tmp_path: Path) -> None:
    rows: list[Row] = [([1], 1), ([2, 3], 0)]
    folder = write_folder(tmp_path, train=[rows], test=rows)
    model = build_model(20, ModelSettings(embedding_dim=4, lstm_units=5), scheme=folder.scheme, padding="pre")
    scored = score_split(model, folder, "test", batch_size=2)
    assert (scored.weights, scored.slices, scored.labels.tolist()) == (None, {}, [1, 0])
    assert scored.logits.shape == (2, 1)
    assert scored.scores.shape == (2, 2)


def test_scoring_measures_slices_of_columns_and_of_text_length(tmp_path: Path) -> None:
    rows: list[Row] = [
        ([1] * (1 + number % 4), number % 2, 1.0, ["web" if number < 12 else "mail"]) for number in range(30)
    ]
    folder = write_folder(tmp_path, train=[rows], test=rows, slices=("site",))
    model = build_model(20, ModelSettings(embedding_dim=4, lstm_units=5), scheme=folder.scheme, padding="pre")
    scored = score_split(model, folder, "test", batch_size=8)
    by_length, by_site = scored.sliced_by(MetricsSettings(slices=["text_length", "site"]), folder.scheme)
    assert {part["value"]: part["examples"] for part in by_site["slices"]} == {"web": 12, "mail": 18}
    assert {part["value"]: part["examples"] for part in by_length["slices"]} == {
        "1 to 2 words": 16, "3 words": 7, "4 words": 7,
    }  # fmt: skip
    right = scored.metrics["accuracy"] * 30
    for sliced in (by_site, by_length):
        assert sum(part["accuracy"] * part["examples"] for part in sliced["slices"]) == pytest.approx(right)
