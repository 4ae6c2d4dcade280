"""A process that reads ORC files for another one, because damaged ones end the process that reads them.

pyarrow's reader of ORC trusts the lengths in a file: one wrong bit in 4,000 ended it with a segmentation fault. What it
needs of memory can't be known before, so this process may have MEMORY_BYTES.

    python -m pipeline.support.orc_child

Standard input and output carry frames (frames.py):

    to here    F  a file to read, as JSON: size, columns (null: only the schema is wanted)
               A  bytes of the file, as they were asked for
    from here  R  asks for bytes of the file: offset and size, 8 bytes each
               S  the schema, as Arrow's IPC has it
               B  rows, as a stream of Arrow's IPC
               D  the file has been read: the number of rows that its footer says, 8 bytes
               E  the file can't be read: why
"""

import json
import resource
import struct
import sys
from contextlib import suppress
from typing import Final

import pyarrow as pa
import pyarrow.orc

from pipeline.support.frames import receive, send
from pipeline.support.placed_file import PlacedFile

# The address space. A stripe is decoded as a whole, and writers make them of 64 to 256 MB.
MEMORY_BYTES: Final = 8 << 30
# Rows that are sent together.
_ROWS: Final = 4096


class _AskedFile(PlacedFile):
    """The file, whose bytes the other process has."""

    def read_at(self, place: int, size: int) -> bytes:
        """The bytes from a place on."""
        send(sys.stdout.buffer, b"R", struct.pack("<qq", place, size))
        _, content = receive(sys.stdin.buffer)
        return content


def _read_file(size: int, columns: list[str] | None) -> None:
    out = sys.stdout.buffer
    file = pyarrow.orc.ORCFile(pa.PythonFile(_AskedFile(size), "r"))
    send(out, b"S", file.schema.serialize().to_pybytes())
    for stripe in range(file.nstripes) if columns is not None else ():
        table = file.read_stripe(stripe, columns=columns)
        for first in range(0, table.num_rows, _ROWS):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as stream:
                stream.write_batch(table.slice(first, _ROWS))
            send(out, b"B", sink.getvalue().to_pybytes())
    send(out, b"D", struct.pack("<q", file.nrows))


def main() -> None:
    """Reads files until standard input ends."""
    with suppress(ValueError, OSError):  # a system without such limits, or with lower ones
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        kind, content = receive(sys.stdin.buffer)
        if kind != b"F":
            return
        try:
            _read_file(**json.loads(content))
        except Exception as error:  # Arrow's, those of memory and of names that are not UTF-8
            send(sys.stdout.buffer, b"E", f"{type(error).__name__}: {error}".encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
