"""Variables + a JSON text -> one file -> the same variables, bit for bit.

The file is NumPy's .npz: `state`, the JSON text as uint8, and `0`, `1`, ... the variables in their order. Keras's own
formats (save_weights, .keras, BackupAndRestore) leave out the state of the dropouts' seed generators. A training that
is resumed from them gets other weights than an unbroken one.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.errors import UserError
from trainer import files

_STATE: Final = "state"


class Checkpoint(NamedTuple):
    """state: JSON text; arrays: the variables' values in their order."""

    state: str
    arrays: list[np.ndarray[Any, Any]]


def save(path: str, variables: Sequence[tf.Variable], *, state: str) -> None:
    """Writes the file under another name and renames it, so that `path` is always a complete file."""
    arrays = {str(index): variable.numpy() for index, variable in enumerate(variables)}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{_STATE: np.frombuffer(state.encode(), np.uint8)}, **arrays)
    files.write(path, content.getvalue())


def load(path: str) -> Checkpoint | None:
    """Reads what `save` wrote; None if there is no such file.

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
    """Assigns the values of the checkpoint to the variables; path: where the checkpoint was read.

    Raises:
      UserError: number, shape or type of the variables differ: another version of this product or of Keras wrote it.
    """
    stored = [(array.shape, array.dtype) for array in checkpoint.arrays]
    wanted = [(tuple(variable.shape), variable.dtype.as_numpy_dtype) for variable in variables]
    if stored != wanted:
        raise UserError(f"{path} holds the variables of another model; train again without --resume")
    for variable, array in zip(variables, checkpoint.arrays, strict=True):
        variable.assign(array)
