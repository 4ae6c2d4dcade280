"""Ids, right labels and scores of some rows -> the wrong answers that the model is most sure of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.decision.rules import Decided


@dataclass(frozen=True)
class Mistake:
    """A row whose answer is wrong.

    ids: as the record holds them, perhaps without padding.
    labels, predicted: the indices of the right and of the predicted labels. Each is one index, or with several labels a
      text any number, ascending.
    wrong: the label that the model is most sure of without being right: the predicted one; with several labels perhaps
      one that it has missed.
    probability: of that wrong answer: the score of `wrong`, or 1 - score if it was missed.
    """

    ids: list[int]
    labels: tuple[int, ...]
    predicted: tuple[int, ...]
    wrong: int
    probability: float


def surest_mistakes(
    ids: npt.NDArray[np.int64],
    labels: npt.NDArray[Any],
    scores: npt.NDArray[np.float32],
    *,
    decided: Decided,
    most: int,
) -> Iterator[Mistake]:
    """The `most` mistakes of the highest probability, the highest first, of equal ones the first.

    ids: int64 [rows, length]; labels: int64 [rows], or bool [rows, classes] with several labels a text; scores: float32
    [rows, classes]; decided: what is answered. An answer that abstains is no mistake.

    >>> scores = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
    >>> one = Decided(np.array([1, 0]), np.array([False, False]))
    >>> list(surest_mistakes(np.array([[0, 7], [8, 9]]), np.array([0, 0]), scores, decided=one, most=20))
    [Mistake(ids=[0, 7], labels=(0,), predicted=(1,), wrong=1, probability=0.75)]
    >>> both = np.array([[True, True], [False, True]])
    >>> several = Decided(np.array([[False, True], [True, True]]), np.array([False, False]))
    >>> list(surest_mistakes(np.array([[0, 7], [8, 9]]), both, scores, decided=several, most=20))
    [Mistake(ids=[0, 7], labels=(0, 1), predicted=(1,), wrong=0, probability=0.75), \
Mistake(ids=[8, 9], labels=(1,), predicted=(0, 1), wrong=0, probability=0.5)]
    """
    predicted = decided.labels
    if labels.ndim == 1:
        wrong = predicted.astype(np.int64)
        is_mistake = np.logical_not(decided.abstains) & (wrong != labels)
        confidence = np.where(is_mistake, np.take_along_axis(scores, wrong[:, np.newaxis], axis=1)[:, 0], -1)
    else:
        sureness = np.where(predicted == labels, -1, np.where(predicted, scores, 1 - scores))
        wrong, confidence = sureness.argmax(axis=1), sureness.max(axis=1)
    for row in np.argsort(-confidence, kind="stable")[:most]:
        if confidence[row] >= 0:
            right, given = _indices(labels[row]), _indices(predicted[row])
            yield Mistake(ids[row].tolist(), right, given, int(wrong[row]), float(confidence[row]))


def _indices(labels: Any) -> tuple[int, ...]:
    """An index, or bool [classes], as indices."""
    return tuple(np.flatnonzero(labels).tolist()) if np.ndim(labels) else (int(labels),)
