"""training.html of several labels a text, of ordinal labels, of weighted rows and of slices: numbers worked by hand."""

import re

import numpy as np

from pipeline.config.decision_settings import DecisionSettings
from pipeline.config.settings import SequenceSettings
from pipeline.records_folder.label_scheme import LabelScheme
from tests.support.trainings import content_of
from trainer.decision.decision import Decision
from trainer.evaluation.calibration import reliability
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import SlicedBy
from trainer.evaluation.mistakes import Mistake
from trainer.training_report.calibration import calibration
from trainer.training_report.mistakes import mistakes
from trainer.training_report.ordinal import ordinal
from trainer.training_report.page import render
from trainer.training_report.several_labels import several_labels
from trainer.training_report.slices import slices
from trainer.training_report.weights import weights

# Three texts; from 0.5 on a label is predicted. a: found, found, false alarm. <b>: missed, right to leave out, found.
SEVERAL = LabelScheme(("a", "<b>"), several=True)
SCORES = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.7]])
LABELS = np.array([[True, True], [True, False], [False, True]])


def cells(page: str, first: str) -> list[str]:
    """The cells of the row that begins so, without markup."""
    row = next(line for line in page.split("<tr>") if f">{first}<" in line)
    return [re.sub(r"<[^>]*>", "", cell) for cell in row.split("</td>")[:-1]]


def test_page_of_several_labels_tells_what_is_missed() -> None:
    page = several_labels(metrics_of(SCORES, LABELS, scheme=SEVERAL))
    # precision, recall, F1, bar, average precision (of <b>: the scores .7, .2, .1 are right, wrong, right), texts,
    # missed of the texts with it, false alarms of those without it.
    assert cells(page, "a") == ["a", "0.667", "1.000", "0.800", "", "1.000", "2", "0 0.0%", "1 100.0%"]
    assert cells(page, "&lt;b&gt;") == ["&lt;b&gt;", "1.000", "0.500", "0.667", "", "0.833", "2", "1 50.0%", "0 0.0%"]
    # Of 4 pairs that are predicted 3 are right, of 4 right ones 3 are found.
    assert cells(page, "micro")[:4] == ["micro", "0.750", "0.750", "0.750"]
    assert cells(page, "macro")[:4] == ["macro", "0.833", "0.750", "0.733"]


def test_page_of_several_labels_has_no_confusion() -> None:
    page = render(content_of(SCORES, LABELS, SEVERAL)).decode()
    assert "What is taken for what" not in page
    assert "<dt>subset accuracy</dt><dd>0.333 <small>all labels of a text right</small></dd>" in page
    assert "of each label" in page  # the axis of calibration
    for absent in ("With weights", "Slices", "How far off"):
        assert f"<h2>{absent}</h2>" not in page


def test_page_of_several_labels_names_those_that_are_never_predicted() -> None:
    page = render(content_of(np.array([[0.9, 0.1], [0.8, 0.2]]), LABELS[:2], SEVERAL)).decode()
    assert "1 of 2 labels are never predicted" in page
    assert "little better than always answering" not in page


def test_page_of_several_labels_shows_the_worst_of_many() -> None:
    scheme = LabelScheme(tuple(f"label{place}" for place in range(100)), several=True)
    right = np.eye(100, dtype=bool)
    scores = np.where(right, 0.9, 0.1)
    scores[97, 97] = 0.2
    page = several_labels(metrics_of(scores, right, scheme=scheme))
    assert "The 60 of 100 labels with the lowest F1" in page
    assert page.index("label97") < page.index("label0<")


def test_page_of_several_labels_tells_what_a_mistake_is_about() -> None:
    found = [Mistake([0, 1], (0,), (0, 1), wrong=1, probability=0.9), Mistake([0, 1], (0,), (), 0, 0.8)]
    page = mistakes(
        found, labels=SEVERAL.names, tokens={1: "the"}, oov="drop", sequence=SequenceSettings(), several=True
    )
    assert cells(page, "0.900") == ["0.900", "&lt;b&gt; false alarm", "a, &lt;b&gt;", "a", "the"]
    assert cells(page, "0.800") == ["0.800", "a missed", "–", "a", "the"]


