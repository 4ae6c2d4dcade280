"""Scores and labels -> calibration: is a probability of 0.8 right in 8 of 10 cases? Numbers and a plot.

The expected calibration error is that of Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks"
(ICML 2017), equation 3. The confidence of an example is the probability of its predicted label. Examples go into M bins
of equal width by their confidence; a bin includes its upper bound but not its lower one.

    ECE = sum over the bins of (share of the examples in the bin) * |accuracy - mean confidence|

M is 20 here (15 in the paper), so that the bounds are round numbers.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from pipeline.html.plots import Axis, Columns, Layer, Plot, figure, side_by_side

_BINS: Final = 20


class Bin(NamedTuple):
    """The examples with a confidence in (low, high]: how many, their mean confidence, the share that is right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


def reliability(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> list[Bin]:
    """The bins that are not empty, by rising confidence.

    scores: float [examples, classes]; labels: int [examples], the right ones.

    >>> reliability(np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([0, 0]))
    [Bin(low=0.7, high=0.75, rows=2, confidence=0.75, accuracy=0.5)]
    """
    confidence = scores.max(axis=1).astype(np.float64)
    is_right = scores.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    return [
        Bin(
            low=index / _BINS,
            high=(index + 1) / _BINS,
            rows=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(is_right[inside].mean()),
        )
        for index in range(_BINS)
        if (inside := place == index).any()
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """ECE, 0 to 1.

    >>> round(expected_calibration_error([Bin(0.7, 0.75, 1, 0.7, 1.0), Bin(0.95, 1.0, 3, 0.96, 0.9)]), 4)
    0.12
    """
    rows = sum(part.rows for part in bins)
    return sum(part.rows * abs(part.accuracy - part.confidence) for part in bins) / rows


def calibration(bins: list[Bin], *, classes: int) -> Markup:
    """The reliability diagram, and the number of examples of each of its points."""
    gap = sum(part.rows * (part.confidence - part.accuracy) for part in bins) / sum(part.rows for part in bins)
    lean = "too sure of itself" if gap > 0 else "not sure enough of itself"
    start = int(_BINS / classes) / _BINS
    confidence = Axis(label="confidence: the probability of the predicted label", format="0.00", range=(start, 1.0))
    columns: Columns = {
        "x": [part.confidence for part in bins], "y": [part.accuracy for part in bins],
        "left": [part.low for part in bins], "right": [part.high for part in bins],
        "rows": [part.rows for part in bins], "top": [part.rows for part in bins],
    }  # fmt: skip
    hover = [
        ("confidence", "@left{0.00} to @right{0.00}"),
        ("mean of it", "@x{0.000}"),
        ("right", "@y{0.0%}"),
        ("texts", "@rows{0,0}"),
    ]
    diagram = Plot(
        x=confidence,
        y=Axis(label="share that is right", format="0%"),
        layers=[
            Layer(
                mark="line",
                columns={"x": [start, 1.0], "y": [start, 1.0]},
                colour="soft",
                key="perfect calibration",
                dashed=True,
            ),
            Layer(mark="line", columns=columns, key="this model"),
            Layer(mark="dots", columns=columns, hover=hover),
        ],
    )
    counts = Plot(x=confidence, y=Axis(label="texts"), layers=[Layer(mark="bars", columns=columns, hover=hover)])
    explanation = Markup(
        "<p>Expected calibration error <b>{:.3f}</b>: how far, on average, the share of right answers is from the "
        "probability that the model names. It is {} (by {:.3f} on the whole).</p>"
        '<p class="soft">Definition: Guo et al., <i>On Calibration of Modern Neural Networks</i>, ICML 2017, '
        "equation 3, with {} bins of equal width of the predicted label’s probability. A point with few "
        "texts (right) says little.</p>"
    ).format(expected_calibration_error(bins), lean, abs(gap), _BINS)
    return explanation + side_by_side(figure(diagram, title="Reliability"), figure(counts, title="Texts by confidence"))
