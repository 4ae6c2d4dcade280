"""The calls to BigQuery: run a query, make a read session of a table, read one of its streams.

Credentials are Google's Application Default Credentials, as for Beam. Without network two environment variables name an
emulator: BIGQUERY_EMULATOR_HOST (http://host:port, of Google's own client) and BIGQUERY_STORAGE_EMULATOR_HOST
(host:port), for which no credentials are needed.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

import pyarrow as pa

from pipeline.config.databases import BigQueryTable
from pipeline.errors import UserError

EMULATOR: Final = "BIGQUERY_STORAGE_EMULATOR_HOST"
QUERY_EMULATOR: Final = "BIGQUERY_EMULATOR_HOST"

# How long a call is tried again if the service does not answer. Google's own 10 minutes to 24 hours are too long to
# learn that a host is wrong.
_RETRY_SECONDS: Final = 60.0
# A row may have 100 MB; gRPC takes 4 MB unless it is told otherwise, as Google's own channel is.
_CHANNEL_OPTIONS: Final = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Session(NamedTuple):
    """A read session, which lives 6 hours. streams: their names. rows, bytes: as BigQuery estimates them."""

    streams: Sequence[str]
    schema: pa.Schema
    rows: int
    bytes: int


class Answer(NamedTuple):
    """A query that is done: the table that holds its rows, the bytes that it had to read, and when it began."""

    table: BigQueryTable
    bytes: int
    began: datetime


def answer(project: str, query: str, *, path: str) -> Answer:
    """Runs a query. The same query is answered from BigQuery's cache, at no cost, while its tables stay the same.

    Raises:
      UserError: it is no query, or a table is not there or may not be read, or BigQuery can't be reached.
    """
    with _mistakes(path, about="input.query"):
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery
        from google.cloud.bigquery.retry import DEFAULT_RETRY

        credentials = AnonymousCredentials() if QUERY_EMULATOR in os.environ else None
        retry = DEFAULT_RETRY.with_timeout(_RETRY_SECONDS)
        with bigquery.Client(project=project, credentials=credentials) as client:
            job = client.query(query, retry=retry, timeout=_RETRY_SECONDS)
            job.result(retry=retry, max_results=0)
            table = job.destination
            began = job.created or datetime.now(timezone.utc)
            return Answer(
                BigQueryTable(table.project, table.dataset_id, table.table_id), job.total_bytes_processed or 0, began
            )


def session(
    table: BigQueryTable, *, fields: Sequence[str], at: datetime | None, path: str, streams: int = 0
) -> Session:
    """A read session of some columns of a table, nested ones with dots; no names: of all.

    at: the time whose state is read; None: that of now. streams: how many at most; 0: as BigQuery finds good for a
    table of that size.

    Raises:
      UnknownFieldError: a column is not there.
      UserError: the table is not there or may not be read, or BigQuery can't be reached.
    """
    with _mistakes(path, about="input.path"):
        from google.api_core.exceptions import DeadlineExceeded, InvalidArgument, ServiceUnavailable
        from google.api_core.retry import Retry, if_exception_type
        from google.cloud.bigquery_storage_v1 import types

        wanted = types.ReadSession(
            table=f"projects/{table.project}/datasets/{table.dataset}/tables/{table.table}",
            data_format=types.DataFormat.ARROW,
            read_options=types.ReadSession.TableReadOptions(selected_fields=list(fields)),
        )
        if at is not None:
            wanted.table_modifiers = types.ReadSession.TableModifiers(snapshot_time=at)
        client, project = _client(table.project)
        retry = Retry(if_exception_type(ServiceUnavailable, DeadlineExceeded), timeout=_RETRY_SECONDS)
        with client:
            try:
                made = client.create_read_session(
                    parent=f"projects/{project}",
                    read_session=wanted,
                    max_stream_count=streams,
                    retry=retry,
                    timeout=_RETRY_SECONDS,
                )
            except InvalidArgument as error:
                if fields and "field" in error.message:
                    raise UnknownFieldError(error.message) from error
                raise
        schema = pa.ipc.read_schema(pa.py_buffer(made.arrow_schema.serialized_schema))
        names = [stream.name for stream in made.streams]
        return Session(names, schema, made.estimated_row_count, made.estimated_total_bytes_scanned)


class UnknownFieldError(Exception):
    """A column is not in the table."""


def batches(stream: str, *, path: str) -> Iterator[pa.RecordBatch]:
    """The rows of a stream. After a lost connection it goes on at the row where it was.

    Raises:
      UserError: the stream has ended its life, or may not be read.
    """
    with _mistakes(path, about="input.path"):
        client, _ = _client("")
        with client:
            schema: pa.Schema | None = None
            for message in client.read_rows(stream):
                if schema is None:  # the first message has it
                    schema = pa.ipc.read_schema(pa.py_buffer(message.arrow_schema.serialized_schema))
                rows = pa.py_buffer(message.arrow_record_batch.serialized_record_batch)
                yield pa.ipc.read_record_batch(rows, schema)


def _client(project: str) -> tuple[Any, str]:
    """The client, and the project that pays: that of the credentials, else the table's own."""
    from google.cloud import bigquery_storage_v1

    emulator = os.environ.get(EMULATOR)
    if emulator is None:
        import google.auth

        credentials, own = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        return bigquery_storage_v1.BigQueryReadClient(credentials=credentials), own or project
    import grpc
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    channel = grpc.insecure_channel(emulator, options=_CHANNEL_OPTIONS)
    return bigquery_storage_v1.BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel)), project


@contextmanager
def _mistakes(path: str, *, about: str) -> Iterator[None]:
    """Has errors of Google's libraries that the user can put right become a UserError."""
    try:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import bigquery, bigquery_storage_v1  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"input.path: {path} needs a client that is not installed here; pip install 'textrecords[gcp]'"
        ) from error
    try:
        yield
    except GoogleAuthError as error:
        raise UserError(
            f"input.path: {path}: there are no credentials for Google Cloud; gcloud auth application-default login"
        ) from error
    except exceptions.RetryError as error:
        cause = " ".join(str(error.cause or error).split())
        raise UserError(f"input.path: {path}: BigQuery can't be reached: {cause}") from error
    except exceptions.GoogleAPICallError as error:
        raise UserError(f"{about}: {path}: {_reason(error)}{_remedy(error, exceptions)}") from error


def _reason(error: Any) -> str:
    lines = str(error.message).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _remedy(error: Exception, exceptions: Any) -> str:
    text = str(error)
    if "non-table entities" in text or "is a view" in text.lower():
        return "; it is a view: set input.path to bigquery://project, and input.query to SELECT * FROM its name"
    if isinstance(error, exceptions.PermissionDenied | exceptions.Forbidden):
        roles = "BigQuery Read Session User and BigQuery Data Viewer, and BigQuery Job User for input.query"
        return f"; the account needs the roles {roles}"
    if "expired" in text.lower():
        return "; a read session lives 6 hours: start again with more workers"
    return ""
