"""What metrics.json holds: the names, types and formulas of all figures; docs/reference/metrics.md explains them.

An example is a text with its label, or with its labels. A predicted label is the one that the model's decision gives;
without a decision it is the one with the highest score, the first of equal ones, or, with several labels, each label
whose score is 0.5 or more.

Figures stand side by side, plain and with weights. In `weighted`, sums of weights stand for numbers of examples: an
example of weight 2 counts as two examples. Only `effective_examples` and the intervals differ from that, because a
weight says nothing new of the label.
"""

from typing import TypedDict

from typing_extensions import NotRequired

from trainer.decision.price import Price


class LabelCounts(TypedDict):
    """The examples with and without one of several labels, by whether it is predicted."""

    true_positives: float
    false_positives: float
    false_negatives: float
    true_negatives: float


class LabelScores(TypedDict):
    """Precision, recall and F1 of one label against all others; each is 0 where its formula would divide by 0.

    TP: examples of the label that are predicted as it. FP: other examples that are predicted as it. FN: examples of the
    label that are predicted as another one. (C. J. van Rijsbergen, Information Retrieval, 1979, chapter 7.)

    precision: TP / (TP + FP).
    recall: TP / (TP + FN).
    f1: 2 TP / (2 TP + FP + FN), the harmonic mean of the two.
    support: TP + FN, the examples of the label.
    Only with several labels:
    average_precision: see `trainer.evaluation.ranking`; None if no example has the label.
    counts: TP, FP, FN, and the examples that neither have the label nor are predicted as it.
    """

    precision: float
    recall: float
    f1: float
    support: float
    average_precision: NotRequired[float | None]
    counts: NotRequired[LabelCounts]


class Averages(TypedDict):
    """Figures of several labels in one.

    Of `micro`, each pair of a text and a label is one example. Of `macro`, it is the mean of the labels' figures;
    average_precision is the mean over the labels that have one.
    """

    precision: float
    recall: float
    f1: float
    average_precision: float | None


class OrdinalScores(TypedDict):
    """How far answers are from the right label, where labels are numbers; see `trainer.evaluation.ordinal`.

    mean_absolute_error: of the predicted label, in units of the labels.
    expected_rating_error: the mean absolute error of the expected rating, the sum of score times label.
    quadratic_weighted_kappa: 1 for right answers, 0 for chance; None if all examples and answers have one label.
    """

    mean_absolute_error: float
    expected_rating_error: float
    quadratic_weighted_kappa: float | None


class DecidedScores(TypedDict):
    """Of a model whose answers may abstain: the answers that do not.

    examples, share: how many they are, and of all examples. accuracy: of them, None without any.
    per_label: precision among the decided answers; recall and support over all examples of the label, so an answer that
      abstains counts as a miss.
    """

    examples: float
    share: float
    accuracy: float | None
    accuracy_interval: list[float] | None
    per_label: dict[str, LabelScores]


class Figures(TypedDict):
    """The figures that are given plain and weighted.

    loss: mean cross-entropy in nats; with several labels the mean over texts and labels.
    calibration_error: expected calibration error, see `trainer.evaluation.calibration`.
    brier: the Brier score, see `trainer.evaluation.loss`.
    Of one label a text:
    accuracy: examples with the right predicted label / all examples, whether an answer abstains or not.
    accuracy_interval: [low, high], Wilson's interval at 95%.
    auc: area under the ROC curve of the second of two labels; None with more labels, or if one of the two is absent.
    confusion: confusion[i][j] = examples of label i that are predicted as label j, in the order of `per_label`.
    ordinal: None unless the labels are ordinal.
    decided: None unless answers may abstain.
    Of several labels a text:
    subset_accuracy: texts of which all labels are right, and none is missing / all texts; with its interval.
    """

    per_label: dict[str, LabelScores]
    loss: float
    calibration_error: float
    brier: float
    accuracy: NotRequired[float]
    accuracy_interval: NotRequired[list[float]]
    auc: NotRequired[float | None]
    confusion: NotRequired[list[list[float]]]
    ordinal: NotRequired[OrdinalScores | None]
    decided: NotRequired[DecidedScores | None]
    subset_accuracy: NotRequired[float]
    subset_accuracy_interval: NotRequired[list[float]]
    micro: NotRequired[Averages]
    macro: NotRequired[Averages]


class SliceFigures(TypedDict):
    """The figures of the examples of a slice, plain or weighted.

    accuracy: with several labels the subset accuracy. interval: [low, high], Wilson's at 95%, of `accuracy`.
    f1: the micro F1, only with several labels.
    """

    accuracy: float
    interval: list[float]
    loss: float
    f1: NotRequired[float]


class SliceScores(SliceFigures):
    """A slice: the examples with one value of a column, or with texts of some length.

    value: the value, "" where it is missing; or the number of words in words.
    """

    value: str
    examples: int
    weighted: SliceFigures | None


class OtherSlices(SliceScores):
    """All examples whose value is too rare for a slice of its own; values: how many values that are."""

    values: int


class SlicedBy(TypedDict):
    """The slices by one column, the lowest accuracy first.

    by: the column, or text_length. others: None if all values have slices.
    """

    by: str
    slices: list[SliceScores]
    others: OtherSlices | None


class CalibrationFigures(TypedDict):
    """How honest scores are before and after calibration; with weights, of weighted rows.

    error: expected calibration error of the most probable label, see `trainer.evaluation.calibration`. loss: mean
    cross-entropy in nats. Before: the network's own scores.
    """

    error_before: float
    error_after: float
    loss_before: float
    loss_after: float


class WordCountFigures(TypedDict):
    """How a model of word counts alone answers the same examples, see `trainer.evaluation.word_counts`.

    train_texts: how many train texts there are; learnt_from: how many of them it learnt from.
    accuracy: of one label a text. subset_accuracy, micro_f1: of several, from the probability 0.5 on.
    """

    train_texts: int
    learnt_from: int
    accuracy: NotRequired[float]
    subset_accuracy: NotRequired[float]
    micro_f1: NotRequired[float]


class DecisionFigures(Price):
    """The price of a decision; calibration: None if the decision changes no score."""

    calibration: CalibrationFigures | None


class Metrics(Figures):
    """The content of metrics.json.

    weighted: the same figures with weights; None without weights.
    effective_examples: (sum of weights)^2 / sum of squared weights; None without weights.
    slices: one for each name in metrics.slices.
    decision: None unless the model has thresholds, costs or calibrated scores, or may abstain.
    word_counts: None outside a training, and with more than 200 labels.
    """

    examples: int
    weighted: Figures | None
    effective_examples: float | None
    slices: list[SlicedBy]
    decision: DecisionFigures | None
    word_counts: WordCountFigures | None


def accuracy_of(figures: Figures) -> float:
    """The accuracy, or with several labels the subset accuracy."""
    return figures["subset_accuracy"] if "subset_accuracy" in figures else figures["accuracy"]


def predicted_texts(figures: Figures) -> list[float]:
    """For how many texts each label is predicted: what precision is a share of."""
    if "confusion" in figures:
        return [sum(column) for column in zip(*figures["confusion"], strict=True)]
    counts = [scores["counts"] for scores in figures["per_label"].values()]
    return [of_label["true_positives"] + of_label["false_positives"] for of_label in counts]
