"""The sizes by which a job divides its work; the plan holds them, and tests pass smaller ones.

In: nothing. Out: sizes in bytes, rows or pieces, each with its reason. Some of them change what a job writes: the three
sizes of shards, the samples for the manifest's estimates, and the number of files in rejected/. The others do not.
"""

from dataclasses import dataclass
from typing import Final

from pipeline.sources.reading import BATCH_BYTES, BATCH_ROWS

_MB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes of a job.

    Reading.
      task_bytes: the largest byte range of a file that one read task reads; None: by the input's size
        (sources/task_groups.py).
      batch_rows, batch_bytes: rows and bytes of text of a batch (sources/reading.py).
      max_labels: more distinct labels than these end the run. A text column that was taken for the label column has as
        many labels as rows; to collect all of them is of no use.
      sampled_bytes: of more input, distinctive words and text quality come from a sample of this size. They take 8 ms a
        MB of text on one machine and 24 ms on another: there 16 MB of Parquet (52 MB of text) took 0.6 s of a job of
        14 s with two threads. With 8 MB of text, shares are right within 1%.
      compared_bytes: of so much input the graph's ids are compared with those of the records: some 200 reviews.
        Loading the graph takes 0.1 s, and asking it 0.3 s.
      near_bytes: of more input, near duplicates are searched in a sample of this size. Signatures take 4 us a row, 20
        ms for 4 MB of reviews. A share of 5% of a test split of a tenth is right within 1.5%.

    Shards.
      shard_bytes: bytes of input for each shard with `output.shards: auto`: 200,000 reviews, 53 MB as gzip.
      small_shards, small_shard_bytes: a small input has up to this many shards, each for this many bytes of input. One
        core sorts and compresses a shard, at 6 us a record.
      sort_range_bytes: bytes of input for each sort range of a shard: 5 MB of frames from plain text, 12 MB from
        Parquet.
      max_sort_ranges: sort ranges of a shard. A piece's number has 8 bits, and each range has a piece in every block.

    Buckets.
      bucket_bytes: bytes of input for each bucket of tokens or rows. 256 MB hold 2 million distinct tokens at most, a
        count table of 100 MB.
      min_token_buckets: buckets of tokens of a small input, so that several cores merge.
      min_row_buckets: buckets of rows of a small input. A million rows take 1 s of CPU, whatever their texts' size.
      max_buckets: buckets of a large input.

    What waits in a bundle.
      block_bytes: bytes of a block: 3,000 records of 500 ids. Larger blocks save nothing, and a worker holds a block
        for each of hundreds of shards.
      pending_block_bytes: bytes of all blocks of a bundle; above it they go out, full or not.
      pending_rows: rows of 21 bytes that wait to be searched for duplicates. With 2**20 of them a job over a million
        texts took 50 MB more.

    rejected_file_groups: task groups whose rejected rows go into one file of rejected/.
    """

    task_bytes: int | None = None
    batch_rows: int = BATCH_ROWS
    batch_bytes: int = BATCH_BYTES
    max_labels: int = 10_000
    sampled_bytes: int = 8 * _MB
    near_bytes: int = 4 * _MB
    compared_bytes: int = _MB // 4

    shard_bytes: int = 256 * _MB
    small_shards: int = 4
    small_shard_bytes: int = 4 * _MB
    sort_range_bytes: int = 8 * _MB
    max_sort_ranges: int = 64

    bucket_bytes: int = 256 * _MB
    min_token_buckets: int = 4
    min_row_buckets: int = 8
    max_buckets: int = 1024

    block_bytes: int = 2 * _MB
    pending_block_bytes: int = 256 * _MB
    pending_rows: int = 1 << 18

    rejected_file_groups: int = 256


DEFAULT_LIMITS: Final = Limits()
