"""`trainer verify --url` against servers that answer too much, too slowly, elsewhere or wrongly."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from pipeline.errors import UserError
from trainer.commands.serving import ask_server
from trainer.export.certificate import Answers, Certificate

Answer = Callable[[BaseHTTPRequestHandler], None]

CERTIFICATE = Certificate([b"a", b"b"], Answers(np.array([[1], [2]]), np.array([[0.5, 0.5]] * 2, np.float32)))
MEGABYTE = b" " * (1 << 20)


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address of a server with this answer to each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with suppress(OSError):  # the client has gone
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/v1/models/m"
        http.shutdown()


def sent(
    content: bytes, *, status: int = 200, reason: str | None = None, headers: dict[str, str] | None = None
) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status, reason)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def outputs(values: object) -> Answer:
    return sent(json.dumps({"outputs": values}).encode())


# answer of the server                                         what is said
@pytest.mark.parametrize(("answer", "message"), [
    (outputs([["1"], ["2"]]),                                  "does not answer as"),  # strings
    (outputs([[True], [True]]),                                "does not answer as"),
    (outputs([[2**63], [1]]),                                  "does not answer as"),  # no int64
    (outputs([[1], [1, 2]]),                                   "not all are of one length"),
    (outputs([]),                                              "there are no ids and scores"),
    (outputs({"ids": 1}),                                      "does not answer as"),
    (outputs(None),                                            "does not answer as"),
    (sent(b"[]"),                                              "does not answer as"),
    (sent(b""),                                                "does not answer as"),
    (sent(b'{"outputs": [[1], [NaN]]}'),                       "NaN is not a number"),
    (sent(b'{"outputs": ' + b"[" * 9999),                      "nested more than 100 deep"),
    (sent(b"\xff"),                                            "does not answer as"),
    (sent(b"", status=302, headers={"Location": "http://other/"}), "302, a redirect to http://other/, which is not"),
    (sent(b"", status=307, headers={"Location": "file:///x"}), "307, a redirect to file:///x, which is not"),
    (sent(b"no \x1b[31m" + b"x" * 9999, status=404),           "404 Not Found (no \ufffd[31mxxx"),
    (sent(b"", status=500, reason="\x1b[31mred"),              "500 \ufffd[31mred"),
    (sent(b"", headers={"Content-Length": "5"}),               "does not answer as"),  # it ends too early
    (lambda handler: handler.wfile.write(b"no HTTP\x1b\n" * 9), "can't be reached"),
])  # fmt: skip
def test_serving_tells_a_wrong_answer_in_a_short_line(answer: Answer, message: str) -> None:
    with serving(answer) as url, pytest.raises(UserError) as refused:
        ask_server(url, CERTIFICATE)
    line = str(refused.value)
    assert line.startswith(f"--url: {url} ")
    assert message in line
    assert line.isprintable()
    assert len(line) < 500


def without_end(handler: BaseHTTPRequestHandler) -> None:
    """More than 10 GB, as fast as the client takes it."""
    sent(b'{"outputs": [')(handler)
    for _ in range(10_000):
        handler.wfile.write(MEGABYTE)


def in_chunks_without_end(handler: BaseHTTPRequestHandler) -> None:
    handler.protocol_version = "HTTP/1.1"
    sent(b"", headers={"Transfer-Encoding": "chunked"})(handler)
    for _ in range(10_000):
        handler.wfile.write(b"100000\r\n" + MEGABYTE + b"\r\n")


def of_ten_gigabytes(handler: BaseHTTPRequestHandler) -> None:
    sent(b"", headers={"Content-Length": str(10 << 30)})(handler)
    for _ in range(10_000):
        handler.wfile.write(MEGABYTE)


@pytest.mark.parametrize("answer", [without_end, in_chunks_without_end, of_ten_gigabytes])
def test_serving_reads_no_more_than_an_answer_can_have(answer: Answer) -> None:
    # 1 MiB, and 64 bytes for each of 2 numbers of 16 texts.
    with serving(answer) as url, pytest.raises(UserError, match="answers with more than 1,050,624 bytes to token_ids"):
        ask_server(url, CERTIFICATE)


@pytest.mark.parametrize("begin", [
    lambda handler: handler.wfile.flush(),                         # no byte at all
    lambda handler: handler.wfile.write(b"HTTP/1.1 200"),          # a part of the head
    lambda handler: sent(b'{"outputs": [')(handler),               # a part of the body
    lambda handler: sent(b"x", status=500, headers={"Content-Length": "9"})(handler),
])  # fmt: skip
def test_serving_waits_no_longer_than_its_time(begin: Answer) -> None:
    over = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        over.wait()

    with serving(answer) as url:
        try:
            with pytest.raises(UserError, match=r"has not answered completely after 0\.1 s"):
                ask_server(url, CERTIFICATE, seconds=0.1)
        finally:
            over.set()


def test_serving_bounds_the_time_of_an_answer_that_comes_byte_by_byte() -> None:
    over = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        sent(b"")(handler)
        while not over.wait(0.01):  # each byte comes well within the time of the whole
            handler.wfile.write(b" ")

    with serving(answer) as url:
        try:
            with pytest.raises(UserError, match=r"has not answered completely after 0\.1 s"):
                ask_server(url, CERTIFICATE, seconds=0.1)
        finally:
            over.set()
