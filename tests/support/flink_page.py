"""A stand-in for a Flink cluster's REST interface, as Flink's documentation describes it.

It knows `/config`, `/jobs/overview`, `/jobs/ID/accumulators` and `PATCH /jobs/ID?mode=cancel`, and answers 404 to
everything else.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class FlinkPage:
    """jobs: name and state by id. looks: how often a cancelled job is seen as CANCELLING; None: for ever.

    names: a file; each line of it is the name of a job that runs, with its number as the id. on_cancel: called when a
    job is to be cancelled.
    """

    jobs: dict[str, tuple[str, str]] = field(default_factory=dict)
    accumulators: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    looks: int | None = 1
    version: str = "1.19.3"
    names: Path | None = None
    address: str = ""
    cancelled: list[str] = field(default_factory=list)
    on_cancel: Callable[[], object] = lambda: None

    def overview(self) -> dict[str, Any]:
        """What `/jobs/overview` answers."""
        if self.names is not None and self.names.exists():
            for number, name in enumerate(self.names.read_text().splitlines()):
                self.jobs.setdefault(str(number), (name, "RUNNING"))
        for job, (name, state) in self.jobs.items():
            if state == "CANCELLING" and self.looks is not None:
                self.looks -= 1
                if self.looks < 0:
                    self.jobs[job] = name, "CANCELED"
        return {"jobs": [{"jid": job, "name": name, "state": state} for job, (name, state) in self.jobs.items()]}

    def answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """Status and content."""
        parts = path.partition("?")[0].strip("/").split("/")
        if method == "GET" and path == "/config":
            return 200, {"refresh-interval": 3000, "flink-version": self.version}
        if method == "GET" and path == "/jobs/overview":
            return 200, self.overview()
        if method == "GET" and parts[2:] == ["accumulators"] and parts[1] in self.jobs:
            return 200, {"job-accumulators": [], "user-task-accumulators": self.accumulators.get(parts[1], [])}
        if method == "PATCH" and path.endswith("?mode=cancel") and parts[1] in self.jobs:
            name, _ = self.jobs[parts[1]]
            self.jobs[parts[1]] = name, "CANCELLING"
            self.cancelled.append(parts[1])
            self.on_cancel()
            return 202, {}
        return 404, {"errors": ["Not found."]}


@contextmanager
def flink_page(page: FlinkPage) -> Iterator[FlinkPage]:
    """Serves the page while the context lasts; its `address` is HOST:PORT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def _answer(self) -> None:
            status, content = page.answer(self.command, self.path)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("localhost", 0), Handler) as server:
        page.address = f"localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield page
        finally:
            server.shutdown()
            thread.join()
