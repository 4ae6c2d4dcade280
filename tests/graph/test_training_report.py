"""training.html: numbers worked by hand, what is said about a training, and the page of a real one."""

import math
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from pipeline.config.settings import ModelSettings, SequenceSettings, Side
from pipeline.contract import Oov
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.printable import escape_controls
from tests.support.hostile_pages import hostile_training
from tests.support.label_schemes import scheme_of
from tests.support.toy_records import toy_folder
from trainer.evaluation import measure
from trainer.evaluation.calibration import Bin
from trainer.evaluation.metrics import Metrics
from trainer.evaluation.mistakes import Mistake
from trainer.evaluation.scoring import score_split
from trainer.evaluation.sides import SideFigures
from trainer.model.classifier import build_model
from trainer.ngrams.kinds import NgramKinds
from trainer.training.history import EpochRecord, History
from trainer.training_report.confusion import confusion, most_confused, pairs, per_label
from trainer.training_report.curves import curves
from trainer.training_report.decoded_ids import decoded_words
from trainer.training_report.given_vectors import given_vectors
from trainer.training_report.mistakes import mistakes
from trainer.training_report.neighbours import neighbours
from trainer.training_report.page import render
from trainer.training_report.sides import sides
from trainer.training_report.verdict import verdict
from trainer.word_vectors.coverage import MissingWord, VectorsUsed


def metrics_of(confused: list[list[int]], names: list[str] | None = None) -> Metrics:
    """Metrics with this confusion matrix."""
    counts = np.array(confused)
    right, predicted = (np.repeat(where.ravel(), counts.ravel()) for where in np.indices(counts.shape))
    names = names or [f"label{place}" for place in range(len(confused))]
    return measure.metrics_of(np.eye(len(names))[predicted], right, scheme=LabelScheme(tuple(names)))


def test_confusion_of_few_labels_is_a_table() -> None:
    page = confusion(metrics_of([[8, 2], [0, 5]], ["<b>", "pos"]))
    assert '<div class="right" style="--share:48%">8 <small>80.0%</small></div>' in page
    assert '<div class="wrong" style="--share:12%">2 <small>20.0%</small></div>' in page
    assert '<div class="wrong" style="--share:0%">0 <small>0.0%</small></div>' in page
    assert "<b>" not in page
    assert "application/json" not in page


def test_confusion_of_many_labels_is_a_map_of_the_most_confused() -> None:
    counts = np.diag(np.full(100, 5))
    counts[97, 98], counts[3, 99] = 7, 1
    assert most_confused(counts, 3) == [3, 97, 98]
    assert pairs(counts, 9) == [(97, 98, 7), (3, 99, 1)]
    page = confusion(metrics_of(counts.tolist()))
    assert "the 60 of 100 labels with the most mistakes" in page
    assert "label97" in page
    assert '<td class="n">7</td><td class="n">58.3%</td>' in page  # 7 of 12
    assert "all 13 labels" in confusion(metrics_of(np.diag(np.full(13, 5)).tolist()))


def test_labels_of_the_lowest_f1_come_first_where_there_are_many() -> None:
    counts = np.diag(np.full(100, 5))
    counts[97, 98] = 5
    page = per_label(metrics_of(counts.tolist()))
    assert "The 60 of 100 labels with the lowest F1" in page
    assert page.index("label97") < page.index("label98") < page.index("label0<")
    assert page.count("<tr>") == 1 + 1 + 60
    few = per_label(metrics_of([[8, 2], [0, 5]]))
    # Means: precision (1 + 5/7) / 2, recall (.8 + 1) / 2, F1 (16/18 + 10/12) / 2.
    assert '<td class="n">0.857</td><td class="n">0.900</td><td class="n">0.861</td>' in few


def record(epoch: int, *, loss: float, eval_loss: float | None) -> EpochRecord:
    return EpochRecord(epoch=epoch, steps=9 * epoch, learning_rate=0.001, loss=loss, accuracy=0.5, eval_loss=eval_loss,
                       eval_accuracy=eval_loss and 0.5, eval_auc=None, seconds=1)  # fmt: skip


# train losses, eval losses, best epoch, words of what is said
EPOCHS = [
    ([0.5, 0.4], [0.5, 0.49], 2, []),
    ([0.5, 0.4], [0.5, 0.4], 2, ["still falling in the last epoch (0.500 to 0.400)"]),
    ([0.5, 0.4, 0.3], [0.45, 0.5, 0.6], 1, ["rose from 0.450 after epoch 1 to 0.600 after epoch 3",
                                           "from 0.500 to 0.300", "training.epochs 1 would have been enough"]),
    ([0.5], [0.5], 1, []),
    ([0.5, 0.4], [None, None], 2, []),
]  # fmt: skip


