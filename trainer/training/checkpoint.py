"""Variables + a description -> one file -> the same variables, bit for bit.

The file is NumPy's .npz: `state`, a JSON text as uint8, and `0`, `1`, ... the variables in their order. Keras's own
formats (save_weights, .keras, BackupAndRestore) leave out the state of the dropouts' seed generators, so a training
resumed from them takes another path.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.errors import UserError
from trainer import files

_STATE = "state"


class Checkpoint(NamedTuple):
    """state: JSON text; arrays: the variables' values in their order."""

    state: str
    arrays: list[np.ndarray[Any, Any]]


def save(path: str, variables: Sequence[tf.Variable], *, state: str) -> None:
    """Writes the file as a whole, so that there is always a complete one."""
    arrays = {str(index): variable.numpy() for index, variable in enumerate(variables)}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{_STATE: np.frombuffer(state.encode(), np.uint8)}, **arrays)
    files.write(path, content.getvalue())


def load(path: str) -> Checkpoint | None:
    """What `save` wrote, or None if there is no such file.

    Raises:
      UserError: the file is damaged.
    """
    try:
        content = files.read(path)
    except tf.errors.NotFoundError:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = [stored[str(index)] for index in range(len(stored.files) - 1)]
            return Checkpoint(stored[_STATE].tobytes().decode(), arrays)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged ({error}); train again without --resume") from error


def restore(variables: Sequence[tf.Variable], checkpoint: Checkpoint, *, path: str) -> None:
    """Gives the variables the values of the checkpoint, which was read from `path`.

    Raises:
      UserError: it holds other variables: another version of this package or of Keras wrote it.
    """
    stored = [(array.shape, array.dtype) for array in checkpoint.arrays]
    wanted = [(tuple(variable.shape), variable.dtype.as_numpy_dtype) for variable in variables]
    if stored != wanted:
        raise UserError(f"{path} holds the variables of another model; train again without --resume")
    for variable, array in zip(variables, checkpoint.arrays, strict=True):
        variable.assign(array)
