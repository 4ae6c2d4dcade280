"""Metrics of ordinal labels -> how far the answers are from the right label, in the labels' own unit."""

from markupsafe import Markup

from pipeline.html.elements import table
from trainer.evaluation.metrics import Metrics, OrdinalScores


def ordinal(metrics: Metrics, scores: OrdinalScores, *, values: list[float]) -> Markup:
    """Error, kappa, and the texts by distance. values: the numbers that the labels are, in their order."""
    kappa = scores["quadratic_weighted_kappa"]
    rows = [
        ["mean absolute error of the label", f"{scores['mean_absolute_error']:.3f}"],
        ["mean absolute error of the expected rating", f"{scores['expected_rating_error']:.3f}"],
        ["quadratic weighted kappa", "–" if kappa is None else f"{kappa:.3f}"],
    ]
    explanation = Markup(
        "<p>The labels are numbers, so a mistake has a size. The expected rating is the sum of score × label: 3.4 "
        "where the model wavers between 3 and 4. Kappa is 1 where all answers are right and 0 where they are as "
        "good as chance; a mistake counts with the square of its distance (Cohen, 1968).</p>"
    )
    distances = distances_of(metrics["confusion"], values)
    whole = sum(distances.values())
    told = [
        ["right" if not distance else f"{distance:g} away", f"{texts:,.6g}", f"{texts / whole:.1%}"]
        for distance, texts in distances.items()
    ]
    by_distance = Markup("<h3>Answers by distance</h3>") + table(["answer", "texts", "share"], told, kinds="tnn")
    return explanation + table(["", ""], rows, kinds="tn") + by_distance


def distances_of(confusion: list[list[float]], values: list[float]) -> dict[float, float]:
    """Texts by the distance of the answer from the right label, the smallest first; distances without a text are left
    out.

    >>> distances_of([[5, 0, 1], [2, 9, 0], [0, 0, 2]], [1.0, 2.0, 5.0])
    {0.0: 16, 1.0: 2, 4.0: 1}
    """
    found: dict[float, float] = {}
    for right, row in zip(values, confusion, strict=True):
        for predicted, texts in zip(values, row, strict=True):
            if texts:
                found[abs(right - predicted)] = found.get(abs(right - predicted), 0) + texts
    return dict(sorted(found.items()))
