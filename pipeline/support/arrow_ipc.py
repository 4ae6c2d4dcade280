"""Arrow tables <-> bytes of an Arrow IPC stream, the form in which tables cross a Beam stage."""

from typing import Final, Literal

import pyarrow as pa

Codec = Literal["lz4", "zstd"]

# Beam's workers already use a thread a core. With Arrow's own threads a table of 200 kB takes twice the CPU time.
_WRITING: Final = {
    "lz4": pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False),
    "zstd": pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False),
}
_READING: Final = pa.ipc.IpcReadOptions(use_threads=False)


def pack(table: pa.Table, *, codec: Codec = "lz4") -> bytes:
    """A table -> bytes. lz4 halves a count table, at 1 GB/s.

    >>> unpack(pack(pa.table({"a": [1, 2]}))).to_pydict()
    {'a': [1, 2]}
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_WRITING[codec]) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def unpack(packed: bytes) -> pa.Table:
    """The bytes of `pack` -> the same table."""
    with pa.ipc.open_stream(packed, options=_READING) as stream:
        return stream.read_all()
