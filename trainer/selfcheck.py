"""A trained model and an exported folder -> the answers that are right, and whether the folder gives them elsewhere.

Elsewhere is a fresh process that can import TensorFlow alone, and sees no GPU: see `replay`.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.manifest_file import Sample
from trainer.certificate import ODD_TEXTS, TOLERANCE, Answers, Certificate, Comparison, compare, encoded
from trainer.model import TextClassifier, class_scores
from trainer.serving import portable
from trainer.transform_graph import TextToIds

_REPLAY: Final = Path(__file__).with_name("replay.py")
_ERROR_LINES: Final = 5


class ExportError(Exception):
    """The exported model is not what was trained; nothing has been published."""


def certify(
    text_to_ids: TextToIds, model: TextClassifier, *, labels: Sequence[str], samples: Sequence[Sample]
) -> Certificate:
    """The ids that the pipeline wrote (of samples) or its graph gives (of odd texts), and the Keras model's scores of them.

    The model gets them padded to the full length, as Keras would; what is exported trims them.
    """
    sampled = [sample.text.encode() for sample in samples]
    # All samples in one: longer than max_length, so that something is cut off, with nothing but words that occur.
    odd = [*ODD_TEXTS, b"\n".join(sampled)]
    written = np.array([sample.ids for sample in samples], np.int64)
    ids = np.concatenate([part for part in (written, text_to_ids(tf.constant(odd)).numpy()) if part.size])
    with portable(model), tf.device("/CPU:0"):
        scores = class_scores(model(tf.constant(ids), training=False), labels).numpy()
    return Certificate([*sampled, *odd], Answers(ids, scores))


def check(folder: str, certificate: Certificate, *, tolerance: float = TOLERANCE) -> float:
    """The largest difference of two scores, of a folder that is right.

    Raises:
      ExportError: a loader can't load it, or it gives other ids or scores.
    """
    comparisons = list(comparisons_elsewhere(folder, certificate, tolerance=tolerance))
    for loader, comparison in comparisons:
        if comparison.differences:
            others = len(comparison.differences) - 1
            more = f" (and {others} more differences)" if others else ""
            raise ExportError(f"the exported model gives other answers ({loader}): {comparison.differences[0]}{more}")
    return max(comparison.largest for _, comparison in comparisons)


def comparisons_elsewhere(
    folder: str, certificate: Certificate, *, tolerance: float
) -> Iterator[tuple[str, Comparison]]:
    """(how it was asked, what differs) for each way into the folder.

    Raises:
      ExportError: a loader can't load it.
    """
    arrays = answers_elsewhere(folder, certificate.texts)
    for way, ids, scores in (
        ("tf.saved_model.load", "python/ids", "python/scores"),
        ("tf.saved_model.load, serve_examples", "python/ids", "python/examples"),
        ("session loader", "session/ids", "session/scores"),
    ):
        yield way, compare(certificate, Answers(arrays[ids], arrays[scores]), tolerance=tolerance)


def answers_elsewhere(folder: str, texts: Sequence[bytes]) -> dict[str, npt.NDArray[np.generic]]:
    """What a fresh process gets out of the folder: arrays as `replay` names them.

    Raises:
      ExportError: the process failed.
    """
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as scratch:
        answers = Path(scratch) / "answers.npz"
        done = subprocess.run(
            [sys.executable, str(_REPLAY), folder, str(answers)],
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
