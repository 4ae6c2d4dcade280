"""A records folder -> the same model of random weights exported by us and in TFX's way: `python -m benchmarks.exports
RECORDS OURS THEIRS`."""

import sys

import keras
import tensorflow as tf

from benchmarks.peers import tfx_export
from pipeline.config import ModelSettings
from trainer.manifest import read_manifest
from trainer.model import build_model
from trainer.serving import ServedModel
from trainer.transform_graph import TextToIds


def main(records: str, ours: str, theirs: str) -> None:
    """Saves both."""
    manifest = read_manifest(records)
    sequence = manifest.sequence
    keras.utils.set_random_seed(0)
    model = build_model(
        manifest.vocabulary_size, ModelSettings(), classes=len(manifest.labels), padding=sequence.padding
    )
    # Fresh vectors are so small that all texts would have the same score.
    model.embedding.embeddings.assign(model.embedding.embeddings * 20)
    served = ServedModel(TextToIds(records), model, labels=manifest.labels, padding=sequence.padding)
    tf.saved_model.save(served, ours, signatures=served.functions)
    tfx_export.export(model, records, theirs, length=sequence.max_length)


if __name__ == "__main__":
    main(*sys.argv[1:])
