"""An exported model with n-grams + ids of texts -> what LSTM and n-grams say of each text, and which n-grams say most.

All numbers are parts of a logit, for the answered label. With one of more than two labels a text they are what the
label gets above the mean of all labels, because a softmax sees differences alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.contract import PADDING_ID
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Float64s, Int64s
from trainer.ngrams.codes import NO_CODE, ngram_codes, table_rows
from trainer.ngrams.kinds import NgramKinds
from trainer.ngrams.side import NgramArrays
from trainer.savedmodel.loading import ExportedModel, Floats

_SHOWN: Final = 8  # n-grams of a text
_LEAST: Final = 1e-9  # what is left of 0 by rounding says nothing
_UNKNOWN: Final = "[unknown]"


@dataclass(frozen=True)
class NgramSay:
    """An n-gram of a text, and what it adds to the logit of the answered label; negative: it speaks against it."""

    words: str
    says: float


@dataclass(frozen=True)
class SidesSay:
    """What each side says of a text; the sum is the logit of the answered label.

    lstm, ngrams: of each side. bias: whatever the text is. strongest: the n-grams that say most, for or against.
    """

    lstm: float
    ngrams: float
    bias: float
    strongest: list[NgramSay]


def say_of_sides(model: ExportedModel, ids: Int64s, state: Floats, labels: Sequence[int]) -> list[SidesSay]:
    """What both sides say of each text. ids: int64 [texts, max_length]; state: of the LSTM, float32 [texts, width];
    labels: the index of each text's answer.

    Raises:
      UserError: the model does not hold its n-grams.
    """
    arrays, scheme = model.ngrams, model.info.scheme
    kernel, bias = (weights.astype(np.float64) for weights in model.weights[-2:])
    own = arrays.join.lstm * (state.astype(np.float64) @ kernel + bias)
    always = arrays.join.bias + arrays.join.ngrams * arrays.intercept
    names = {id: word for word, id in model.words.items()}
    said = []
    for row, label in enumerate(labels):
        of_label = _direction(label, scheme)
        rows, words = _ngrams(ids[row], arrays, kinds=NgramKinds.of(model.info.model), names=names)
        says = arrays.join.ngrams * (arrays.weights[rows].astype(np.float64) @ of_label)
        strongest = np.argsort(-np.abs(says), kind="stable")[:_SHOWN]
        listed = [NgramSay(words[place], float(says[place])) for place in strongest if abs(says[place]) > _LEAST]
        said.append(SidesSay(float(own[row] @ of_label), float(says.sum()), float(always @ of_label), listed))
    return said


def _direction(label: int, scheme: LabelScheme) -> Float64s:
    """What outputs are multiplied by to get the logit of a label, float64 [outputs].

    >>> _direction(0, LabelScheme(("neg", "pos"))).tolist()
    [-1.0]
    >>> _direction(1, LabelScheme(("a", "b", "c", "d"))).tolist()
    [-0.25, 0.75, -0.25, -0.25]
    >>> _direction(1, LabelScheme(("a", "b"), several=True)).tolist()
    [0.0, 1.0]
    """
    if scheme.outputs == 1:
        return np.array([1.0 if label else -1.0])
    own = np.eye(scheme.outputs)[label]
    return own if scheme.several else own - 1 / scheme.outputs


def _ngrams(
    ids: Int64s, arrays: NgramArrays, *, kinds: NgramKinds, names: Mapping[int, str]
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The rows of the table that a text has, each once, and the words of the first n-gram of each."""
    ids = ids[ids != PADDING_ID]
    codes = ngram_codes(ids[np.newaxis, :], kinds=kinds, vocabulary_size=arrays.vocabulary_size)[0]
    rows = table_rows(codes, arrays.keys, vocabulary_size=arrays.vocabulary_size)
    names_here = [names.get(int(id), _UNKNOWN) for id in ids]
    words = [
        kind.text(names_here[place : place + kind.span])
        for kind in kinds.each()
        for place in range(kind.places(len(ids)))
    ]
    first = {int(row): place for place, row in reversed(list(enumerate(rows))) if row != NO_CODE}
    return np.array(list(first), np.int64), [words[place] for place in first.values()]
