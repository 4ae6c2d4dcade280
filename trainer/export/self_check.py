"""A trained model -> its certificate; exported folder + certificate -> whether it gives the same answers elsewhere."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import Sample
from trainer.evaluation.scoring import score_function
from trainer.export.certificate import ODD_TEXTS, Answers, Certificate
from trainer.export.comparison import TOLERANCE
from trainer.export.fresh_process import ExportError, compare_in_fresh_process
from trainer.export.served_model import without_cudnn
from trainer.export.text_to_ids import TextToIds
from trainer.model.classifier import TextClassifier


def certify(
    text_to_ids: TextToIds, model: TextClassifier, *, scheme: LabelScheme, samples: Sequence[Sample]
) -> Certificate:
    """The right ids and scores of the sample rows and the odd texts.

    Ids: those in the manifest (samples), or from the transform graph (odd texts). Scores: of the trained Keras model,
    run in Keras's own loop on one text at a time, padded to the full length. The exported model trims the padding and
    may run its LSTMs in another way. Its scores then differ by 1e-7 (see `trainer.model.lstm_kernel`).

    Raises:
      ExportError: a score is NaN or infinite.
    """
    sampled = [sample.text.encode() for sample in samples]
    # All samples in one text. It is longer than max_length, so it is truncated; all its words are from the corpus.
    odd = [*ODD_TEXTS, b"\n".join(sampled)]
    written = np.array([sample.ids for sample in samples], np.int64)
    ids = np.concatenate([part for part in (written, text_to_ids(tf.constant(odd)).numpy()) if part.size])
    score = score_function(model, scheme)
    with without_cudnn(model), tf.device("/CPU:0"):
        scores = np.concatenate([score(tf.constant(ids[row : row + 1])).numpy() for row in range(len(ids))])
    if not np.isfinite(scores).all():
        raise ExportError("the trained model gives a score that is not a number; nothing is published")
    return Certificate([*sampled, *odd], Answers(ids, scores))


def check(folder: str, certificate: Certificate) -> float:
    """Compares the answers of an exported folder with the certificate; returns the largest difference of two scores.

    Raises:
      ExportError: a loader can't load the folder, or it gives other ids or scores.
    """
    comparisons = compare_in_fresh_process(folder, certificate, tolerance=TOLERANCE)
    for way, comparison in comparisons.items():
        if comparison.differences:
            others = len(comparison.differences) - 1
            more = f" (and {others} more differences)" if others else ""
            first = comparison.differences[0]
            raise ExportError(f"the exported model gives other answers ({way}): {first}{more}; nothing is published")
    return max(comparison.largest for comparison in comparisons.values())
