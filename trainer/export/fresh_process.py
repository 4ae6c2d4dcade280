"""An exported folder -> its answers in a fresh process that can import TensorFlow alone and sees no GPU."""

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

from trainer.export.certificate import Answers, Certificate, Comparison, compare, encoded

_SCRIPT: Final = Path(__file__).with_name("replay.py")
_ERROR_LINES: Final = 5


class ExportError(Exception):
    """An exported model can't be loaded, or is not what was trained."""


def replayed(folder: str, certificate: Certificate, *, tolerance: float) -> dict[str, Comparison]:
    """What differs, by the way in which the folder was asked.

    Raises:
      ExportError: a loader can't load it.
    """
    arrays = answers_elsewhere(folder, certificate.texts)
    ways = {
        "tf.saved_model.load": ("python/ids", "python/scores"),
        "serve_examples": ("python/ids", "python/examples"),
        "session loader": ("session/ids", "session/scores"),
    }
    return {
        way: compare(certificate, _answers(arrays[ids], arrays[scores]), tolerance=tolerance)
        for way, (ids, scores) in ways.items()
    }


def answers_elsewhere(folder: str, texts: Sequence[bytes]) -> dict[str, npt.NDArray[np.generic]]:
    """What a fresh process gets out of the folder: arrays as `replay` names them.

    Raises:
      ExportError: the process failed.
    """
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as scratch:
        answers = Path(scratch) / "answers.npz"
        done = subprocess.run(
            [sys.executable, str(_SCRIPT), folder, str(answers)],
            input=json.dumps([encoded(text) for text in texts]),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = " / ".join(done.stderr.strip().splitlines()[-_ERROR_LINES:])
            raise ExportError(f"{folder} can't be loaded where there is only TensorFlow: {last}")
        with np.load(answers) as found:
            return dict(found)


def _answers(ids: npt.NDArray[np.generic], scores: npt.NDArray[np.generic]) -> Answers:
    return Answers(ids.astype(np.int64, casting="safe"), scores.astype(np.float32, casting="safe"))
