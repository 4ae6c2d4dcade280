"""A stand-in for TensorFlow Serving's REST interface, on a real exported model."""

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import tensorflow as tf


class Serving(BaseHTTPRequestHandler):
    """error: what is added to each floating-point number."""

    signatures: dict[str, Any]
    error = 0.0

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        values = next(iter(asked["inputs"].values()))
        raw = [b64decode(value["b64"]) if isinstance(value, dict) else value.encode() for value in values]
        name = next(iter(asked["inputs"]))
        answer = self.signatures[asked.get("signature_name", "serving_default")](**{name: tf.constant(raw)})
        outputs = {key: _listed(value, error=self.error) for key, value in answer.items()}
        content = json.dumps({"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _listed(value: tf.Tensor, *, error: float) -> list[Any]:
    if value.dtype == tf.string:
        return [item.decode() for item in value.numpy()]
    return (value.numpy() + error if value.dtype == tf.float32 else value.numpy()).tolist()


@contextmanager
def serving(signatures: Any) -> Iterator[HTTPServer]:
    """A server that answers by these signatures of a loaded model."""
    handler = type("Handler", (Serving,), {"signatures": signatures})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield http
        http.shutdown()
        thread.join()
