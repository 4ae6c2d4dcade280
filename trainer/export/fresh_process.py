"""An exported folder -> its answers in a fresh process that can import only TensorFlow and sees no GPU."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import UserError
from pipeline.support.end_with_parent import parent_pipe
from pipeline.support.printable import to_one_line
from trainer.export.certificate import Answers, Certificate, to_base64
from trainer.export.comparison import Comparison, compare
from trainer.export.replay import NO_ROOM_STATUS

_SCRIPT: Final = Path(__file__).with_name("replay.py")
# Last lines of the process's stderr that an error message repeats, and their characters.
_ERROR_LINES: Final = 5
_ERROR_CHARACTERS: Final = 500
_TYPES: Final = {"ids": np.int64, "scores": np.float32, "decided": np.bool_, "abstains": np.bool_, "rating": np.float32}


class ExportError(Exception):
    """An exported model can't be loaded, or gives other answers than the trained model."""


def compare_in_fresh_process(folder: str, certificate: Certificate, *, tolerance: float) -> dict[str, Comparison]:
    """Compares the folder's answers with the certificate, for each way to ask: loader and signature.

    Raises:
      ExportError: a loader can't load the folder.
    """
    arrays = run_replay(folder, certificate.texts)
    ways = {"tf.saved_model.load": "python", "serve_examples": "examples", "session loader": "session"}
    return {
        way: compare(certificate, _answers(arrays, name, right=certificate.answers), tolerance=tolerance)
        for way, name in ways.items()
    }


def run_replay(folder: str, texts: Sequence[bytes]) -> dict[str, npt.NDArray[np.generic]]:
    """Runs `replay` on the folder; returns its arrays by name.

    For n texts `.../ids` is int64 [n, max_length]. The others are the outputs of `serving_default` and of
    `serve_examples`, for example `.../scores`, float32 [n, classes].

    Raises:
      ExportError: the process can't be started, or failed.
      UserError: the folder for temporary files can't be written.
    """
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with _scratch_folder() as scratch, parent_pipe() as pipe:
        answers = Path(scratch) / "answers.npz"
        try:
            done = subprocess.run(
                [sys.executable, str(_SCRIPT), folder, str(answers), str(pipe)],
                input=json.dumps([to_base64(text) for text in texts]),
                env=environment,
                pass_fds=[pipe],
                capture_output=True,
                text=True,
                errors="replace",  # TensorFlow repeats names of files as they are
                check=False,
            )
        except OSError as error:
            raise ExportError(f"{sys.executable} can't be started to load {folder}: {error.strerror}") from error
        if done.returncode == NO_ROOM_STATUS:
            raise _no_room(scratch, "No space left on device")
        if done.returncode:
            last = to_one_line(" / ".join(done.stderr.strip().splitlines()[-_ERROR_LINES:]), width=_ERROR_CHARACTERS)
            why = f"(status {done.returncode}): {last}"
            raise ExportError(f"{folder} can't be loaded where there is only TensorFlow {why}")
        with np.load(answers) as arrays:
            return dict(arrays)


@contextmanager
def _scratch_folder() -> Iterator[str]:
    try:
        scratch = tempfile.TemporaryDirectory()
    except OSError as error:
        raise _no_room(tempfile.gettempdir(), error.strerror or str(error)) from error
    with scratch as folder:
        yield folder


def _no_room(folder: str, why: str) -> UserError:
    return UserError(f"TMPDIR: {folder} can't be written: {why}; make room there, or set TMPDIR to another folder")


def _answers(arrays: Mapping[str, npt.NDArray[np.generic]], way: str, *, right: Answers) -> Answers:
    """The answers of one way to ask, with those outputs that the certificate has too.

    Raises:
      ExportError: an output has another type than it must have, for example ids that are not int64.
    """
    ids: Any = arrays.get(f"{way}/ids", arrays["python/ids"])  # an Example is asked for no ids
    given: dict[str, Any] = {name: arrays.get(f"{way}/{name}") for name in Answers._fields if name != "ids"}
    for name, array in [("ids", ids), *given.items()]:
        if array is not None and name in _TYPES and array.dtype != _TYPES[name]:
            raise ExportError(f"the model gives {name} of {array.dtype}")
    kept = {name: array for name, array in given.items() if getattr(right, name) is not None}
    return Answers(ids=ids, **kept)
