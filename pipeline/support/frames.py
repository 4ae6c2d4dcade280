"""Frames between two processes: a character, the length in 8 bytes, and the content."""

import struct
from typing import IO


def send(file: IO[bytes], kind: bytes, content: bytes) -> None:
    """Writes a frame."""
    file.write(kind + struct.pack("<q", len(content)))
    file.write(content)
    file.flush()


def receive(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Reads a frame; two times nothing at the end."""
    head = file.read(9)
    if len(head) < 9:
        return b"", b""
    (size,) = struct.unpack("<q", head[1:])
    content = file.read(size)
    return (head[:1], content) if len(content) == size else (b"", b"")
