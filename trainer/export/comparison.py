"""A certificate + the answers of a copy of its model -> what differs, a line for each text.

Ids must be equal. Scores may differ by a tolerance, because matrix products of other shapes add in another order.
"""

from typing import Final, NamedTuple

import numpy as np

from pipeline.support.printable import quote_start
from trainer.export.certificate import Answers, Certificate

# Largest difference of two scores that counts as equal. Matrix products of other shapes add in another order. So a text
# alone and the same text in a batch of 70 differ by 3e-7 at most (LSTMs of 100 to 512 units, on a CPU). A wrong weight,
# word or side of padding makes a difference of 1e-3 or more.
TOLERANCE: Final = 1e-6


class Comparison(NamedTuple):
    """differences: a line each, none if all is right; largest: the largest difference of two scores."""

    differences: list[str]
    largest: float


def compare(certificate: Certificate, answers: Answers, *, tolerance: float = TOLERANCE) -> Comparison:
    """Compares answers with the certificate: ids must be equal, scores may differ by `tolerance`.

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
    for name, got, expected in (
        ("ids", answers.ids.shape, right.ids.shape),
        ("scores", answers.scores.shape, right.scores.shape),
    ):
        if got != expected:
            return Comparison([f"{name} have the shape {got}, should have {expected}"], np.inf)
    # NaN and infinite scores are always a difference, on either side.
    finite = np.isfinite(answers.scores) & np.isfinite(right.scores)
    distance = np.where(finite, np.abs(np.where(finite, answers.scores - right.scores, 0)), np.inf)
    differences = []
    for row, text in enumerate(certificate.texts):
        name = f"text {row} ({quote_start(text)})"
        if not np.array_equal(answers.ids[row], right.ids[row]):
            place = int(np.flatnonzero(answers.ids[row] != right.ids[row])[0])
            got, expected = answers.ids[row, place], right.ids[row, place]
            differences.append(f"{name}: id {place} is {got}, should be {expected}")
        if not distance[row].max(initial=0) <= tolerance:  # so that a tolerance of NaN lets nothing pass
            listed = f"{answers.scores[row].tolist()}, should be {right.scores[row].tolist()}"
            differences.append(f"{name}: scores are {listed}")
    return Comparison(differences, float(distance.max(initial=0)))
