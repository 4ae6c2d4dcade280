"""A TensorFlow Serving at a URL + texts -> what it answers to them, through its REST API.

A server is not trusted. Each answer has a size and a time that it may not exceed, no redirect is followed, and what a
message repeats of an answer is short and printable.
"""

import functools
import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from pipeline.contract import IDS, TEXT
from pipeline.errors import UserError
from pipeline.support.printable import to_one_line
from pipeline.support.strict_json import first_mistake, parse_json
from trainer.export.certificate import Answers, Certificate, answers_of, to_base64
from trainer.savedmodel.signatures import ABSTAINS, DECIDED, LABEL_NAME, RATING, SCORES, SERVING_DEFAULT, TOKEN_IDS

_TEXTS_PER_REQUEST: Final = 16
# The time for an answer: 16 texts, two of them of 100 kB, take a server 0.1 s (measured), and it may be busy.
_SECONDS: Final = 60.0
# TensorFlow Serving writes each number on a line of its own: 20 digits and the spaces before them.
_NUMBER_BYTES: Final = 64
_ADDRESS: Final = "give the model's address, http://HOST:8501/v1/models/NAME"
# Characters of an answer that a message repeats.
_QUOTED_CHARACTERS: Final = 200
# Bytes of an answer that are read to repeat them.
_QUOTED_BYTES: Final = 1000

_IDS: Final = TypeAdapter(list[list[int]])
# Of the outputs of serving_default.
_TYPES: Final[dict[str, TypeAdapter[Any]]] = {
    SCORES: TypeAdapter(list[list[float]]),
    LABEL_NAME: TypeAdapter(list[str]),
    DECIDED: TypeAdapter(list[list[bool]]),
    ABSTAINS: TypeAdapter(list[bool]),
    RATING: TypeAdapter(list[float]),
}


def check_url(url: str) -> None:
    """
    Raises:
      UserError: it is not the address of a model on an HTTP server.
    """
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment
        _ = parts.port  # a ValueError if it is not a number up to 65535
    except ValueError:
        wrong = True
    if wrong or not url.isascii() or not url.isprintable() or " " in url:
        raise UserError(f"--url: {_brief(url)!r} is not an address; {_ADDRESS}")


def ask_server(url: str, certificate: Certificate, *, seconds: float = _SECONDS) -> Answers:
    """The ids, scores and what else the certificate has, as a server gives them to the texts of the certificate.

    seconds: the time for each answer, from the request to its last byte.

    Raises:
      UserError: nothing at the URL answers as TensorFlow Serving does, in this time and as briefly.
    """
    check_url(url)
    ids: list[list[int]] = []
    names = [name for name in _TYPES if getattr(certificate.answers, name) is not None]
    answers: dict[str, list[Any]] = {name: [] for name in names}
    most_bytes = _most_bytes(certificate)
    try:
        for start in range(0, len(certificate.texts), _TEXTS_PER_REQUEST):
            batch = certificate.texts[start : start + _TEXTS_PER_REQUEST]
            ask = functools.partial(_predict, url, texts=batch, seconds=seconds, most_bytes=most_bytes)
            ids.extend(_IDS.validate_python(_output(ask(TOKEN_IDS), IDS), strict=True))
            answer = ask(SERVING_DEFAULT)
            for name in names:
                answers[name].extend(_TYPES[name].validate_python(_output(answer, name), strict=True))
        return answers_of(ids, **answers)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        why = first_mistake(error) if isinstance(error, ValidationError) else repr(error)
        raise UserError(
            f"--url: {url} does not answer as this model in TensorFlow Serving would ({_brief(why)}); {_ADDRESS}"
        ) from error


def _most_bytes(certificate: Certificate) -> int:
    """The bytes of the longest answer to a request: its numbers, and 1 MB for all else, the names of labels."""
    classes, has_decided = certificate.answers.scores.shape[1], certificate.answers.decided is not None
    numbers = max(certificate.answers.ids.shape[1], 2 * classes if has_decided else classes)
    return (1 << 20) + _TEXTS_PER_REQUEST * numbers * _NUMBER_BYTES


def _predict(url: str, signature: str, *, texts: Sequence[bytes], seconds: float, most_bytes: int) -> Any:
    """The answer to a request, as values of JSON."""
    body = {"signature_name": signature, "inputs": {TEXT: [{"b64": to_base64(text)} for text in texts]}}
    request = urllib.request.Request(
        f"{url.rstrip('/')}:predict",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        content = _within(seconds, lambda: _post(request, seconds=seconds, most_bytes=most_bytes))
    except _RefusedError as error:
        raise UserError(f"--url: {url} answers {error} to {signature}; {_ADDRESS}") from error
    except TimeoutError as error:
        raise UserError(f"--url: {url} has not answered completely after {seconds:g} s; is the server busy?") from error
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"--url: {url} can't be reached ({_brief(str(error))}); is the server running?") from error
    if len(content) > most_bytes:
        raise UserError(f"--url: {url} answers with more than {most_bytes:,} bytes to {signature}; {_ADDRESS}")
    return parse_json(content)


class _RefusedError(Exception):
    """The server gives another status than 200. Its message says which."""


def _post(request: urllib.request.Request, *, seconds: float, most_bytes: int) -> bytes:
    """The first `most_bytes` + 1 bytes of the answer."""
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds) as response:
            content: bytes = response.read(most_bytes + 1)
            return content
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(_QUOTED_BYTES).decode("utf-8", "replace")
        if 300 <= error.code < 400:
            target = _brief(error.headers.get("Location", "nowhere"))
            raise _RefusedError(f"{error.code}, a redirect to {target}, which is not followed,") from error
        raise _RefusedError(f"{error.code} {_brief(str(error.reason))} ({_brief(said)})") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise error.reason from error
        raise


def _within(seconds: float, call: Callable[[], bytes]) -> bytes:
    """The result of a call; a TimeoutError if it takes longer.

    A socket's own timeout begins anew with each byte. So the call runs in a thread, which is left alone when its time
    is over: it can't be stopped, and it ends with the process.
    """
    result: Future[bytes] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except Exception as error:  # it is raised in the thread that waits
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return result.result(seconds)
    except FutureTimeoutError as error:  # Python 3.10 has a class of its own
        raise TimeoutError from error


def _brief(text: str) -> str:
    return to_one_line(text, width=_QUOTED_CHARACTERS)


def _output(answer: Any, name: str) -> Any:
    outputs = answer["outputs"]
    # TensorFlow Serving leaves out the name of a signature's only output.
    return outputs[name] if isinstance(outputs, dict) else outputs


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Every redirect is an error: another host would answer, and it would be asked with a GET."""

    def redirect_request(self, *_: Any) -> None:
        """Nothing."""
