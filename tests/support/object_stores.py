"""Two object stores on this machine, as Beam reaches the real ones: gs://bucket/ and s3://bucket/."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from apache_beam.internal.gcp import auth
from gcp_storage_emulator.server import create_server
from moto.server import ThreadedMotoServer

BUCKET = "bucket"


@contextmanager
def gs_store() -> Iterator[list[str]]:
    """Google's store; the options for Beam."""
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=BUCKET)
    server.start()
    host, port = server._api._httpd.server_address
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
        patch.setenv("NO_GCE_CHECK", "true")
        # Beam looks for credentials five times, 30 s in all, before it does without.
        patch.setattr(auth._Credentials, "_credentials_init", True)
        patch.setattr(auth._Credentials, "_credentials", None)
        try:
            yield []
        finally:
            server.stop()


@contextmanager
def s3_store() -> Iterator[list[str]]:
    """Amazon's store; the options for Beam."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # Beam makes a client for each call, which takes longer than what it calls for.
        patch.setattr(boto3.session.Session, "client", functools.cache(boto3.session.Session.client))
        patch.setattr(boto3.session, "Session", functools.cache(boto3.session.Session))
        try:
            boto3.client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
            yield [f"--s3_endpoint_url={url}"]
        finally:
            server.stop()


STORES = {"gs": gs_store, "s3": s3_store}
