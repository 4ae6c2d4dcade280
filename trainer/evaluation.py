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


class Evaluator:
    """Model + split -> metrics, as often as wanted; the graphs of model and input are made once."""

    def __init__(self, model: TextClassifier, manifest: Manifest, split: Split, *, batch_size: int) -> None:
        self._score = scorer(model, manifest.labels)
        self._batches = evaluation_batches(manifest, split, batch_size=batch_size, trim=model.settings.mask_zero)
        self._manifest = manifest

    def metrics(self) -> Metrics:
        """The metrics of the model as it is now.

        Raises:
          UserError: the split's records can't be read.
        """
        scores: list[np.ndarray] = []
        labels: list[np.ndarray] = []
        for ids, batch_labels in checked(self._batches, self._manifest):
            scores.append(self._score(ids).numpy())
            labels.append(batch_labels.numpy())
        names = self._manifest.labels
        return classification_metrics(np.concatenate(scores), np.concatenate(labels), label_names=names)


def evaluate_split(model: TextClassifier, manifest: Manifest, split: Split, *, batch_size: int) -> Metrics:
    """The metrics of a split.

    Raises:
      UserError: the split has no rows, or its records can't be read.
    """
    if not manifest.splits[split].rows:
        raise UserError(f"split.{split}: {manifest.folder} holds no {split} rows, so there is nothing to evaluate")
    return Evaluator(model, manifest, split, batch_size=batch_size).metrics()
