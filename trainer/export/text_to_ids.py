"""A records folder's transform graph -> text to ids in the exported model.

The exported model holds the graph that made the records, with its vocabulary table. So a word has the same id in
serving and in the records. `pipeline/text/graph.py` defines the graph.
"""

import tensorflow as tf

from pipeline.contract import IDS, LABEL, POSITION, TEXT, TRANSFORM_FOLDER
from trainer import files


class TextToIds(tf.Module):
    """string [batch] -> int64 [batch, max_length]; saving a module that holds it saves graph and vocabulary too."""

    def __init__(self, records_folder: str) -> None:
        super().__init__(name="text_to_ids")
        # The whole graph object: TensorFlow saves the vocabulary table only if an attribute refers to it.
        self.graph = tf.saved_model.load(files.join(records_folder, TRANSFORM_FOLDER, "transform_fn"))

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """string [batch] -> int64 [batch, max_length].

        The graph also takes a position and a label for each text. The ids do not depend on them, so both are zeros.
        """
        zeros = tf.zeros_like(text, tf.int64)
        return self.graph.transform_fn({TEXT: text, POSITION: zeros, LABEL: zeros})[IDS]
