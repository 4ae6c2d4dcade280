"""The size of the largest shard -> Beam's resource hints for the steps that take the most memory.

These steps merge the counts of a bucket, and write a shard. They ask for the same, so that a job has two kinds of
workers at most.
"""

import math
from typing import Final

# Measured, see docs/explanation/scale.md: a worker process before it has read anything; the peak of one that merges a
# bucket of two million tokens; what it takes to order a shard, 482 MB for 265 MB of texts.
_PROCESS_BYTES: Final = 750_000_000
_MERGE_BYTES: Final = 2_170_000_000
_ORDER_BYTES_PER_BYTE: Final = 482 / 265


def memory_hints(largest_shard_bytes: float) -> dict[str, str]:
    """The memory that a worker of one core needs; each further core of a worker runs a process that needs as much.

    >>> memory_hints(256e6)  # merging counts needs more
    {'min_ram': '2170000000B'}
    >>> memory_hints(2560e6)  # output.shards asks for few shards
    {'min_ram': '5406301887B'}
    """
    order = _PROCESS_BYTES + math.ceil(_ORDER_BYTES_PER_BYTE * largest_shard_bytes)
    return {"min_ram": f"{max(_MERGE_BYTES, order)}B"}
