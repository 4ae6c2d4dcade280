"""TensorFlow without the lines that its C++ parts write to stderr while it starts."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext


def import_tensorflow(*, beside_transform: bool = False) -> None:
    """Imports TensorFlow and finds its devices; what it tells meanwhile is shown only if it fails.

    beside_transform: TensorFlow Transform is going to be imported, and with it tf_keras. TensorFlow looks for the Keras
    that it will offer and imports half of it meanwhile; told to take the same one, it spares the 0.4 s of the other.

    Some of the lines come before TF_CPP_MIN_LOG_LEVEL is heeded, so the level alone does not do; what is an error in
    them becomes a Python exception as well. Where the user has set the level nothing is held back.
    """
    if beside_transform:
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    holds_back = "TF_CPP_MIN_LOG_LEVEL" not in os.environ
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with held_back_stderr() if holds_back else nullcontext():
        import tensorflow as tf

        tf.config.list_logical_devices()


@contextmanager
def held_back_stderr() -> Iterator[None]:
    """Within it nothing comes out of stderr, C++'s neither; if it ends with an error, all of it does."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            held.seek(0)
            os.write(before, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
