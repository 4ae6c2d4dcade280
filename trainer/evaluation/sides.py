"""The logits of LSTM and n-grams on a split -> what each side is worth alone, and both together."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NO_DECISION
from trainer.decision.scores import scores_of
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import accuracy_of
from trainer.evaluation.scoring import SplitScores


class SideFigures(NamedTuple):
    """accuracy: with several labels a text the subset accuracy; loss: cross-entropy in nats. Each row counts once."""

    name: str
    accuracy: float
    loss: float


def side_figures(scored: SplitScores, scheme: LabelScheme) -> list[SideFigures]:
    """LSTM alone, n-grams alone and both joined, by the most probable label; none of a model without n-grams."""
    return list(_figures(scored, scheme))


def _figures(scored: SplitScores, scheme: LabelScheme) -> Iterator[SideFigures]:
    if scored.sides is None:
        return
    sides: list[tuple[str, npt.ArrayLike]] = [
        ("LSTM alone", scored.sides.lstm),
        ("n-grams alone", scored.sides.ngrams),
        ("both joined", scored.logits),
    ]
    for name, logits in sides:
        metrics = metrics_of(scores_of(logits, NO_DECISION, scheme), scored.labels, scheme=scheme)
        yield SideFigures(name, accuracy_of(metrics), metrics["loss"])
