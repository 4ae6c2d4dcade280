"""The bins of `trainer.evaluation.calibration` -> the section on calibration: a sentence, the reliability diagram."""

from collections.abc import Sequence

from markupsafe import Markup

from pipeline.html.plots import Axis, Columns, Layer, Plot, figure, side_by_side
from trainer.evaluation.calibration import BINS, Bin, expected_calibration_error


def calibration(
    bins: list[Bin],
    *,
    classes: int,
    several: bool = False,
    before: list[Bin] | None = None,
    temperature: float = 1.0,
    has_class_weights: bool = False,
) -> Markup:
    """The reliability diagram, and the number of examples of each of its points.

    several: an example is a pair of a text and a label. before: the bins of the network's own scores, if a decision
    changes them; temperature: that it divides logits by; has_class_weights: whether it takes some out again.
    """
    start = min(0.0 if several else int(BINS / classes) / BINS, *(part.low for part in [*bins, *(before or [])]))
    of_what = "of each label" if several else "of the predicted label"
    confidence = Axis(label=f"confidence: the probability {of_what}", format="0.00", range=(start, 1.0))
    hover = [
        ("confidence", "@left{0.00} to @right{0.00}"),
        ("mean of it", "@x{0.000}"),
        ("has the label" if several else "right", "@y{0.0%}"),
        ("pairs of text and label" if several else "texts", "@rows{0,0}"),
    ]
    straight = Layer(
        mark="line",
        columns={"x": [start, 1.0], "y": [start, 1.0]},
        colour="soft",
        key="perfect calibration",
        dashed=True,
    )
    columns = _columns(bins)
    layers = [straight]
    if before:
        own = _columns(before)
        layers += [Layer(mark="line", columns=own, key="before calibration", colour="orange", faint=True),
                   Layer(mark="dots", columns=own, hover=hover, colour="orange", faint=True)]  # fmt: skip
    layers += [
        Layer(mark="line", columns=columns, key="calibrated" if before else "this model"),
        Layer(mark="dots", columns=columns, hover=hover),
    ]
    share = "share that has the label" if several else "share that is right"
    diagram = Plot(x=confidence, y=Axis(label=share, format="0%"), layers=layers)
    texts = "pairs of text and label" if several else "texts"
    counts = Plot(x=confidence, y=Axis(label=texts), layers=[Layer(mark="bars", columns=columns, hover=hover)])
    explanation = (
        _sentence(bins)
        + _before(before, temperature, has_class_weights=has_class_weights)
        + Markup(
            '<p class="soft">Definition: Guo et al., <i>On Calibration of Modern Neural Networks</i>, ICML 2017, '
            "equation 3, with {} bins of equal width of the {}. A point with few texts (right) says little.</p>"
        ).format(BINS, "labels’ probabilities" if several else "predicted label’s probability")
    )
    title = "Pairs by probability" if several else "Texts by confidence"
    return explanation + side_by_side(figure(diagram, title="Reliability"), figure(counts, title=title))


def _columns(bins: Sequence[Bin]) -> Columns:
    return {
        "x": [part.confidence for part in bins], "y": [part.accuracy for part in bins],
        "left": [part.low for part in bins], "right": [part.high for part in bins],
        "rows": [part.rows for part in bins], "top": [part.rows for part in bins],
    }  # fmt: skip


def _sentence(bins: list[Bin]) -> Markup:
    gap = sum(part.rows * (part.confidence - part.accuracy) for part in bins) / sum(part.rows for part in bins)
    lean = "too sure of itself" if gap > 0 else "not sure enough of itself"
    return Markup(
        "<p>Expected calibration error <b>{:.3f}</b>: how far, on average, the share of right answers is from the "
        "probability that the model names. It is {} (by {:.3f} on the whole).</p>"
    ).format(expected_calibration_error(bins), lean, abs(gap))


def _before(before: list[Bin] | None, temperature: float, *, has_class_weights: bool) -> Markup:
    if not before:
        return Markup()
    weights = ", and takes the class weights of the training out of its scores again" if has_class_weights else ""
    return Markup(
        "<p>Before calibration it was <b>{:.3f}</b>. The exported model divides its logits by {:.4g}, a number that "
        "was fitted on the eval split{}.</p>"
    ).format(expected_calibration_error(before), temperature, weights)
