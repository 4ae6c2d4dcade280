"""Constants of the job as they were measured -> what a job of many texts takes: arithmetic, no measurement.

How many distinct tokens there are grows as a power of the bytes of text (H. S. Heaps, Information Retrieval, 1978). In
IMDB it is the 0.47th power. Text of the web, with names, numbers and typing errors, grows faster: 0.7 is taken for the
worst case.
"""

import math
from typing import Final, NamedTuple

from pipeline.job.limits import DEFAULT_LIMITS
from pipeline.sources.task_groups import MAX_RANGE_BYTES

# IMDB's distinct tokens in its first 100 MB, and the powers by which they grow, at the least and at the most.
_DISTINCT: Final = 152_355
_DISTINCT_BYTES: Final = 100e6
_POWERS: Final = (0.47, 0.7)
# Of an object store, assumed: seconds of a rename, and how many are done at a time.
RENAME_SECONDS: Final = 0.1
RENAMES: Final = 16
# Workers of the predicted job, and cores of each.
WORKERS: Final = 20
CORES: Final = 4


class Constants(NamedTuple):
    """What predictions need.

    cpu_seconds_per_megabyte: of all stages, on remote workers. serial_seconds: CPU that no worker can take over.
    text_bytes: of a text. counts_bytes: of a text's share in count tables, in few buckets and in 1,024. token_bytes: of
    a text's tokens that wait between the passes. record_bytes: of a record by the number of records in its block, at
    the worst. duplicates_bytes: of a text's rows to compare. merge_bytes: memory for a distinct token of a bucket.
    """

    cpu_seconds_per_megabyte: float
    serial_seconds: float
    text_bytes: float
    counts_bytes: tuple[float, float]
    token_bytes: float
    record_bytes: dict[int, float]
    duplicates_bytes: float
    merge_bytes: float


class Prediction(NamedTuple):
    """A job of many texts. Pairs are at the least and at the most.

    bytes: of text. cpu_seconds: of all workers. seconds: with WORKERS x CORES cores. groups: task groups. counts,
    tokens, records, duplicates: bytes that cross a shuffle or wait in files. distinct: tokens. buckets: of tokens.
    bucket_words: in each. merge: bytes of memory to merge one, besides those of the process. shards: of all splits.
    block: records in a block. rename_seconds: to publish the shards on an object store.
    """

    texts: float
    bytes: float
    cpu_seconds: float
    seconds: float
    groups: float
    counts: tuple[float, float]
    tokens: float
    records: float
    duplicates: float
    distinct: tuple[float, float]
    buckets: int
    bucket_words: tuple[float, float]
    merge: tuple[float, float]
    shards: int
    block: int
    rename_seconds: float


def predict(constants: Constants, texts: float) -> Prediction:
    """What a job of so many texts takes, with the default settings."""
    size = texts * constants.text_bytes
    cpu = size / 1e6 * constants.cpu_seconds_per_megabyte
    groups = size / MAX_RANGE_BYTES
    buckets = int(
        min(DEFAULT_LIMITS.max_buckets, DEFAULT_LIMITS.min_token_buckets + size // DEFAULT_LIMITS.bucket_bytes)
    )
    shards = math.ceil(size / DEFAULT_LIMITS.shard_bytes)
    low, high = (distinct_tokens(size, power) for power in _POWERS)
    block = block_of(texts / groups / shards, constants.record_bytes)
    return Prediction(
        texts=texts,
        bytes=size,
        cpu_seconds=cpu,
        seconds=constants.serial_seconds + cpu / (WORKERS * CORES),
        groups=groups,
        counts=(texts * constants.counts_bytes[0], texts * constants.counts_bytes[1]),
        tokens=texts * constants.token_bytes,
        records=texts * constants.record_bytes[block],
        duplicates=texts * constants.duplicates_bytes,
        distinct=(low, high),
        buckets=buckets,
        bucket_words=(low / buckets, high / buckets),
        merge=(low / buckets * constants.merge_bytes, high / buckets * constants.merge_bytes),
        shards=shards,
        block=block,
        rename_seconds=shards * RENAME_SECONDS / RENAMES,
    )


def distinct_tokens(size: float, power: float) -> float:
    """How many distinct tokens so many bytes of text have.

    >>> distinct_tokens(100e6, 0.47), distinct_tokens(10_000e6, 0.5)  # a hundred times the text, ten times the tokens
    (152355.0, 1523550.0)
    """
    return float(_DISTINCT * (size / _DISTINCT_BYTES) ** power)


def block_of(records: float, measured: dict[int, float]) -> int:
    """The measured size of a block that is nearest below a number of records; 1 if there is none.

    >>> block_of(99.0, {1: 1734, 10: 1100, 100: 1042}), block_of(0.8, {1: 1734, 10: 1100})
    (10, 1)
    """
    return max([size for size in measured if size <= max(records, 1)])
