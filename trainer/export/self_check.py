"""A trained model and an exported folder -> the answers that are right, and whether the folder gives them elsewhere."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.records_folder.manifest import Sample
from trainer.evaluation.scoring import scorer
from trainer.export.certificate import ODD_TEXTS, TOLERANCE, Answers, Certificate
from trainer.export.fresh_process import ExportError, replayed
from trainer.export.served_model import portable
from trainer.export.text_to_ids import TextToIds
from trainer.model.classifier import TextClassifier


def certify(
    text_to_ids: TextToIds, model: TextClassifier, *, labels: Sequence[str], samples: Sequence[Sample]
) -> Certificate:
    """The ids that the pipeline wrote (samples) or its graph gives (odd texts), and the Keras model's scores of them.

    The model gets them as Keras would, padded to the full length, and one at a time: what is exported trims them, steps
    through them in its own way, and gives the same but for 1e-7 (see `block_kernel`).
    """
    sampled = [sample.text.encode() for sample in samples]
    # All samples in one: longer than max_length, so that something is cut off, with nothing but words that occur.
    odd = [*ODD_TEXTS, b"\n".join(sampled)]
    written = np.array([sample.ids for sample in samples], np.int64)
    ids = np.concatenate([part for part in (written, text_to_ids(tf.constant(odd)).numpy()) if part.size])
    score = scorer(model, labels)
    with portable(model), tf.device("/CPU:0"):
        scores = np.concatenate([score(tf.constant(ids[row : row + 1])).numpy() for row in range(len(ids))])
    return Certificate([*sampled, *odd], Answers(ids, scores))


def check(folder: str, certificate: Certificate) -> float:
    """The largest difference of two scores, of a folder that is right.

    Raises:
      ExportError: a loader can't load it, or it gives other ids or scores.
    """
    found = replayed(folder, certificate, tolerance=TOLERANCE)
    for way, comparison in found.items():
        if comparison.differences:
            others = len(comparison.differences) - 1
            more = f" (and {others} more differences)" if others else ""
            first = comparison.differences[0]
            raise ExportError(f"the exported model gives other answers ({way}): {first}{more}; nothing is published")
    return max(comparison.largest for comparison in found.values())
