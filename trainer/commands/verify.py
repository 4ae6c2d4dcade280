"""The certificate of an exported model -> what the model's files, or a live TensorFlow Serving, answer differently.

The files answer in a fresh process that can import TensorFlow alone, through both of its loaders. A server answers
through its REST API.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline.contract import IDS, TEXT
from pipeline.errors import UserError
from trainer import files
from trainer.export.certificate import CERTIFICATE_FILE, Answers, Certificate, Comparison, compare, loads, to_base64
from trainer.export.fresh_process import compare_in_fresh_process
from trainer.savedmodel.loading import version_folder
from trainer.savedmodel.signatures import SCORES, SERVING_DEFAULT, TOKEN_IDS

# Scores may differ by this much: another kind of CPU, or a GPU, sums products in another order.
TOLERANCE: Final = 1e-5

_TEXTS_PER_REQUEST: Final = 16
_TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Verification:
    """texts: number of texts of the certificate; comparisons: by the name of what answered, a loader or a URL."""

    folder: str
    texts: int
    comparisons: dict[str, Comparison]

    @property
    def is_right(self) -> bool:
        """Whether nothing differs."""
        return not any(comparison.differences for comparison in self.comparisons.values())


def verify_files(model: str, *, tolerance: float = TOLERANCE) -> Verification:
    """Replays the certificate of a model (a version folder, or export.path) against its files.

    Raises:
      UserError: there is no model. ExportError: it can't be loaded.
    """
    folder = version_folder(model)
    certificate = _certificate(folder)
    comparisons = compare_in_fresh_process(folder, certificate, tolerance=tolerance)
    return Verification(folder, len(certificate.texts), comparisons)


def verify_server(model: str, url: str, *, tolerance: float = TOLERANCE) -> Verification:
    """Replays the certificate against a server, e.g. http://host:8501/v1/models/NAME.

    Raises:
      UserError: there is no model, or nothing at the URL that answers as TensorFlow Serving does.
    """
    folder = version_folder(model)
    certificate = _certificate(folder)
    answers = ask_server(url, certificate.texts)
    return Verification(folder, len(certificate.texts), {url: compare(certificate, answers, tolerance=tolerance)})


def ask_server(url: str, texts: Sequence[bytes]) -> Answers:
    """The ids and scores that a server gives.

    Raises:
      UserError: nothing at the URL answers as TensorFlow Serving does.
    """
    ids: list[Any] = []
    scores: list[Any] = []
    try:
        for start in range(0, len(texts), _TEXTS_PER_REQUEST):
            batch = texts[start : start + _TEXTS_PER_REQUEST]
            ids.extend(_output(_predict(url, TOKEN_IDS, batch), IDS))
            scores.extend(_output(_predict(url, SERVING_DEFAULT, batch), SCORES))
        return Answers(np.array(ids, np.int64), np.array(scores, np.float32))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"--url: {url} does not answer as this model in TensorFlow Serving would ({error!r}); "
            "give the model's address, http://HOST:8501/v1/models/NAME"
        ) from error


def _certificate(folder: str) -> Certificate:
    path = files.join(folder, CERTIFICATE_FILE)
    return loads(files.read(path), path=path)


def _predict(url: str, signature: str, texts: Sequence[bytes]) -> Any:
    """The `outputs` of a request."""
    body = {"signature_name": signature, "inputs": {TEXT: [{"b64": to_base64(text)} for text in texts]}}
    request = urllib.request.Request(
        f"{url.rstrip('/')}:predict",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)["outputs"]
    except urllib.error.HTTPError as error:
        answer = error.read(500).decode("utf-8", "replace")
        raise UserError(f"--url: {url} answers {error.code} {error.reason} to {signature}: {answer}") from error
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"--url: {url} can't be reached ({error}); is the server running?") from error


def _output(outputs: Any, name: str) -> list[Any]:
    # TensorFlow Serving leaves out the name of a signature's only output.
    return outputs[name] if isinstance(outputs, dict) else outputs
