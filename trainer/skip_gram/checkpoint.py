"""The state of learning after an epoch -> a file, and back.

The file is NumPy's .npz: `state`, a JSON text as uint8, and the two arrays of `SkipGramModel.weights`.
"""

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import numpy as np

from pipeline.errors import JsonError, UserError
from pipeline.support.printable import to_one_line
from pipeline.support.strict_json import parse_json
from trainer import files
from trainer.skip_gram.model import SkipGramModel

_AGAIN: Final = "start over without --resume"
_WHY_CHARACTERS: Final = 120
# What Python's zipfile and NumPy raise for a file that is damaged, or another one.
_DAMAGES: Final = (
    ValueError, LookupError, EOFError, OSError, RuntimeError, OverflowError, MemoryError, struct.error, zlib.error,
    zipfile.BadZipFile, JsonError,
)  # fmt: skip


def save(path: str, model: SkipGramModel, *, epochs: int, made_of: Mapping[str, Any]) -> None:
    """Writes the state; `path` is a complete file at any moment. made_of: settings and records, to compare with.

    Raises:
      OSError: the file can't be written.
    """
    state = np.frombuffer(json.dumps({"epochs": epochs, "made_of": made_of}).encode(), np.uint8)
    vectors, context = model.weights

    def write(file: BinaryIO) -> None:
        np.savez(file, allow_pickle=False, state=state, vectors=vectors, context=context)

    files.write_by(path, write)


def restore(path: str, model: SkipGramModel, *, made_of: Mapping[str, Any]) -> int:
    """Sets the weights of a model to those of the file; returns the epochs that are done.

    Raises:
      UserError: there is no such file, it is damaged, or it was made of other records or with other settings.
    """
    try:
        with files.opened(path) as file, np.load(file, allow_pickle=False) as stored:
            state = parse_json(stored["state"].tobytes())
            arrays = stored["vectors"], stored["context"]
            epochs, before = int(state["epochs"]), dict(state["made_of"])
    except FileNotFoundError as error:
        raise UserError(f"--resume: there is no {path}; start without --resume") from error
    except (*_DAMAGES, TypeError) as error:
        why = to_one_line(files.reason_of(error), width=_WHY_CHARACTERS)
        raise UserError(f"--resume: {path} is damaged ({why}); {_AGAIN}") from error
    for name in [*before, *made_of]:
        if before.get(name) != made_of.get(name):
            raise UserError(
                f"--resume: {name} was {before.get(name)} when {path} was written, and is {made_of.get(name)} now; set "
                f"it back, or {_AGAIN}"
            )
    for own, given in zip(model.weights, arrays, strict=True):
        if own.shape != given.shape or own.dtype != given.dtype:
            raise UserError(f"--resume: {path} has vectors of other words; {_AGAIN}")
        own[:] = given
    return epochs
