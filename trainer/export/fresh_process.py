"""An exported folder -> its answers in a fresh process that can import only TensorFlow and sees no GPU."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.support.end_with_parent import parent_pipe
from trainer.export.certificate import Answers, Certificate, Comparison, compare, to_base64

_SCRIPT: Final = Path(__file__).with_name("replay.py")
# Last lines of the process's stderr that an error message repeats.
_ERROR_LINES: Final = 5


class ExportError(Exception):
    """An exported model can't be loaded, or gives other answers than the trained model."""


def compare_in_fresh_process(folder: str, certificate: Certificate, *, tolerance: float) -> dict[str, Comparison]:
    """Compares the folder's answers with the certificate, for each way to ask: loader and signature.

    Raises:
      ExportError: a loader can't load the folder.
    """
    arrays = run_replay(folder, certificate.texts)
    ways = {
        "tf.saved_model.load": ("python/ids", "python/scores"),
        "serve_examples": ("python/ids", "python/examples"),
        "session loader": ("session/ids", "session/scores"),
    }
    return {
        way: compare(certificate, _answers(arrays[ids], arrays[scores]), tolerance=tolerance)
        for way, (ids, scores) in ways.items()
    }


def run_replay(folder: str, texts: Sequence[bytes]) -> dict[str, npt.NDArray[np.generic]]:
    """Runs `replay` on the folder; returns its arrays by name.

    For n texts `.../ids` is int64 [n, max_length]; `.../scores` and `python/examples` are float32 [n, classes].

    Raises:
      ExportError: the process failed.
    """
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as scratch, parent_pipe() as pipe:
        answers = Path(scratch) / "answers.npz"
        done = subprocess.run(
            [sys.executable, str(_SCRIPT), folder, str(answers), str(pipe)],
            input=json.dumps([to_base64(text) for text in texts]),
            env=environment,
            pass_fds=[pipe],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = " / ".join(done.stderr.strip().splitlines()[-_ERROR_LINES:])
            raise ExportError(f"{folder} can't be loaded where there is only TensorFlow: {last}")
        with np.load(answers) as arrays:
            return dict(arrays)


def _answers(ids: npt.NDArray[np.generic], scores: npt.NDArray[np.generic]) -> Answers:
    """Refuses other types than int64 and float32, if a conversion would lose digits."""
    return Answers(ids.astype(np.int64, casting="safe"), scores.astype(np.float32, casting="safe"))
