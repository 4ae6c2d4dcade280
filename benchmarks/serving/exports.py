"""A records folder -> the same model of random weights, exported by us and in TFX's way.

Call: `python -m benchmarks.serving.exports RECORDS OURS THEIRS`.
"""

import sys

import keras
import tensorflow as tf

from benchmarks.peers import tfx_export
from pipeline.config.settings import ModelSettings
from trainer.data.records_folder import open_records_folder
from trainer.export.served_model import ServedModel
from trainer.export.text_to_ids import TextToIds
from trainer.model.classifier import build_model


def main(folder: str, ours: str, theirs: str) -> None:
    """Saves both."""
    records = open_records_folder(folder)
    sequence = records.sequence
    keras.utils.set_random_seed(0)
    model = build_model(records.vocabulary_size, ModelSettings(), scheme=records.scheme, padding=sequence.padding)
    # Fresh vectors are so small that all texts would have the same score.
    model.embedding.embeddings.assign(model.embedding.embeddings * 20)
    served = ServedModel(TextToIds.of_records(folder), model, scheme=records.scheme, padding=sequence.padding)
    tf.saved_model.save(served, ours, signatures=served.functions)
    tfx_export.export(model, folder, theirs, length=sequence.max_length)


if __name__ == "__main__":
    main(*sys.argv[1:])