@pytest.mark.parametrize(("losses", "eval_losses", "best", "told"), EPOCHS)
def test_verdict_on_epochs(losses: list[float], eval_losses: list[float | None], best: int, told: list[str]) -> None:
    epochs = [
        record(number, loss=a, eval_loss=b) for number, (a, b) in enumerate(zip(losses, eval_losses, strict=True), 1)
    ]
    found = verdict(epochs, None, best_epoch=best, bins=[])
    assert len(found) == bool(told)
    assert all(part in found[0] for part in told)


def test_verdict_names_the_setting_of_the_epochs() -> None:
    rose = [record(1, loss=0.5, eval_loss=0.45), record(2, loss=0.4, eval_loss=0.5)]
    falls = [record(1, loss=0.5, eval_loss=0.5), record(2, loss=0.4, eval_loss=0.4)]
    for epochs, best, end in ((rose, 1, "training.self_training 1 would have been enough."),
                              (falls, 2, "more training.self_training may give a better model.")):  # fmt: skip
        (sentence,) = verdict(epochs, None, best_epoch=best, bins=[], epochs_setting="training.self_training")
        assert sentence.endswith(end)


def test_verdict_on_what_was_learnt() -> None:
    epochs = [record(1, loss=0.5, eval_loss=0.5)]
    assert verdict(epochs, metrics_of([[8, 2], [0, 5]]), best_epoch=1, bins=[Bin(0.85, 0.9, 15, 0.87, 0.87)]) == []
    said = verdict(epochs, metrics_of([[10, 0], [5, 0]]), best_epoch=1, bins=[Bin(0.95, 1, 15, 0.98, 0.67)])
    assert [sentence.partition(":")[0] for sentence in said] == [
        "Accuracy 0.667 is little better than always answering 'label0' (0.667)",
        "1 of 2 labels are never predicted; see the labels with the lowest recall.",
        "The probabilities are off by 0.310 on average (expected calibration error)",
    ]


def test_curves_leave_out_what_was_not_measured() -> None:
    page = curves(History(epochs=[record(1, loss=0.5, eval_loss=None)]), best_epoch=1)
    assert "train accuracy" in page
    assert "eval" not in page
    assert "best: epoch 1" in page


def test_mistakes_are_told_in_words() -> None:
    page = mistakes(
        [Mistake([0, 2, 1, 3], (1,), (0,), 0, 0.875)],
        labels=["neg", "<pos>"],
        tokens={2: "<b>", 3: "film"},
        oov="token",
        sequence=SequenceSettings(max_length=4),
    )
    row = (
        '<td class="n" data-head="probability">0.875</td><td class="t" data-head="taken for"><bdi>neg</bdi></td>'
        '<td class="t" data-head="is"><bdi>&lt;pos&gt;</bdi></td>'
        '<td class="x" data-head="text"><bdi>&lt;b&gt;</bdi> <mark>unknown</mark> <bdi>film</bdi></td>'
    )
    assert row in page
    none = mistakes([], labels=[], tokens={}, oov="drop", sequence=SequenceSettings())
    assert none == "<p>None: every answer is right.</p>"


def test_neighbours_are_of_the_words_that_moved_farthest() -> None:
    before = np.array([[0, 0], [1, 0], [1, 0.1], [0, 1]], np.float32)
    after = np.array([[9, 9], [1, 0], [0, 2], [0, 1]], np.float32)  # 'good' turns from 'the' to 'great'
    page = neighbours(before, after, {1: "the", 2: "good", 3: "great"}, start="It began at random.")
    first = page[page.index("<tbody>") :].split("</tr>")[0]
    assert "<b><bdi>good</bdi></b>" in first
    assert f">{math.hypot(1, 1.9):.2f}<" in first
    assert "It began at random." in page
    assert first.index("<bdi>the</bdi>&nbsp;<small>1.00") < first.index("<bdi>great</bdi>&nbsp;<small>1.00")


def texts_of(found: list[Mistake]) -> list[tuple[list[int], tuple[int, ...]]]:
    return sorted(([id for id in mistake.ids if id], mistake.labels) for mistake in found)


