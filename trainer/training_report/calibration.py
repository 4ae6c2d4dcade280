"""The bins of `trainer.evaluation.calibration` -> the section on calibration: a sentence, the reliability diagram."""

from markupsafe import Markup

from pipeline.html.plots import Axis, Columns, Layer, Plot, figure, side_by_side
from trainer.evaluation.calibration import BINS, Bin, expected_calibration_error


def calibration(bins: list[Bin], *, classes: int) -> Markup:
    """The reliability diagram, and the number of examples of each of its points."""
    gap = sum(part.rows * (part.confidence - part.accuracy) for part in bins) / sum(part.rows for part in bins)
    lean = "too sure of itself" if gap > 0 else "not sure enough of itself"
    start = int(BINS / classes) / BINS
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
    ).format(expected_calibration_error(bins), lean, abs(gap), BINS)
    return explanation + side_by_side(figure(diagram, title="Reliability"), figure(counts, title="Texts by confidence"))
