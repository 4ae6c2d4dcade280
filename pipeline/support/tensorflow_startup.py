"""Importing TensorFlow without the lines that its C++ code writes to stderr while it starts."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

_LEVEL: Final = "TF_CPP_MIN_LOG_LEVEL"
_ALL_LINES: Final = "0"
_NO_LINES: Final = "3"


def import_tensorflow(*, beside_transform: bool = False, look_for_devices: bool = True) -> None:
    """Imports TensorFlow and lets it look for its devices. The lines that it writes meanwhile appear only if it fails.

    TensorFlow writes some of them before it reads TF_CPP_MIN_LOG_LEVEL, whatever the level is. So they are held back
    for every level that the user may have set, except 0, which asks for all lines. If no level is set, it becomes 3
    for later lines as well: TensorFlow also raises Python exceptions for its errors.

    beside_transform: TensorFlow Transform is imported next. TensorFlow is set to offer the Keras that TFT is made for;
      otherwise it would import half of the other one.
    look_for_devices: False if TensorFlow is to join other machines, which it can do only before it looks.
    """
    if beside_transform:
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    level = os.environ.setdefault(_LEVEL, _NO_LINES)
    with nullcontext() if level == _ALL_LINES else hold_back_stderr():
        import tensorflow as tf

        if look_for_devices:
            tf.config.list_logical_devices()


@contextmanager
def hold_back_stderr() -> Iterator[None]:
    """Within it nothing reaches stderr, not even from C++ code. If it ends with an error, all of it is written."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as lines:
        os.dup2(lines.fileno(), 2)
        try:
            yield
        except Exception:
            sys.stderr.flush()
            lines.seek(0)
            os.write(before, lines.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
