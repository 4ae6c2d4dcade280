"""Variables + a JSON text -> one file -> the same variables, bit for bit.

The file is NumPy's .npz: `state`, the JSON text as uint8, and `0`, `1`, ... the variables in their order. Keras's own
formats (save_weights, .keras, BackupAndRestore) leave out the state of the dropouts' seed generators. A training that
is resumed from them gets other weights than an unbroken one.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.errors import UserError
from pipeline.support.printable import to_one_line
from trainer import files

REMEDY: Final = "train again without --resume"
# The longest reason that a message repeats, in characters.
_WHY_CHARACTERS: Final = 120
_STATE: Final = "state"

# Where the last record of a zip file begins, and where in it the number of entries is (PKWARE's APPNOTE, 4.3.16).
_END_OF_ZIP: Final = b"PK\5\6"
_ENTRIES_PLACE: Final = 10

# What Python's zipfile and NumPy raise for a file that is not what `save` writes. zipfile raises RuntimeError and
# NotImplementedError when a damaged header asks for a password or another compression.
_DAMAGES: Final = (
    ValueError, LookupError, EOFError, OSError, OverflowError, MemoryError, RuntimeError, struct.error, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


class Checkpoint(NamedTuple):
    """state: JSON text; arrays: the variables' values in their order."""

    state: str
    arrays: list[np.ndarray[Any, Any]]


def save(path: str, variables: Sequence[tf.Variable], *, state: str) -> None:
    """Writes the file under another name and renames it, so that `path` is always a complete file.

    Raises:
      OSError: the file can't be written.
    """
    arrays = {str(index): variable.numpy() for index, variable in enumerate(variables)}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{_STATE: np.frombuffer(state.encode(), np.uint8)}, **arrays)
    files.write(path, content.getvalue())


def load(path: str) -> Checkpoint | None:
    """Reads what `save` wrote; None if there is no such file.

    Raises:
      UserError: the file is damaged, or can't be read.
    """
    try:
        content = files.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(
            f"{path} can't be read: {files.reason_of(error)}; make it readable, or train again without --resume"
        ) from error
    try:
        _check_sums(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = [stored[str(index)] for index in range(len(stored.files) - 1)]
            return Checkpoint(stored[_STATE].tobytes().decode(), arrays)
    except _DAMAGES as error:
        raise damaged(path, error) from error


def damaged(path: str, why: object) -> UserError:
    """The error for a file of training.path that is not what a training wrote."""
    return UserError(f"{path} is damaged ({to_one_line(str(why), width=_WHY_CHARACTERS)}); {REMEDY}")


def _check_sums(content: bytes) -> None:
    """Compares the CRC-32 of each array with the file's own, before NumPy looks at them.

    Raises:
      One of `_DAMAGES`.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if (name := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"the checksum of {name} is wrong")
        # zipfile does not compare the number at the end with what a damaged table of contents still lists.
        (entries,) = struct.unpack_from("<H", content, content.rindex(_END_OF_ZIP) + _ENTRIES_PLACE)
        if len(archive.infolist()) != entries:
            raise zipfile.BadZipFile("its table of contents is cut")


def restore(variables: Sequence[tf.Variable], checkpoint: Checkpoint, *, path: str) -> None:
    """Assigns the values of the checkpoint to the variables; path: where the checkpoint was read.

    Raises:
      UserError: number, shape or type of the variables differ: another version of this product or of Keras wrote it.
    """
    stored = [(array.shape, array.dtype) for array in checkpoint.arrays]
    wanted = [(tuple(variable.shape), variable.dtype.as_numpy_dtype) for variable in variables]
    if stored != wanted:
        raise UserError(f"{path} holds the variables of another model; {REMEDY}")
    for variable, array in zip(variables, checkpoint.arrays, strict=True):
        variable.assign(array)
