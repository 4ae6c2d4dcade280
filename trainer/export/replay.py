"""A SavedModel + texts -> its answers, in a process that can't import this product; a script, run by its path.

    python trainer/export/replay.py MODEL ANSWERS PIPE < TEXTS

TEXTS is a JSON list of texts in base64. PIPE closes when the parent ends, and then this process ends as well. ANSWERS,
an .npz file, gets the answers of each loader:
    python/...    tf.saved_model.load, all texts in one batch
    session/...   the session loader of TensorFlow Serving and the JVM, one text at a time
.../ids and .../scores are those of the texts; python/examples are the scores of the texts as tf.train.Example.
"""

import base64
import errno
import json
import os
import sys
import threading
from collections.abc import Sequence
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
    return {
        "python/ids": signatures["token_ids"](text=batch)["ids"].numpy(),
        "python/scores": signatures["serving_default"](text=batch)["scores"].numpy(),
        "python/examples": signatures["serve_examples"](examples=serialized)["scores"].numpy(),
    }


def from_session(model: str, texts: Sequence[bytes]) -> Arrays:
    """The answers through the session loader, by name."""
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
