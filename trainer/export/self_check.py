"""A trained model -> its certificate; exported folder + certificate -> whether it gives the same answers elsewhere."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import Sample
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.graph import graph_scores
from trainer.decision.rules import decide
from trainer.export.certificate import ODD_TEXTS, Answers, Certificate
from trainer.export.comparison import tolerance_of
from trainer.export.fresh_process import ExportError, compare_in_fresh_process
from trainer.export.served_model import as_served
from trainer.export.text_to_ids import TextToIds
from trainer.model.classifier import TextClassifier


def certificate_texts(
    text_to_ids: TextToIds, *, samples: Sequence[Sample]
) -> tuple[list[bytes], npt.NDArray[np.int64]]:
    """The texts of a certificate, and their right ids, int64 [texts, max_length].

    The texts are the sample rows and the odd texts. Their ids are those in the manifest (samples), or from the
    transform graph (odd texts).
    """
    sampled = [sample.text.encode() for sample in samples]
    # All samples in one text. It is longer than max_length, so it is truncated; all its words are from the corpus.
    odd = [*ODD_TEXTS, b"\n".join(sampled)]
    written = np.array([sample.ids for sample in samples], np.int64)
    ids = np.concatenate([part for part in (written, text_to_ids(tf.constant(odd)).numpy()) if part.size])
    return [*sampled, *odd], ids


def certify(
    model: TextClassifier,
    texts: Sequence[bytes],
    *,
    ids: npt.NDArray[np.int64],
    scheme: LabelScheme,
    decision: Decision,
) -> Certificate:
    """The right answers to texts with these ids, int64 [texts, max_length].

    Scores are those of the trained Keras model, run in Keras's own loop on one text at a time, padded to the full
    length. The exported model trims the padding and may run its LSTMs in another way. Its scores then differ by 1e-7
    (see `trainer.model.lstm_kernel`).

    Raises:
      ExportError: a score is NaN or infinite.
    """
    score = _score_function(model, scheme=scheme, decision=decision)
    with as_served(model), tf.device("/CPU:0"):
        scores = np.concatenate([score(tf.constant(ids[row : row + 1])).numpy() for row in range(len(ids))])
    if not np.isfinite(scores).all():
        raise ExportError("the trained model gives a score that is not a number; nothing is published")
    return Certificate(texts, _answers(ids, scores, scheme=scheme, decision=decision), scheme, decision)


def _score_function(
    model: TextClassifier, *, scheme: LabelScheme, decision: Decision
) -> Callable[[tf.Tensor], tf.Tensor]:
    """ids int64 [batch, length] -> the scores that must be served, float32 [batch, classes], in Keras's own loop."""

    def scores(ids: tf.Tensor) -> tf.Tensor:
        return graph_scores(model.joined(model.logits(ids), ids), decision, scheme)

    return tf.function(scores, input_signature=[tf.TensorSpec([None, None], tf.int64)], autograph=False)


def _answers(
    ids: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], *, scheme: LabelScheme, decision: Decision
) -> Answers:
    """Scores, and what NumPy makes of them; of a model without a decision the scores alone."""
    if decision == NO_DECISION and not scheme.several and not scheme.has_rating:
        return Answers(ids, scores)
    chosen = decide(scores, decision, scheme)
    labels = scores.argmax(axis=1) if scheme.several else chosen.labels
    return Answers(
        ids,
        scores,
        label=[scheme.names[label] for label in labels],
        decided=chosen.labels.astype(bool) if scheme.several else None,
        abstains=chosen.abstains if decision.can_abstain(scheme) else None,
        rating=(scores @ np.array(scheme.values())).astype(np.float32) if scheme.has_rating else None,
    )


def check(folder: str, certificate: Certificate) -> float:
    """Compares the answers of an exported folder with the certificate; returns the largest difference of two scores.

    Raises:
      ExportError: a loader can't load the folder, or it gives other ids or scores.
    """
    comparisons = compare_in_fresh_process(folder, certificate, tolerance=tolerance_of(certificate.decision))
    for way, comparison in comparisons.items():
        if comparison.differences:
            others = len(comparison.differences) - 1
            more = f" (and {others} more differences)" if others else ""
            first = comparison.differences[0]
            raise ExportError(f"the exported model gives other answers ({way}): {first}{more}; nothing is published")
    return max(comparison.largest for comparison in comparisons.values())
