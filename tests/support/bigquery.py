"""BigQuery as far as it is asked: a server of CreateReadSession and ReadRows, and one that answers queries.

The messages are those of Google's own library. A table is an Arrow table; its rows are dealt to the streams in turn.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pyarrow as pa
import pytest
from google.cloud.bigquery_storage_v1 import types

from pipeline.sources.formats.parquet_columns import find

PROJECT, DATASET = "shop", "reviews"
_SERVICE = "/google.cloud.bigquery.storage.v1.BigQueryRead/"


@dataclass
class FakeBigQuery:
    """The tables that it has, and what it was asked.

    tables: by name. streams: how many it makes of each. message_rows: the rows of a message. answers: query -> the name
    of the table with its rows. refusals: name of a table -> the error for it. cuts: (stream, row) at which a connection
    is lost, once each.
    """

    tables: Mapping[str, pa.Table]
    streams: int = 2
    message_rows: int = 3
    answers: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, tuple[grpc.StatusCode, str]] = field(default_factory=dict)
    cuts: set[tuple[int, int]] = field(default_factory=set)
    sessions: list[types.CreateReadSessionRequest] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    made: list[pa.Table] = field(default_factory=list)

    def create(self, request: types.CreateReadSessionRequest, context: grpc.ServicerContext) -> types.ReadSession:
        """CreateReadSession."""
        self.sessions.append(request)
        name = request.read_session.table.rpartition("/")[2]
        if name in self.refusals:
            context.abort(*self.refusals[name])
        if name not in self.tables:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Not found: Table {PROJECT}:{DATASET}.{name}")
        table = self.tables[name]
        fields = list(request.read_session.read_options.selected_fields)
        unknown = [path for path in fields if find(list(table.schema), path) is None]
        if unknown:
            text = f"request failed: The following selected fields do not exist in the table schema: {unknown[0]}"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
        read = selected(table, fields) if fields else table
        self.made.append(read)
        number = len(self.made) - 1
        streams = min(self.streams, request.max_stream_count or self.streams) if len(table) else 0
        return types.ReadSession(
            name=f"sessions/{number}",
            arrow_schema=types.ArrowSchema(serialized_schema=read.schema.serialize().to_pybytes()),
            streams=[types.ReadStream(name=f"sessions/{number}/streams/{stream}") for stream in range(streams)],
            estimated_row_count=len(table),
            estimated_total_bytes_scanned=read.nbytes,
        )

    def read(self, request: types.ReadRowsRequest, context: grpc.ServicerContext) -> Iterator[types.ReadRowsResponse]:
        """ReadRows."""
        session, stream = map(int, re.findall(r"\d+", request.read_stream))
        if session >= len(self.made):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "there was an error: session expired")
        table = self.made[session]
        table = table.take(list(range(stream, len(table), self.streams)))
        self.reads.append((stream, request.offset))
        for start in range(request.offset, len(table), self.message_rows):
            if (stream, start) in self.cuts:
                self.cuts.remove((stream, start))
                context.abort(grpc.StatusCode.UNAVAILABLE, "connection lost")
            (batch,) = table.slice(start, self.message_rows).combine_chunks().to_batches()
            schema = types.ArrowSchema(serialized_schema=table.schema.serialize().to_pybytes())
            yield types.ReadRowsResponse(
                arrow_record_batch=types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes()),
                row_count=batch.num_rows,
                arrow_schema=schema if start == request.offset else None,
            )

    def job(self, query: str) -> dict[str, Any]:
        """The resource of a query's job, which is done."""
        if query not in self.answers:
            return {"error": {"code": 400, "message": "Unrecognized name: nothing at [1:8]", "errors": []}}
        table = {"projectId": PROJECT, "datasetId": "_answers", "tableId": self.answers[query]}
        return {
            "jobReference": {"projectId": PROJECT, "jobId": "job", "location": "EU"},
            "configuration": {"jobType": "QUERY", "query": {"query": query, "destinationTable": table}},
            "status": {"state": "DONE"},
            "statistics": {"creationTime": "1700000000000", "query": {"totalBytesProcessed": "12345"}},
        }


def selected(table: pa.Table, fields: Sequence[str]) -> pa.Table:
    """The fields of a table, in the order of the table; of a struct those that are asked for."""
    columns = {}
    for name in table.schema.names:
        within = [path.partition(".")[2] for path in fields if path.partition(".")[0] == name]
        if within and all(within):
            array = table[name].combine_chunks()
            columns[name] = pa.StructArray.from_arrays([array.field(inner) for inner in within], within)
        elif within:
            columns[name] = table[name]
    return pa.table(columns)


@contextmanager
def serving(bigquery: FakeBigQuery, patch: pytest.MonkeyPatch) -> Iterator[FakeBigQuery]:
    """Within it, BigQuery's clients of this process and of its children talk to the fake."""
    server = grpc.server(ThreadPoolExecutor(8))
    handlers = {
        "CreateReadSession": grpc.unary_unary_rpc_method_handler(
            bigquery.create, types.CreateReadSessionRequest.deserialize, types.ReadSession.serialize
        ),
        "ReadRows": grpc.unary_stream_rpc_method_handler(
            bigquery.read, types.ReadRowsRequest.deserialize, types.ReadRowsResponse.serialize
        ),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE.strip("/"), handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    web = ThreadingHTTPServer(("127.0.0.1", 0), _handler(bigquery))
    thread = threading.Thread(target=web.serve_forever, args=[0.01])  # stops within 10 ms
    thread.start()
    patch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", f"127.0.0.1:{port}")
    patch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{web.server_port}")
    try:
        yield bigquery
    finally:
        web.shutdown()
        web.server_close()
        thread.join()
        server.stop(None).wait()


def _handler(bigquery: FakeBigQuery) -> type[BaseHTTPRequestHandler]:
    jobs: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            job = bigquery.job(body["configuration"]["query"]["query"])
            jobs.append(job)
            self._answer(400 if "error" in job else 200, job)

        def do_GET(self) -> None:
            job = jobs[-1]
            if "/queries/" in self.path:
                job = {"jobComplete": True, "jobReference": job["jobReference"], "totalRows": "0", "schema": {}}
            self._answer(200, job)

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            """Says nothing."""

    return Handler
