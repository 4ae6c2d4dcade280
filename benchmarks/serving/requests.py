"""Exported models and requests to them, in this process: serialized tf.Examples -> scores."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.serving.exported import scoring_signature
from pipeline.support.tensorflow_startup import import_tensorflow

import_tensorflow()

import tensorflow as tf  # noqa: E402

Ask = Callable[[], npt.NDArray[np.float32]]


def open_model(folder: Path) -> Any:
    """(model, its signature that takes tf.Examples); without the model the signature would not work."""
    model = tf.saved_model.load(str(folder))
    return model, model.signatures[scoring_signature(model.signatures)]


def request(words: Sequence[str], *, texts: int, length: int) -> tf.Tensor:
    """Serialized tf.Examples, string [texts]; length: words of each text."""
    rng = np.random.default_rng([texts, length])
    drawn = (" ".join(rng.choice(words, length)).encode() for _ in range(texts))
    features = [tf.train.Feature(bytes_list=tf.train.BytesList(value=[text])) for text in drawn]
    return tf.constant(
        [
            tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()
            for feature in features
        ]
    )


def call(model: Any, examples: tf.Tensor) -> Ask:
    """One request to an open model: scores, float32 [texts, 2]."""
    _, signature = model
    return lambda: signature(examples=examples)["scores"].numpy()
