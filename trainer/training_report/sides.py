"""What LSTM and n-grams are worth, each alone and joined -> a table."""

from collections.abc import Sequence

from markupsafe import Markup

from pipeline.html.elements import bar, table
from trainer.evaluation.sides import SideFigures
from trainer.ngrams.kinds import NgramKinds


def sides(figures: Sequence[SideFigures], *, kinds: NgramKinds, split: str) -> Markup:
    """The section. kinds: of the n-grams; split: on which the figures were measured."""
    lead = Markup(
        "<p>Beside the LSTM each n-gram has a weight of its own, learnt apart from it: {}. Two numbers and a bias, "
        "fitted on the eval split, join both. Figures of the {} split, before the decision. If the n-grams alone "
        "are as good as both, the order of words beyond them tells nothing here.</p>"
    ).format(kinds.told(), split)
    rows = [[side.name, f"{side.accuracy:.4f}", bar(side.accuracy), f"{side.loss:.4f}"] for side in figures]
    return lead + table(["", "accuracy", "", "loss"], rows, kinds="tnbn")
