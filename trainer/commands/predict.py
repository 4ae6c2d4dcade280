"""An exported model + texts -> the label and the probabilities of each, in order, as many as there are texts."""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from trainer.commands.text_files import Row
from trainer.savedmodel.loading import ExportedModel

# Texts of similar length are scored together, so that a short one need not wait for a long one: the more there are to
# choose from the better, but the first answers should not wait for ever (1,024 reviews take a second or two).
_BLOCK: Final = 1024


@dataclass(frozen=True)
class Prediction:
    """What the model says to a text; `problem` says why there is no text, and then all else is None.

    scores: the probability of each label, in the model's order.
    """

    text: str | None
    label: str | None
    probability: float | None
    scores: dict[str, float] | None
    problem: str = ""

    def as_json(self) -> str:
        """A line of JSON."""
        if self.text is None:
            return json.dumps({"text": None, "error": self.problem})
        fields = {
            "text": self.text,
            "label": self.label,
            "probability": self.probability,
            "scores": self.scores,
        }
        return json.dumps(fields, ensure_ascii=False)


def predict(model: ExportedModel, rows: Iterable[Row]) -> Iterator[Prediction]:
    """The predictions, some at a time."""
    rows = iter(rows)
    while block := list(itertools.islice(rows, _BLOCK)):
        texts = [row.text for row in block if row.text is not None]
        scores = iter(model.scores(texts))
        for row in block:
            if row.text is None:
                yield Prediction(None, None, None, None, row.problem)
            else:
                yield _prediction(row.text, next(scores).tolist(), labels=model.info.labels)


def _prediction(text: bytes, scores: list[float], *, labels: list[str]) -> Prediction:
    """
    >>> _prediction(b"good", [0.25, 0.75], labels=["neg", "pos"])
    Prediction(text='good', label='pos', probability=0.75, scores={'neg': 0.25, 'pos': 0.75}, problem='')
    """
    best = max(scores)
    return Prediction(
        text.decode("utf-8", "replace"), labels[scores.index(best)], best, dict(zip(labels, scores, strict=True))
    )
