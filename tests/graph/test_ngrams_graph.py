"""N-grams as a graph, which is NumPy's whatever the padding; and learnt on records, with every kind of labels."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings
from pipeline.errors import UserError
from tests.support.toy_records import Row, toy_config, toy_rows, weights, write_folder
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.metrics import accuracy_of
from trainer.evaluation.scoring import SplitScores, score_split
from trainer.evaluation.sides import side_figures
from trainer.model.classifier import TextClassifier, build_model
from trainer.ngrams.codes import distinct_codes, ngram_codes, table_rows
from trainer.ngrams.graph import graph_rows
from trainer.ngrams.kinds import NgramKinds
from trainer.ngrams.side import NgramArrays, NgramSide
from trainer.training.fit import train
from trainer.training.ngrams import add_ngrams
from trainer.training.objective import Objective
from trainer.training.progress import EpochEvent, StepEvent

SETTINGS = ModelSettings(embedding_dim=4, lstm_units=5, ngrams=2, ngram_buckets=64)
DRAW = np.random.default_rng(7)
BUCKETS = 1009


RUNS = NgramKinds(3)
ALL = NgramKinds(3, gaps=2, ending=2)


def arrays_of(kinds: NgramKinds = RUNS, *, outputs: int = 1) -> NgramArrays:
    """Most n-grams of these kinds of the ids 1 to 5 have a bucket, and some have none."""
    ids = np.random.default_rng(1).integers(1, 6, [20, 9])
    codes = ngram_codes(ids, kinds=kinds, vocabulary_size=6)
    hashes = codes[codes >= 6] - 6
    keys = np.full(BUCKETS, -1, np.int32)
    keys[hashes % BUCKETS] = hashes
    keys[::5] = -1
    made = DRAW.normal(0, 1, [6 + BUCKETS, outputs]).astype(np.float32)
    made[0] = 0
    scales, bias = np.array([0.5, 2.0], np.float32), DRAW.normal(0, 1, outputs).astype(np.float32)
    return NgramArrays(keys, made, np.full(outputs, 0.25, np.float32), scales, bias)


def rows_in_numpy(ids: npt.NDArray[np.int64], arrays: NgramArrays, *, kinds: NgramKinds) -> npt.NDArray[np.int64]:
    codes = ngram_codes(ids, kinds=kinds, vocabulary_size=6)
    return table_rows(codes, arrays.keys, vocabulary_size=6)


def sums_in_numpy(ids: npt.NDArray[np.int64], arrays: NgramArrays, *, kinds: NgramKinds) -> npt.NDArray[np.float64]:
    each, lengths = distinct_codes(rows_in_numpy(ids, arrays, kinds=kinds))
    parts = np.split(arrays.weights.astype(np.float64)[each], np.cumsum(lengths)[:-1])
    return np.array([part.sum(axis=0) for part in parts]).reshape(len(ids), -1)


KINDS = [NgramKinds(1), NgramKinds(2), RUNS, NgramKinds(5), NgramKinds(3, gaps=2), NgramKinds(1, gaps=1, ending=2), ALL]


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("length", [0, 1, 2, 9])
@pytest.mark.parametrize("batch", [0, 1, 6])
def test_graph_is_that_of_numpy(batch: int, length: int, kinds: NgramKinds) -> None:
    arrays = arrays_of(kinds, outputs=2)
    ids = DRAW.integers(0, 6, [batch, length])  # zeros anywhere
    rows = graph_rows(tf.constant(ids), tf.constant(arrays.keys), kinds=kinds, vocabulary_size=6)
    assert rows.numpy().tolist() == rows_in_numpy(ids, arrays, kinds=kinds).tolist()
    logits = NgramSide(arrays, kinds=kinds).logits(tf.constant(ids)).numpy()
    assert logits.shape == (batch, 2)
    if batch:
        assert logits == pytest.approx(sums_in_numpy(ids, arrays, kinds=kinds) + 0.25, abs=1e-6)


def test_graph_has_the_rows_that_were_worked_out() -> None:
    """In a graph that knows no sizes; 10 words and 101 buckets, of which three belong to n-grams."""
    keys = np.full(101, -1, np.int32)
    # Hashes of 7 _ 9, and of 7 and 9 near the end, by Python's integers: their remainders by 101 are 85, 34 and 4.
    keys[[85, 34, 4]] = 432289276, 952383978, 1011930821

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64)])
    def rows(ids: tf.Tensor) -> tf.Tensor:
        return graph_rows(ids, tf.constant(keys), kinds=NgramKinds(1, gaps=1, ending=3), vocabulary_size=10)

    assert rows([[0, 7, 8, 9]]).numpy().tolist() == [[0, 7, 8, 9, 0, 95, 0, 44, 0, 14, 0, 0, 0]]
    assert rows([[7, 8, 9, 0]]).numpy().tolist() == [[7, 8, 9, 0, 95, 0, 44, 0, 14, 0, 0, 0, 0]]
    assert rows([[9]]).numpy().tolist() == [[9, 14]]


def test_graph_gives_the_same_bits_with_more_padding_on_either_side() -> None:
    side = NgramSide(arrays_of(ALL), kinds=ALL)
    ids = DRAW.integers(1, 6, [5, 30])
    alone = side.logits(tf.constant(ids)).numpy()
    for padding in ([[0, 0], [70, 0]], [[0, 0], [0, 70]], [[0, 0], [3, 4]]):
        assert side.logits(tf.constant(np.pad(ids, padding))).numpy().tobytes() == alone.tobytes()
    assert side.logits(tf.zeros([1, 9], tf.int64)).numpy().tolist() == [[0.25]]  # no words: the intercept


def test_table_of_the_tests_has_rows_of_every_kind() -> None:
    arrays, ids = arrays_of(ALL), np.random.default_rng(1).integers(1, 6, [20, 9])
    rows = rows_in_numpy(ids, arrays, kinds=ALL)
    ends = np.cumsum([kind.places(9) for kind in ALL.each()])
    assert all((part > 0).any() for part in np.split(rows, ends[:-1], axis=1))


def test_side_joins_by_its_scales_and_bias() -> None:
    arrays = arrays_of()
    side, ids = NgramSide(arrays, kinds=NgramKinds(2)), tf.constant([[0, 1, 2]], tf.int64)
    own = side.logits(ids).numpy()
    assert side.join(tf.constant([[4.0]]), ids).numpy() == pytest.approx(0.5 * 4 + 2 * own + arrays.bias)
    back = NgramSide.arrays_of(side)
    assert all(np.array_equal(one, other) for one, other in zip(back, arrays, strict=True))


def folder_of(path: Path, labels: str, *, several: bool = False, **settings: Any) -> RecordsFolder:
    """The word 1 + label tells the label; with several labels each word 1 to 3 tells one, so a row may have none."""

    def rows(count: int, seed: int) -> list[Row]:
        if not several:
            return toy_rows(count, classes=len(labels), seed=seed)
        draw = np.random.default_rng(seed)
        texts = [draw.choice([1, 2, 3, *range(10, 20)], draw.integers(0, 6)).tolist() for _ in range(count)]
        return [(words, sorted({word - 1 for word in words if word < 4}), 1.0 + (len(words) % 2)) for words in texts]

    path.mkdir()
    parts = {"evaluation": rows(120, 1), "test": rows(80, 2), **settings}
    return write_folder(path, train=[rows(150, 0), rows(90, 3)], labels=labels, several=several, **parts)


def learnt(folder: RecordsFolder, *, objective: Objective | None = None) -> tuple[TextClassifier, SplitScores | None]:
    """An untrained LSTM with n-grams that have learnt."""
    keras.utils.set_random_seed(0)
    model = build_model(20, SETTINGS, scheme=folder.scheme, padding="pre")
    of_rows = objective or Objective(several=folder.scheme.several, is_weighted=folder.is_weighted)
    return model, add_ngrams(model, folder, objective=of_rows, batch_size=16)


@pytest.mark.parametrize(("labels", "several"), [("ab", False), ("abc", False), ("abc", True)])
def test_ngrams_learn_what_tells_the_labels(tmp_path: Path, labels: str, several: bool) -> None:
    folder = folder_of(tmp_path / "records", labels, several=several)
    model, scores = learnt(folder)
    assert scores is not None
    assert scores.sides is not None
    scored = score_split(model, folder, "test", batch_size=16)
    right = (scored.scores >= 0.5) == scored.labels if several else scored.scores.argmax(axis=1) == scored.labels
    assert right.mean() > 0.95
    sides = scored.sides
    assert sides is not None
    join = NgramSide.arrays_of(model.ngrams).join
    assert join.ngrams > 0.5
    assert scored.logits == pytest.approx(join.joined(sides.lstm, sides.ngrams), abs=1e-5)
    figures = side_figures(scored, folder.scheme)
    assert [side.name for side in figures] == ["LSTM alone", "n-grams alone", "both joined"]
    assert figures[2].accuracy == pytest.approx(accuracy_of(scored.metrics))
    assert figures[2].loss == pytest.approx(scored.metrics["loss"], abs=1e-6)
    assert figures[0].accuracy < figures[1].accuracy
    if several:
        assert scored.scores == pytest.approx(1 / (1 + np.exp(-scored.logits)), abs=1e-6)
    assert len(model.weights) == 6  # of embedding, LSTM and head: no optimizer and no checkpoint sees the n-grams


def test_ngrams_without_eval_rows_count_half(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, scores = learnt(folder_of(tmp_path / "records", "ab", evaluation=[]))
    assert scores is None
    assert NgramSide.arrays_of(model.ngrams).scales.tolist() == [0.5, 0.5]
    assert "eval" in caplog.text


def test_ngrams_count_class_weights_in_the_loss(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "records", "ab")
    plain, tripled = (
        NgramSide.arrays_of(learnt(folder, objective=Objective(class_weights=weights))[0].ngrams)
        for weights in ((1.0, 1.0), (1.0, 9.0))
    )
    assert tripled.intercept[0] > plain.intercept[0]


def test_ngrams_near_the_end_of_texts_that_are_shorter_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "records", "ab")
    length = folder.sequence.max_length
    config = toy_config(tmp_path / "training", model={"ngrams": 1, "ngram_ending": length}, epochs=1)
    with pytest.raises(UserError, match=rf"^model\.ngram_ending is {length}, but the texts of .* at most {length} ids"):
        train(config, folder)


def test_ngrams_of_a_resumed_training_have_the_same_bits(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "records", "ab")

    def stop(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, StepEvent) and event.epoch == 1 and event.step == 9:
            raise KeyboardInterrupt

    sizes = {"ngrams": 3, "ngram_buckets": 32, "ngram_gaps": 1, "ngram_ending": 3}
    whole = train(toy_config(tmp_path / "whole", model=sizes, epochs=1), folder)
    config = toy_config(tmp_path / "broken", model=sizes, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        train(config, folder, progress=stop)
    resumed = train(config, folder, resume=True)
    assert weights(resumed) == weights(whole)
    arrays = [NgramSide.arrays_of(trained.model.ngrams) for trained in (resumed, whole)]
    assert all(one.tobytes() == other.tobytes() for one, other in zip(*arrays, strict=True))
    assert whole.eval_scores is not None
    assert whole.eval_scores.sides is not None
