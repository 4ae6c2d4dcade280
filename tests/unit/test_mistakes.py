"""The most confident wrong answers, of one label a text and of several."""

from typing import Any

import numpy as np
import pytest

from trainer.evaluation.mistakes import Mistake, surest_mistakes

IDS = np.array([[0, 1], [2, 3], [0, 4]], np.int64)
ONE = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]], np.float32)
SEVERAL = np.array([[0.6, 0.3, 0.5], [0.2, 0.9, 0.05], [0.1, 0.1, 0.8]], np.float32)


@pytest.mark.parametrize(
    # scores, right labels, mistakes: row, right, predicted, the wrong one, its probability in tenths of a thousandth
    ("scores", "labels", "expected"),
    [
        (ONE, [0, 1, 2], []),
        (ONE, [1, 1, 0], [(2, (0,), (2,), 2, 8000), (0, (1,), (0,), 0, 6000)]),
        (SEVERAL, [[1, 0, 1], [0, 1, 0], [0, 0, 1]], []),  # 0.5 is enough to be predicted
        (
            SEVERAL,
            [[1, 0, 0], [0, 1, 1], [0, 0, 0]],
            # Row 1 misses the label 2, of whose absence the model is sure by 0.95.
            [(1, (1, 2), (1,), 2, 9500), (2, (), (2,), 2, 8000), (0, (0,), (0, 2), 2, 5000)],
        ),
        (SEVERAL[1:2], [[1, 0, 0]], [(0, (0,), (1,), 1, 9000)]),  # two wrong decisions: 0.9 is surer than 0.8
    ],
)
def test_mistakes_are_the_surest_wrong_answers(scores: np.ndarray, labels: list[Any], expected: list[Any]) -> None:
    ids = IDS[: len(scores)]
    right = np.array(labels, np.int64 if np.ndim(labels) == 1 else np.bool_)
    found = list(surest_mistakes(ids, right, scores, most=9))
    rounded = [
        Mistake(mistake.ids, mistake.labels, mistake.predicted, mistake.wrong, round(mistake.probability * 10_000))
        for mistake in found
    ]
    assert rounded == [Mistake(ids[row].tolist(), *others) for row, *others in expected]
    assert list(surest_mistakes(ids, right, scores, most=1)) == found[:1]
