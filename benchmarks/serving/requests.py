"""Exported models and requests to them, in this process: serialized tf.Examples -> scores."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.vocabulary_tsv import parse_words
from pipeline.support.tensorflow_startup import import_tensorflow

import_tensorflow()

import tensorflow as tf  # noqa: E402

Ask = Callable[[], npt.NDArray[np.float32]]


def open_model(folder: Path) -> Any:
    """The loaded model's signature that takes examples, and with it the model."""
    model = tf.saved_model.load(str(folder))
    signatures = model.signatures
    return model, signatures["serve_examples" if "serve_examples" in signatures else "serving_default"]


def vocabulary(folder: Path) -> list[str]:
    """The words that a model knows."""
    (path,) = (folder / "assets").iterdir()
    return [word.token for word in parse_words(path.read_bytes(), path=str(path))]


def request(words: Sequence[str], *, texts: int, length: int) -> tf.Tensor:
    """string [texts]: serialized examples of so many words each."""
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