def test_page_of_ordinal_labels_tells_how_far_off() -> None:
    scheme = LabelScheme(("1", "2", "5"), kind="ordinal")
    scores = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.1, 0.5, 0.4], [0.0, 0.0, 1.0]])
    metrics = metrics_of(scores, [0, 1, 2, 2], scheme=scheme)
    assert metrics["ordinal"] is not None
    page = ordinal(metrics, metrics["ordinal"], values=scheme.values())
    # 1 for 2 is 1 away, 2 for 5 is 3 away; expected are 1.4, 1.4, 3.1 and 5.
    assert cells(page, "mean absolute error of the label")[1] == "1.000"
    assert cells(page, "mean absolute error of the expected rating")[1] == f"{(0.4 + 0.6 + 1.9 + 0) / 4:.3f}"
    assert cells(page, "right") == ["right", "2", "50.0%"]
    assert cells(page, "3 away") == ["3 away", "1", "25.0%"]
    whole = render(content_of(scores, np.array([0, 1, 2, 2]), scheme)).decode()
    assert "<h2>How far off</h2>" in whole
    assert "<h2>What is taken for what</h2>" in whole


TWO = LabelScheme(("neg", "pos"))
TWO_SCORES = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.3, 0.7]])
TWO_LABELS = np.array([0, 0, 0, 1])
WEIGHTS = np.array([1.0, 1.0, 6.0, 2.0])


def test_page_of_weighted_rows_shows_figures_side_by_side() -> None:
    metrics = metrics_of(TWO_SCORES, TWO_LABELS, scheme=TWO, weights=WEIGHTS)
    content = content_of(TWO_SCORES, TWO_LABELS, TWO, weights=WEIGHTS)
    train = content.records.splits["train"]
    page = weights(metrics, rows=4, train=train.weights, train_rows=4)
    # (1 + 1 + 6 + 2)^2 / (1 + 1 + 36 + 4)
    assert "the 4 train texts say as much as 2, and the 4 held-out texts say as much as 2 of equal weight" in page
    assert cells(page, "accuracy") == ["accuracy", "0.7500", "0.4000"]
    # neg: 2 of 3 found, by weight 2 of 8; pos: 1 of 2 answers is right, by weight 2 of 8.
    assert cells(page, "neg") == ["neg", "1.000", "1.000", "0.667", "0.250", "0.800", "0.400", "3", "8"]
    assert cells(page, "pos") == ["pos", "0.500", "0.250", "1.000", "1.000", "0.667", "0.400", "1", "2"]
    whole = render(content).decode()
    assert "<dt>with weights</dt><dd>0.400 <small>of 2 texts</small></dd>" in whole
    assert "of the weight, less than 5%" not in whole


def test_page_of_weighted_rows_warns_of_a_label_with_little_weight() -> None:
    light = np.array([10.0, 10.0, 10.0, 1.5])  # of 31.5
    assert (
        "have 4.8% of the weight, less than 5%"
        in render(content_of(TWO_SCORES, TWO_LABELS, TWO, weights=light)).decode()
    )


SLICED: SlicedBy = {
    "by": "<source>",
    "slices": [
        {"value": "<web>", "examples": 1200, "accuracy": 0.5, "interval": [0.25, 0.75], "loss": 0.9,
         "weighted": {"accuracy": 0.45, "interval": [0.2, 0.7], "loss": 1.0}},
        {"value": "", "examples": 30, "accuracy": 0.9, "interval": [0.8, 1.0], "loss": 0.2,
         "weighted": {"accuracy": 0.95, "interval": [0.8, 1.0], "loss": 0.2}},
    ],
    "others": {"value": "", "values": 3, "examples": 7, "accuracy": 0.6, "interval": [0.1, 0.9], "loss": 0.5,
               "weighted": None},
}  # fmt: skip


def test_page_of_slices_shows_each_with_its_interval() -> None:
    page = slices([SLICED], accuracy=0.8, several=False)
    assert "<h3>By <bdi>&lt;source&gt;</bdi></h3>" in page
    assert cells(page, "&lt;web&gt;") == ["&lt;web&gt;", "0.500", "0.250 to 0.750", "", "0.900", "0.450", "1,200"]
    assert '<i class="bar" style="margin-left:25.0%;width:50.0%"></i>' in page
    assert page.index("&lt;web&gt;") < page.index("<i>none</i>") < page.index("<i>3 rarer values</i>")
    whole = render(content_of(TWO_SCORES, TWO_LABELS, TWO, slices=(SLICED,))).decode()
    assert "<h2>Slices</h2>" in whole


