"""A transform graph, of a records folder or of an exported model -> text to ids in the exported model.

The exported model holds the graph that made the records, with its vocabulary table. So a word has the same id in
serving and in the records. `pipeline/text/graph.py` defines the graph.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.contract import IDS, LABEL, POSITION, TEXT, TRANSFORM_FOLDER, TRANSFORM_GRAPH
from pipeline.errors import UserError
from pipeline.support.strict_json import shown
from trainer import files
from trainer.data.checked_files import COPY_REMEDY
from trainer.data.records_folder import RecordsFolder


class TextToIds(tf.Module):
    """string [batch] -> int64 [batch, max_length]; saving a module that holds it saves graph and vocabulary too."""

    def __init__(self, graph: Any) -> None:
        """graph: the loaded transform graph of a records folder, or that of an exported model."""
        super().__init__(name="text_to_ids")
        # The whole graph object: TensorFlow saves the vocabulary table only if an attribute refers to it.
        self.graph = graph

    @classmethod
    def of_records(cls, folder: str) -> "TextToIds":
        """The transform graph of a records folder, loaded."""
        return cls(tf.saved_model.load(files.join(folder, TRANSFORM_GRAPH)))

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """string [batch] -> int64 [batch, max_length].

        The graph also takes a position and a label for each text. The ids do not depend on them, so both are zeros.
        """
        zeros = tf.zeros_like(text, tf.int64)
        return self.graph.transform_fn({TEXT: text, POSITION: zeros, LABEL: zeros})[IDS]


def load_text_to_ids(records: RecordsFolder) -> TextToIds:
    """The transform graph of a records folder, which gives the manifest's samples their ids.

    Raises:
      UserError: it can't be loaded, or gives other ids.
    """
    path = files.join(records.path, TRANSFORM_FOLDER)
    samples = records.manifest.samples
    texts = tf.constant([sample.text.encode() for sample in samples], tf.string)
    try:
        text_to_ids = TextToIds.of_records(records.copies or records.path)
        given = text_to_ids(texts).numpy()
    except Exception as error:  # the graph of an earlier version has no hash, and a damaged one may fail in any way
        raise UserError(f"{path} can't be loaded ({files.reason_of(error)}); {COPY_REMEDY}") from error
    for sample, ids in zip(samples, given, strict=True):
        if not np.array_equal(ids, sample.ids):
            raise UserError(
                f"{path} gives {shown(sample.text)} other ids than the manifest's samples have; {COPY_REMEDY}"
            )
    return text_to_ids
