"""pipeline.files.listing: what the clients of s3:// and azfs:// answer where no stand-in does so; no store is asked."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from apache_beam.io.azure.blobstorageio import BlobStorageError
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from pipeline.files import listing
from pipeline.files.beam import BeamFiles
from pipeline.files.local import stamp_of_version

ROOT = "azfs://account/container"


class Azure:
    """Azure's store, as far as listing.py asks it; name -> size and ETag."""

    def __init__(self, blobs: dict[str, tuple[int, str]]) -> None:
        self.blobs, self.requests = blobs, 0
        self.client = SimpleNamespace(get_container_client=lambda _: SimpleNamespace(list_blobs=self.list_blobs))

    def list_blobs(self, name_starts_with: str) -> Iterator[SimpleNamespace]:
        self.requests += 1
        for name, (size, etag) in self.blobs.items():
            if name.startswith(name_starts_with):
                yield SimpleNamespace(name=name, size=size, etag=etag)

    def _status(self, path: str) -> dict[str, Any]:
        self.requests += 1
        name = path.removeprefix(f"{ROOT}/")
        if name == "secret":
            raise BlobStorageError("no permission", 403)
        if name not in self.blobs:
            raise BlobStorageError("there is no such blob", 404)
        size, etag = self.blobs[name]
        return {"size": size, "checksum": f'"{etag}"'}  # with quotes, unlike a listing


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Azure:
    store = Azure({"in/": (0, "0x1"), "in/b.csv": (3, "0x2"), "in/a.csv": (3, "0x3"), "inner.csv": (3, "0x4")})
    filesystem = SimpleNamespace(scheme=lambda: "azfs", _blobstorageIO=lambda: store)
    monkeypatch.setattr(FileSystems, "get_filesystem", lambda _: filesystem)
    return store


def test_listing_of_azure_has_the_etag(azure: Azure) -> None:
    files = BeamFiles()
    both = [(f"{ROOT}/in/a.csv", stamp_of_version(3, "0x3")), (f"{ROOT}/in/b.csv", stamp_of_version(3, "0x2"))]
    assert [(file.path, file.stamp) for file in files.match(f"{ROOT}/in")] == both
    assert [(file.path, file.stamp) for file in files.match(f"{ROOT}/in/?.csv")] == both
    assert [(file.path, file.stamp) for file in files.match(f"{ROOT}/in/a.csv")] == both[:1]
    azure.requests = 0
    assert files.below(f"{ROOT}/in/") == files.match(f"{ROOT}/in/")
    assert azure.requests == 2
    assert files.stamp(f"{ROOT}/in/a.csv") == both[0][1]
    assert azure.requests == 3
    azure.blobs["in/a.csv"] = (3, "0x5")
    assert files.stamp(f"{ROOT}/in/a.csv") == stamp_of_version(3, "0x5")


@pytest.mark.usefixtures("azure")
def test_listing_tells_a_missing_object_from_one_that_is_refused() -> None:
    files = BeamFiles()
    assert files.exists(f"{ROOT}/in/a.csv")
    assert not files.exists(f"{ROOT}/in/c.csv")
    assert not files.exists(ROOT)  # a bucket is no file
    assert files.stamp(f"{ROOT}/in/c.csv") == b""
    with pytest.raises(BeamIOError, match="no permission"):
        files.stamp(f"{ROOT}/secret")


class ClientError(Exception):
    """As botocore raises them."""

    def __init__(self, code: int) -> None:
        super().__init__(f"status {code}")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": code}}


# Token of a page -> the page, or the error instead. Amazon may answer with a page without objects, and go on after it.
PAGES: dict[str, Any] = {
    "": {"Contents": [{"Key": "in/a", "Size": 1, "ETag": '"x"'}], "NextContinuationToken": "2"},
    "2": {"NextContinuationToken": "3"},
    "3": {"Contents": [{"Key": "in/b", "Size": 2, "ETag": '"y"'}, {"Key": "in/a", "Size": 1, "ETag": '"x"'}]},
}

# the page that fails, its status -> the objects; None: an error
FAILURES = [
    (None, 0, ["in/a", "in/b"]),
    ("", 404, []),  # there is no such bucket
    ("3", 403, None),
]


@pytest.mark.parametrize(("token", "status", "keys"), FAILURES)
def test_listing_of_amazon_reads_all_pages(
    token: str | None, status: int, keys: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_objects_v2(**query: str) -> dict[str, Any]:
        page = query.pop("ContinuationToken", "")
        assert query == {"Bucket": "bucket", "Prefix": "in/"}
        if page == token:
            raise ClientError(status)
        return PAGES[page]

    client = SimpleNamespace(client=SimpleNamespace(list_objects_v2=list_objects_v2))
    monkeypatch.setattr(listing, "S3IO", lambda **_: SimpleNamespace(client=client))
    if keys is None:
        with pytest.raises(BeamIOError, match="status 403"):
            BeamFiles().below("s3://bucket/in")
    else:
        assert [file.path for file in BeamFiles().below("s3://bucket/in")] == [f"s3://bucket/{key}" for key in keys]
