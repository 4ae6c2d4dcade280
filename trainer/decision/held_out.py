"""The logits of the held-out splits, which an export keeps so that `trainer decide` can choose other thresholds.

assets.extra/held_out.npz has for the splits eval and test:
    eval_logits    float32 [rows, outputs]            of the network, before sigmoid or softmax
    eval_labels    int32 [rows], the right labels; or, with several labels a text, bool [rows, classes]
    eval_weights   float64 [rows]                     only if rows have weights
    eval_rows      int64 []                           rows of the split; more than are here if it was too large
    class_weights  float64 [classes]                  what the training's loss weighed each label by, only with them
No texts are in it.
"""

import io
import zipfile
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Float64s

HELD_OUT_FILE: Final = "assets.extra/held_out.npz"

# Most rows of a split, and most logits: 16 MB. 100,000 rows place a share of 90% within 0.2%.
_MOST_ROWS: Final = 100_000
_MOST_LOGITS: Final = 4_000_000
_SEED: Final = 17
_SPLITS: Final = ("eval", "test")

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class LabelledLogits:
    """Rows of a split; n may be 0.

    logits: float32 [n, outputs]. labels: int64 [n], or bool [n, classes] with several labels a text. weights: float64
    [n], None if rows have none. rows: of the whole split, n or more.
    """

    logits: npt.NDArray[np.float32]
    labels: npt.NDArray[np.generic]
    weights: Float64s | None
    rows: int

    def bounded(self) -> "LabelledLogits":
        """At most 100,000 rows and 4 million logits, chosen by a fixed seed and in their order.

        >>> many = LabelledLogits(np.zeros([300_000, 1], np.float32), np.zeros(300_000, np.int64), None, 300_000)
        >>> len(many.bounded().logits), many.bounded().rows
        (100000, 300000)
        """
        most = max(1, min(_MOST_ROWS, _MOST_LOGITS // self.logits.shape[1]))
        if len(self.logits) <= most:
            return self
        places = np.sort(np.random.default_rng(_SEED).permutation(len(self.logits))[:most])
        weights = None if self.weights is None else self.weights[places]
        return LabelledLogits(self.logits[places], self.labels[places], weights, self.rows)


@dataclass(frozen=True)
class HeldOut:
    """What a decision is chosen on, and what its price is measured on. class_weights: see the file."""

    eval: LabelledLogits
    test: LabelledLogits
    class_weights: list[float] | None = None

    def dumps(self) -> bytes:
        """The content of held_out.npz; the same rows give the same bytes."""
        arrays: dict[str, Any] = {}
        for name, part in (("eval", self.eval.bounded()), ("test", self.test.bounded())):
            is_index = part.labels.ndim == 1
            arrays[f"{name}_logits"] = part.logits
            arrays[f"{name}_labels"] = part.labels.astype(np.int32) if is_index else part.labels
            arrays[f"{name}_rows"] = np.int64(part.rows)
            if part.weights is not None:
                arrays[f"{name}_weights"] = part.weights
        if self.class_weights is not None:
            arrays["class_weights"] = np.array(self.class_weights, np.float64)
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return file.getvalue()


def loads(content: bytes, scheme: LabelScheme) -> HeldOut:
    """Reads held_out.npz.

    Raises:
      ValueError: this is not what `HeldOut.dumps` makes, or it is of a model with other labels.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = dict(stored)
    except (AttributeError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"it is not an npz file ({error})") from error
    class_weights = arrays.get("class_weights")
    if class_weights is not None and class_weights.shape != (len(scheme.names),):
        raise ValueError(f"class_weights has the shape {class_weights.shape}, but there are {len(scheme.names)} labels")
    parts = [_part(arrays, name, scheme) for name in _SPLITS]
    return HeldOut(parts[0], parts[1], None if class_weights is None else class_weights.tolist())


def _part(arrays: Arrays, name: str, scheme: LabelScheme) -> LabelledLogits:
    missing = [key for key in (f"{name}_logits", f"{name}_labels", f"{name}_rows") if key not in arrays]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    logits, labels, weights = arrays[f"{name}_logits"], arrays[f"{name}_labels"], arrays.get(f"{name}_weights")
    rows = len(labels)
    wanted = (rows, len(scheme.names)) if scheme.several else (rows,)
    for array, shape in ((logits, (rows, scheme.outputs)), (labels, wanted), (weights, (rows,))):
        if array is not None and array.shape != shape:
            raise ValueError(f"{name} has an array of the shape {array.shape} that should be {shape}")
    if not scheme.several:
        labels = labels.astype(np.int64)
        if not ((labels >= 0) & (labels < len(scheme.names))).all():
            raise ValueError(f"{name}_labels has a label that the model does not have")
    return LabelledLogits(logits, labels, weights, int(arrays[f"{name}_rows"]))
