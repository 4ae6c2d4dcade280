"""Model + a split of a records folder -> metrics."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from pipeline.contract import Split
from pipeline.errors import UserError
from trainer.dataset import checked, evaluation_batches
from trainer.manifest import Manifest
from trainer.metrics import Metrics, classification_metrics
from trainer.model import TextClassifier, class_scores

Scorer = Callable[[tf.Tensor], tf.Tensor]


def scorer(model: TextClassifier, labels: Sequence[str]) -> Scorer:
    """int64 [batch, length] -> float32 [batch, classes]: the model as a graph, traced once for every shape."""

    def scores(ids: tf.Tensor) -> tf.Tensor:
        return class_scores(model(ids, training=False), labels)

    signature = [tf.TensorSpec([None, None], tf.int64)]
    compiled: Scorer = tf.function(scores, input_signature=signature, autograph=False)
    return compiled


def evaluate_split(
    model: TextClassifier, manifest: Manifest, split: Split, *, batch_size: int, score: Scorer | None = None
) -> Metrics:
    """The metrics of a split.

    score: `scorer(model, manifest.labels)`, for those who evaluate more than once; tracing takes a second.

    Raises:
      UserError: the split has no rows, or its records can't be read.
    """
    if not manifest.splits[split].rows:
        raise UserError(f"split.{split}: {manifest.folder} holds no {split} rows, so there is nothing to evaluate")
    score = score or scorer(model, manifest.labels)
    batches = evaluation_batches(manifest, split, batch_size=batch_size, trim=model.settings.mask_zero)
    scores: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for ids, batch_labels in checked(batches, manifest):
        scores.append(score(ids).numpy())
        labels.append(batch_labels.numpy())
    return classification_metrics(np.concatenate(scores), np.concatenate(labels), label_names=manifest.labels)