def test_calibration_shows_what_it_was_before() -> None:
    is_right = np.array([True, True, True, False])
    sure, honest = (reliability(np.full(4, confidence), is_right) for confidence in (0.99, 0.75))
    page = calibration(honest, classes=2, before=sure, temperature=4.0)
    assert "Expected calibration error <b>0.000</b>" in page
    assert "Before calibration it was <b>0.240</b>" in page
    assert "divides its logits by 4," in page
    assert "class weights" not in page
    balanced = calibration(honest, classes=2, before=sure, temperature=4.0, has_class_weights=True)
    assert "fitted on the eval split, and takes the class weights of the training out of its scores again." in balanced
    assert "before calibration" not in calibration(honest, classes=2)


# Ten texts of which the network is 0.9 or 0.6 sure, three times wrong.
SURE = np.array([[0.9, 0.1]] * 3 + [[0.4, 0.6]] * 4 + [[0.1, 0.9]] * 3)
IS = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 0])


def test_page_of_thresholds_shows_their_price() -> None:
    settings = DecisionSettings(threshold={"pos": "precision>=0.6"})
    page = render(content_of(SURE, IS, TWO, decision=Decision(settings=settings, thresholds=[None, 0.8]))).decode()
    part = page[page.index("<h2>Decisions</h2>") : page.index("<h2>Calibration</h2>")]
    # pos from 0.8 on: given to 3, of which 2 have it; 2 of the 4 that have it. Without: given to 7, of which 4 have it.
    assert cells(part, "pos") == ["pos", "precision&gt;=0.6", "0.800", "0.667 0.571", "0.500 1.000",
                                             "30.0% 70.0%"]  # fmt: skip
    assert cells(part, "neg")[1:3] == ["argmax", "–"]
    assert cells(part, "right answers") == ["right answers", "0.700 0.700"]
    assert "abstain" not in part


def test_page_of_answers_that_abstain_counts_them() -> None:
    settings = DecisionSettings(abstain_below=0.8)
    page = render(content_of(SURE, IS, TWO, decision=Decision(settings=settings))).decode()
    assert cells(page, "answers that abstain") == ["answers that abstain", "40.0%"]
    # Of the six others five are right.
    assert cells(page, "right answers, of those that do not abstain")[1] == "0.833 0.700"
    assert "<dt>abstains</dt><dd>40.0% <small>of the others right: 0.833</small></dd>" in page


def test_page_of_costs_compares_with_the_most_probable_label() -> None:
    settings = DecisionSettings(costs={"neg": {"pos": 1.0}, "pos": {"neg": 12.0}})
    page = render(content_of(SURE, IS, TWO, decision=Decision(settings=settings, costs=[[0, 1], [12, 0]]))).decode()
    # A text of 0.1 for pos costs 1.2 as neg and 0.9 as pos: all are pos, and six of them are not.
    assert cells(page, "mean cost of an answer") == ["mean cost of an answer", "0.600 0.300"]
    assert cells(page[page.index("Decisions") :], "pos")[1] == "costs"


def test_page_of_a_calibrated_model_shows_it_before_and_after() -> None:
    decision = Decision(settings=DecisionSettings(calibrate="temperature"), temperature=2.0)
    page = render(content_of(SURE, IS, TWO, decision=decision)).decode()
    assert "Before calibration it was" in page
    assert "divides its logits by 2," in page
    assert "<h2>Decisions</h2>" not in page  # no label changes


def test_page_of_several_labels_with_thresholds() -> None:
    settings = DecisionSettings(threshold=0.65)
    decision = Decision(settings=settings, thresholds=[0.65, 0.65])
    page = render(content_of(SCORES, LABELS, SEVERAL, decision=decision)).decode()
    part = page[page.index("<h2>Decisions</h2>") :]
    # a: found twice, no false alarm any more; <b>: as before.
    assert cells(part, "a") == ["a", "0.65", "0.650", "1.000 0.667", "1.000 1.000", "66.7% 100.0%"]
    assert cells(part, "texts with all labels right") == ["texts with all labels right", "0.667 0.333"]
