"""A SavedModel + texts -> its answers, in a process that can't import this product; a script, run by its path.

    python trainer/export/replay.py MODEL ANSWERS PIPE < TEXTS

TEXTS is a JSON list of texts in base64. PIPE closes when the parent ends, and then this process ends as well. ANSWERS,
an .npz file, gets the answers of each way to ask:
    python/...    tf.saved_model.load, all texts in one batch
    examples/...  the same, of the texts as tf.train.Example
    session/...   the session loader of TensorFlow Serving and the JVM, one text at a time
python/ids and session/ids are the ids of the texts. Everything else has the name of an output: python/scores and so on.
"""

import base64
import errno
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

# Packages that a server does not have. Without hiding them here, a model could depend on one of them unnoticed.
_HIDDEN = frozenset({"pipeline", "trainer", "keras", "tf_keras", "apache_beam", "tensorflow_transform", "tfx_bsl"})

# The exit status if ANSWERS can't be written because the disk is full.
NO_ROOM_STATUS = 28

Arrays = dict[str, npt.NDArray[np.generic]]


def hide_packages() -> None:
    """Makes `import` fail for the packages of `_HIDDEN`; TensorFlow itself does not need them."""
    for name in _HIDDEN:
        # None is Python's own mark for a module that does not exist; importlib.util.find_spec respects it too.
        sys.modules[name] = cast(ModuleType, None)


def from_python(model: str, texts: Sequence[bytes]) -> Arrays:
    """The answers through tf.saved_model.load, by name."""
    import tensorflow as tf  # after `hide_packages`

    signatures = tf.saved_model.load(model).signatures
    batch = tf.constant(texts, tf.string)
    features = [tf.train.Feature(bytes_list=tf.train.BytesList(value=[text])) for text in texts]
    examples = [tf.train.Example(features=tf.train.Features(feature={"text": feature})) for feature in features]
    serialized = tf.constant([example.SerializeToString() for example in examples], tf.string)
    ids = signatures["token_ids"](text=batch)["ids"]
    return {
        "python/ids": ids.numpy(),
        **_named("python", signatures["serving_default"](text=batch)),
        **_named("examples", signatures["serve_examples"](examples=serialized)),
    }


def _named(way: str, outputs: Mapping[str, Any]) -> Arrays:
    """Outputs, tensors by name -> arrays by way and name."""
    return {f"{way}/{name}": _texts(value.numpy()) for name, value in outputs.items()}


def _texts(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Strings, which TensorFlow gives as objects, as text; anything else as it is. An .npz file holds no objects."""
    return np.array([value.decode() for value in values], str) if values.dtype == object else values


def from_session(model: str, texts: Sequence[bytes]) -> Arrays:
    """The answers through the session loader, by name."""
    import tensorflow as tf

    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], model).signature_def

        def ask(signature: str, text: bytes) -> dict[str, npt.NDArray[np.generic]]:
            names = signatures[signature]
            outputs = {output: tensor.name for output, tensor in names.outputs.items()}
            return session.run(outputs, {names.inputs["text"].name: [text]})

        ids = [ask("token_ids", text)["ids"] for text in texts]
        answers = [ask("serving_default", text) for text in texts]
        return {
            "session/ids": np.concatenate(ids),
            **{f"session/{name}": _texts(np.concatenate([each[name] for each in answers])) for name in answers[0]},
        }


def end_with_parent(pipe: int) -> None:
    """Ends this process when its parent ends: pipeline/support/end_with_parent.py, which can't be imported here."""

    def wait() -> None:
        os.read(pipe, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(model: str, answers: str, pipe: str) -> None:
    """Writes the model's answers to the texts on stdin."""
    end_with_parent(int(pipe))
    hide_packages()
    sys.path.pop(0)  # this script's folder, whose modules could shadow other packages
    texts = [base64.b64decode(text) for text in json.load(sys.stdin)]
    arrays: dict[str, Any] = {**from_python(model, texts), **from_session(model, texts)}
    try:
        np.savez(answers, **arrays)
    except OSError as error:
        sys.exit(NO_ROOM_STATUS if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