def test_mistakes_of_a_split_are_its_most_confident(tmp_path: Path) -> None:
    folder = toy_folder(tmp_path / "records")
    keras.utils.set_random_seed(0)
    model = build_model(20, ModelSettings(embedding_dim=4, lstm_units=5), scheme=scheme_of(), padding="pre")
    scored = score_split(model, folder, "test", batch_size=3)
    predicted = scored.scores.argmax(axis=1)
    wrong = np.flatnonzero(predicted != scored.labels)
    expected = sorted(scored.scores[wrong, predicted[wrong]].tolist(), reverse=True)
    assert len(expected) >= 3  # it has learnt nothing
    assert [mistake.probability for mistake in scored.mistakes] == expected[:20]
    assert all(mistake.labels != mistake.predicted == (mistake.wrong,) for mistake in scored.mistakes)
    again = score_split(model, folder, "test", batch_size=7)  # whose rows are trimmed to other widths
    assert texts_of(again.mistakes) == texts_of(scored.mistakes)


def test_page_without_held_out_texts() -> None:
    whole = hostile_training()
    page = render(type(whole)(**{**vars(whole), "scored": None})).decode()
    assert escape_controls(page) == page
    assert "There were no held-out texts to judge it by." in page
    assert "Calibration" not in page
    assert "Nearest words" in page


def test_page_compares_the_lstm_with_word_counts() -> None:
    whole = hostile_training()
    assert whole.scored is not None
    assert "A model of word counts" not in render(whole).decode()
    metrics: Metrics = {
        **whole.scored.metrics, "word_counts": {"train_texts": 9, "learnt_from": 9, "accuracy": 0.125},
    }  # fmt: skip
    page = render(replace(whole, scored=replace(whole.scored, metrics=metrics))).decode()
    told = "<p>A model of word counts alone (TF-IDF, logistic regression) has accuracy 0.125, more than the LSTM&#39;s "
    assert told in page


def test_page_stays_small_with_thousands_of_labels() -> None:
    assert len(render(hostile_training(labels=2000))) < 2_000_000


# ids, padding, oov, what is shown
DECODED = [
    ([0, 0, 2, 1], "pre", "drop", "<small>2 × padding</small> <bdi>br</bdi> <bdi>the</bdi>"),
    ([2, 1, 0, 0], "post", "drop", "<bdi>br</bdi> <bdi>the</bdi> <small>2 × padding</small>"),
    ([2, 2], "pre", "drop", "<bdi>br</bdi> <bdi>br</bdi>"),
    ([0, 1, 2], "pre", "token", "<small>1 × padding</small> <mark>unknown</mark> <bdi>br</bdi>"),
    ([9], "pre", "drop", "<bdi>?</bdi>"),  # an id that no word has
    ([0, 0, 0], "post", "drop", "<small>3 × padding</small>"),
]  # fmt: skip


@pytest.mark.parametrize(("ids", "padding", "oov", "expected"), DECODED)
def test_decoded_ids_are_shown_as_words(ids: list[int], padding: Side, oov: Oov, expected: str) -> None:
    assert decoded_words(ids, {1: "the", 2: "br"}, oov=oov, padding=padding) == expected


def test_decoded_ids_of_long_records_open_on_a_click() -> None:
    found = decoded_words([0] + [1] * 53, {1: "a"}, oov="drop", padding="pre", padded=False)
    assert found.count("<bdi>a</bdi>") == 53
    assert found.endswith("<details><summary>3 more words</summary><bdi>a</bdi> <bdi>a</bdi> <bdi>a</bdi></details>")
    assert "padding" not in found


def test_given_vectors_are_shown_with_what_they_lack() -> None:
    used = VectorsUsed(
        file="<glove>.txt", format="GloVe text", size=99, sha256="0" * 64, vectors=400_000, dim=50, words=8,
        found_words=6, tokens=1000, found_tokens=990, repeated=0, missing=[MissingWord(token="<b>", count=7)],
    )  # fmt: skip
    section = given_vectors(used)
    assert "vectors of <b><bdi>&lt;glove&gt;.txt</bdi></b> (GloVe text). 2 words are not in the file." in section
    assert "<dt>words with a vector</dt><dd>75.0% <small>6 of 8</small></dd>" in section
    assert "<dt>of their tokens</dt><dd>99.0% <small>990 of 1,000</small></dd>" in section
    assert "how often they occur: <bdi>&lt;b&gt;</bdi>&nbsp;<small>7</small>.</p>" in section
    whole = used.model_copy(update={"found_words": 8, "missing": []})
    assert "All words have one." in given_vectors(whole)
    assert "how often they occur" not in given_vectors(whole)


def test_sides_are_a_row_each() -> None:
    page = sides([SideFigures("LSTM alone", 0.875, 0.3)], kinds=NgramKinds(3), split="test")
    assert "runs of 1 to 3 words" in page
    assert 'LSTM alone</td><td class="n">0.8750</td>' in page
    assert "0.3000" in page
