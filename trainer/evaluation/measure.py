"""Scores + right labels + predicted labels -> all figures of metrics.json but the slices; pure functions of arrays.

labels  int64 [examples]            index of the right label
        bool  [examples, classes]   with several labels a text: which it has
scores  float [examples, classes]   probabilities, in the order of the label names
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.rules import decide
from trainer.evaluation.answers import Answers, Labels
from trainer.evaluation.calibration import Bin
from trainer.evaluation.metrics import Figures, Metrics
from trainer.evaluation.one_label import one_label_figures
from trainer.evaluation.several_labels import several_labels_figures

# With several labels and no threshold of its own, a label is predicted from this score on.
_THRESHOLD: Final = 0.5


def answers_of(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    scheme: LabelScheme,
    weights: npt.ArrayLike | None = None,
    decision: Decision = NO_DECISION,
    predicted: Labels | None = None,
    abstains: npt.NDArray[np.bool_] | None = None,
) -> Answers:
    """Examples with their answers, the arguments of `metrics_of`.

    >>> answers_of([[0.5, 0.2]], [[True, True]], scheme=LabelScheme(("a", "b"), several=True)).predicted.tolist()
    [[True, False]]
    >>> answers_of([[0.5, 0.5]], [1], scheme=LabelScheme(("a", "b"))).predicted.tolist()
    [0]
    """
    table = np.asarray(scores)
    if predicted is None and decision != NO_DECISION:
        decided = decide(table, decision, scheme)
        predicted, abstains = decided.labels, decided.abstains if decision.can_abstain(scheme) else None
    elif predicted is None:
        predicted = table >= _THRESHOLD if scheme.several else table.argmax(axis=1)
    right = np.asarray(labels, np.bool_ if scheme.several else np.int64)
    return Answers(table, right, predicted, abstains, None if weights is None else np.asarray(weights, np.float64))


def metrics_of(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    scheme: LabelScheme,
    weights: npt.ArrayLike | None = None,
    decision: Decision = NO_DECISION,
    predicted: Labels | None = None,
    abstains: npt.NDArray[np.bool_] | None = None,
) -> Metrics:
    """All metrics of one example or more; `slices` is empty, see `trainer.evaluation.slices`.

    scores: float [examples, classes]. labels: int [examples], or bool [examples, classes] if scheme.several.
    weights: float [examples], above 0; None: each example counts once.
    decision: which labels are predicted, and which answers abstain.
    predicted, abstains: these instead of `decision`, where a model has given them. predicted: of labels' shape and
      type. abstains: bool [examples]; None: answers of this model can't.

    >>> result = metrics_of([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]], [1, 0, 0], scheme=LabelScheme(("neg", "pos")))
    >>> round(result["accuracy"], 3), result["auc"], result["confusion"]
    (0.667, 1.0, [[1, 1], [0, 1]])
    >>> result["per_label"]["neg"]
    {'precision': 1.0, 'recall': 0.5, 'f1': 0.6666666666666666, 'support': 2}
    """
    answers = answers_of(
        scores, labels, scheme=scheme, weights=weights, decision=decision, predicted=predicted, abstains=abstains
    )
    return metrics_of_answers(answers, scheme)


def reliability_of(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    scheme: LabelScheme,
    weights: npt.ArrayLike | None = None,
    decision: Decision = NO_DECISION,
    predicted: Labels | None = None,
) -> list[Bin]:
    """The bins of `trainer.evaluation.calibration`; the arguments of `metrics_of`.

    >>> reliability_of([[0.75, 0.25], [0.25, 0.75]], [0, 0], scheme=LabelScheme(("neg", "pos")))
    [Bin(low=0.7, high=0.75, rows=2, confidence=0.75, accuracy=0.5, weight=None)]
    """
    return answers_of(
        scores, labels, scheme=scheme, weights=weights, decision=decision, predicted=predicted
    ).reliability()


def metrics_of_answers(answers: Answers, scheme: LabelScheme) -> Metrics:
    """All metrics of one example or more."""
    is_weighted = answers.weights is not None
    return {
        "examples": len(answers.labels),
        **_figures(answers.without_weights(), scheme),
        "weighted": _figures(answers, scheme) if is_weighted else None,
        "effective_examples": answers.size if is_weighted else None,
        "slices": [],
        "decision": None,
        "word_counts": None,
    }


def _figures(answers: Answers, scheme: LabelScheme) -> Figures:
    return several_labels_figures(answers, scheme) if scheme.several else one_label_figures(answers, scheme)
