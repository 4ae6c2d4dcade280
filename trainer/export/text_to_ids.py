"""A records folder's transform graph -> texts to ids: the graph that made the records, not a second one like it."""

import tensorflow as tf

from pipeline.contract import IDS, LABEL, POSITION, TEXT, TRANSFORM_FOLDER
from trainer import files


class TextToIds(tf.Module):
    """string [batch] -> int64 [batch, max_length]; saved with a module that holds it, vocabulary and all."""

    def __init__(self, records_folder: str) -> None:
        super().__init__(name="text_to_ids")
        # Held whole, for its vocabulary table: what is not held is not saved.
        self.graph = tf.saved_model.load(files.join(records_folder, TRANSFORM_FOLDER, "transform_fn"))

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """The graph wants a position and a label for each text; the ids don't depend on them."""
        zeros = tf.zeros_like(text, tf.int64)
        return self.graph.transform_fn({TEXT: text, POSITION: zeros, LABEL: zeros})[IDS]
