"""Archives of files, in the ways in which people pack them: name of the way -> a function from files to bytes."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Final, Literal

import zstandard

Mode = Literal["w", "w:gz", "w:bz2", "w:xz"]
MODES: Final[Mapping[str, Mode]] = {
    "tar": "w", "tgz": "w:gz", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"
}  # fmt: skip


def zipped(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes], *, mode: Mode = "w", format: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=format) as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def packed(files: Mapping[str, bytes], ending: str) -> bytes:
    """An archive whose name has this ending."""
    if ending == "stored.zip":
        return zipped(files, method=zipfile.ZIP_STORED)
    if ending == "zip":
        return zipped(files)
    if ending == "tar.zst":
        return zstandard.ZstdCompressor(write_checksum=True).compress(tarred(files))
    return tarred(files, mode=MODES[ending])


ENDINGS = ("zip", "stored.zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "tar.zst")
