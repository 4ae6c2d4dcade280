"""Answers + values of columns, and lengths of texts -> figures of each part of the examples, the worst part first.

    metrics.slices: [source, text_length]
      by source        web: 120 examples, accuracy 0.71    mail: 310 examples, accuracy 0.93    2 others: 9 examples
      by text_length   180 to 500 words: 86 examples, accuracy 0.84    ...

A value of fewer than 10 examples has no slice of its own, because its interval would be wider than 0.5; nor have values
beyond the 50 most frequent. They are measured together, as `others`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.config.decision_settings import TEXT_LENGTH, MetricsSettings
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.strict_json import shown
from trainer.evaluation.answers import Answers
from trainer.evaluation.loss import binary_cross_entropies, cross_entropies
from trainer.evaluation.metrics import OtherSlices, SlicedBy, SliceFigures, SliceScores
from trainer.evaluation.several_labels import micro_f1
from trainer.evaluation.text_lengths import length_names
from trainer.evaluation.weights import mean

FEWEST_EXAMPLES: Final = 10
MOST_SLICES: Final = 50


def check_slices(settings: MetricsSettings, recorded: Sequence[str], *, path: str) -> None:
    """Refuses metrics.slices that a records folder has no values for.

    recorded: the columns whose values its records hold; path: of the folder.

    Raises:
      UserError: the first column that it lacks.
    """
    for name in settings.columns:
        if name not in recorded:
            have = f"they hold {', '.join(map(shown, recorded))}" if recorded else "they hold none"
            raise UserError(
                f"metrics.slices has {shown(name)}, but the records of {path} were made without this column ({have}); "
                "run the pipeline again with this metrics.slices, or leave the column out"
            )


def slices_of(
    answers: Answers,
    scheme: LabelScheme,
    *,
    settings: MetricsSettings,
    columns: Mapping[str, npt.NDArray[np.object_]],
    word_counts: npt.NDArray[np.int64] | None,
) -> list[SlicedBy]:
    """The slices of each name in metrics.slices, in that order.

    columns: by name the values of each column, str [examples], "" where one is missing. word_counts: int64 [examples],
    the ids of each text that are not padding; needed for text_length alone.
    """
    made = []
    for name in settings.slices:
        if name == TEXT_LENGTH:
            assert word_counts is not None
            made.append(_sliced_by(name, length_names(word_counts), answers, scheme, fewest=1))
        else:
            made.append(_sliced_by(name, columns[name], answers, scheme, fewest=FEWEST_EXAMPLES))
    return made


def _sliced_by(
    name: str, values: npt.NDArray[np.object_], answers: Answers, scheme: LabelScheme, *, fewest: int
) -> SlicedBy:
    distinct, place, counts = np.unique(values.astype(np.object_), return_inverse=True, return_counts=True)
    chosen = frequent(counts, fewest=fewest, most=MOST_SLICES)
    slices = [_slice(str(distinct[index]), answers.part(place == index), scheme) for index in chosen]
    others: OtherSlices | None = None
    if len(chosen) < len(distinct):
        rest = answers.part(~np.isin(place, chosen))
        others = {**_slice("", rest, scheme), "values": len(distinct) - len(chosen)}
    return {"by": name, "slices": sorted(slices, key=_badness), "others": others}


def frequent(counts: npt.NDArray[np.int64], *, fewest: int, most: int) -> list[int]:
    """The places of the largest counts: at most `most`, each `fewest` or more; of equal counts the first.

    >>> frequent(np.array([3, 50, 7, 7, 20]), fewest=5, most=3)
    [1, 2, 4]
    """
    largest = np.argsort(-counts, kind="stable")[:most]
    return sorted(largest[counts[largest] >= fewest].tolist())


def _badness(scores: SliceScores) -> tuple[float, int, str]:
    """The lowest accuracy first; of equal ones that of more examples."""
    return scores["accuracy"], -scores["examples"], scores["value"]


def _slice(value: str, answers: Answers, scheme: LabelScheme) -> SliceScores:
    return {
        "value": value,
        "examples": len(answers.labels),
        **_figures(answers.without_weights(), scheme),
        "weighted": None if answers.weights is None else _figures(answers, scheme),
    }


def _figures(answers: Answers, scheme: LabelScheme) -> SliceFigures:
    accuracy, interval = answers.accuracy()
    if scheme.several:
        loss = mean(binary_cross_entropies(answers.scores, answers.labels), answers.weights)
        return {"accuracy": accuracy, "interval": interval, "loss": loss, "f1": micro_f1(answers)}
    loss = mean(cross_entropies(answers.scores.astype(np.float64), answers.labels), answers.weights)
    return {"accuracy": accuracy, "interval": interval, "loss": loss}
