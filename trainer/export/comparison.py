"""A certificate + the answers of a copy of its model -> what differs, a line for each text.

Ids must be equal. Scores may differ by a tolerance, because matrix products of other shapes add in another order.
"""

from collections import defaultdict
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.support.printable import quote_start
from trainer.decision.decision import Decision
from trainer.decision.sure import sure
from trainer.export.certificate import Answers, Certificate

# Largest difference of two scores that counts as equal. Matrix products of other shapes add in another order. So a text
# alone and the same text in a batch of 70 differ by 3e-7 at most (LSTMs of 100 to 512 units, on a CPU). A wrong weight,
# word or side of padding makes a difference of 1e-3 or more.
TOLERANCE: Final = 1e-6


class Comparison(NamedTuple):
    """differences: a line each, none if all is right; largest: the largest difference of two scores."""

    differences: list[str]
    largest: float


def tolerance_of(decision: Decision, *, base: float = TOLERANCE) -> float:
    """How far calibrated scores may differ: a temperature below 1 makes differences of logits larger.

    >>> tolerance_of(Decision()), tolerance_of(Decision(temperature=0.5))
    (1e-06, 2e-06)
    """
    return base * max(1.0, 1 / decision.temperature)


def compare(certificate: Certificate, answers: Answers, *, tolerance: float = TOLERANCE) -> Comparison:
    """Compares answers with the certificate: ids must be equal, scores may differ by `tolerance`.

    What the certificate has of labels, decided labels and abstentions must be equal too, except where a score is so
    near to a threshold that the tolerance decides.

    >>> right = Answers(np.array([[0, 7]]), np.array([[0.25, 0.75]], np.float32))
    >>> wrong = Answers(np.array([[0, 8]]), np.array([[0.5, 0.5]], np.float32))
    >>> compare(Certificate([b"good"], right), right)
    Comparison(differences=[], largest=0.0)
    >>> for line in compare(Certificate([b"good"], right), wrong).differences:
    ...     print(line)
    text 0 ('good'): id 1 is 8, should be 7
    text 0 ('good'): scores are [0.5, 0.5], should be [0.25, 0.75]
    """
    right = certificate.answers
    for name in Answers._fields:
        got, expected = getattr(answers, name), getattr(right, name)
        if expected is not None and got is None:
            return Comparison([f"there is no {name}"], np.inf)
        if expected is not None and np.shape(got) != np.shape(expected):
            return Comparison([f"{name} have the shape {np.shape(got)}, should have {np.shape(expected)}"], np.inf)
    # NaN and infinite scores are always a difference, on either side.
    finite = np.isfinite(answers.scores) & np.isfinite(right.scores)
    distance = np.where(finite, np.abs(np.where(finite, answers.scores - right.scores, 0)), np.inf)
    differences = []
    wrong = _wrong_choices(certificate, answers, tolerance=tolerance)
    for row, text in enumerate(certificate.texts):
        name = f"text {row} ({quote_start(text)})"
        if not np.array_equal(answers.ids[row], right.ids[row]):
            place = int(np.flatnonzero(answers.ids[row] != right.ids[row])[0])
            got, expected = answers.ids[row, place], right.ids[row, place]
            differences.append(f"{name}: id {place} is {got}, should be {expected}")
        if not distance[row].max(initial=0) <= tolerance:  # so that a tolerance of NaN lets nothing pass
            listed = f"{answers.scores[row].tolist()}, should be {right.scores[row].tolist()}"
            differences.append(f"{name}: scores are {listed}")
        differences += [f"{name}: {what}" for what in wrong.get(row, [])]
    return Comparison(differences, float(distance.max(initial=0)))


def _wrong_choices(certificate: Certificate, answers: Answers, *, tolerance: float) -> dict[int, list[str]]:
    """What is wrong with the labels, abstentions and ratings, in words, by the number of the text.

    Both sides have the same columns, in the same shapes.
    """
    right, scheme = certificate.answers, certificate.scheme
    counts: npt.ArrayLike = True
    counts_decided: npt.ArrayLike = True
    if right.label is not None and scheme is not None:
        is_sure = sure(right.scores, certificate.decision, scheme, tolerance=tolerance)
        counts, counts_decided = is_sure.label, True if is_sure.decided is None else is_sure.decided
    wrong: dict[int, list[str]] = defaultdict(list)
    for name, is_counted in (("label", counts), ("abstains", counts), ("decided", counts_decided)):
        if getattr(right, name) is not None:
            got, expected = np.asarray(getattr(answers, name)), np.asarray(getattr(right, name))
            for place in np.argwhere((got != expected) & is_counted).tolist():
                which = " ".join([name, *map(str, place[1:])])
                wrong[place[0]].append(f"{which} is {got[tuple(place)]}, should be {expected[tuple(place)]}")
    if right.rating is not None and answers.rating is not None:
        values = scheme.values() if scheme is not None else [1.0]
        close = np.abs(answers.rating - right.rating) <= tolerance * np.abs(values).sum()
        for row in np.flatnonzero(~close).tolist():
            wrong[row].append(f"rating is {answers.rating[row]:g}, should be {right.rating[row]:g}")
    return wrong
