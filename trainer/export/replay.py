"""A SavedModel's answers, from a process that can import TensorFlow and nothing of ours: run as a script, by its path.

    python trainer/export/replay.py MODEL ANSWERS < TEXTS

TEXTS is a JSON list of texts in base64. ANSWERS becomes an .npz file of what each loader gave:
    python/...    tf.saved_model.load, all texts in one batch
    session/...   the session loader, which is TensorFlow Serving's and the JVM's, a text at a time
each with `ids` and `scores`; python/examples are the scores of the same texts as tf.train.Example.
"""

import base64
import json
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

# What a model could lean on unnoticed here, and a server does not have.
_ABSENT = frozenset({"pipeline", "trainer", "keras", "tf_keras", "apache_beam", "tensorflow_transform", "tfx_bsl"})

Arrays = dict[str, npt.NDArray[np.generic]]


def hide_what_a_server_lacks() -> None:
    """Makes modules missing that are there; TensorFlow itself does without them."""
    for name in _ABSENT:
        # Python's own mark of a module that does not exist, which importlib.util.find_spec heeds as well.
        sys.modules[name] = cast(ModuleType, None)


def from_python(model: str, texts: Sequence[bytes]) -> Arrays:
    """Answers through tf.saved_model.load."""
    import tensorflow as tf  # only once the others are hidden

    signatures = tf.saved_model.load(model).signatures
    batch = tf.constant(texts, tf.string)
    features = [tf.train.Feature(bytes_list=tf.train.BytesList(value=[text])) for text in texts]
    examples = [tf.train.Example(features=tf.train.Features(feature={"text": feature})) for feature in features]
    serialized = tf.constant([example.SerializeToString() for example in examples], tf.string)
    return {
        "python/ids": signatures["token_ids"](text=batch)["ids"].numpy(),
        "python/scores": signatures["serving_default"](text=batch)["scores"].numpy(),
        "python/examples": signatures["serve_examples"](examples=serialized)["scores"].numpy(),
    }


def from_session(model: str, texts: Sequence[bytes]) -> Arrays:
    """Answers through the session loader."""
    import tensorflow as tf

    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], model).signature_def

        def ask(signature: str, output: str, text: bytes) -> npt.NDArray[np.generic]:
            names = signatures[signature]
            return session.run(names.outputs[output].name, {names.inputs["text"].name: [text]})

        return {
            "session/ids": np.concatenate([ask("token_ids", "ids", text) for text in texts]),
            "session/scores": np.concatenate([ask("serving_default", "scores", text) for text in texts]),
        }


def main(model: str, answers: str) -> None:
    """Writes what the model answers to the texts on stdin."""
    hide_what_a_server_lacks()
    sys.path.pop(0)  # this script's folder: a module of ours could pass for another one
    texts = [base64.b64decode(text) for text in json.load(sys.stdin)]
    found: dict[str, Any] = {**from_python(model, texts), **from_session(model, texts)}
    np.savez(answers, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
