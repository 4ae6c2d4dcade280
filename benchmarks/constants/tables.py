"""Reports of constants -> Markdown: the constants, and what they predict for 10^8 and 10^10 texts."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.constants.predictions import CORES, RENAME_SECONDS, RENAMES, WORKERS, Constants, Prediction, predict
from benchmarks.harness.markdown_tables import origin, table
from benchmarks.harness.report import Report, Row

_TEXTS = (1e8, 1e10)
_MB, _GB = 1e6, 1e9


def markdown(reports: Sequence[Report]) -> str:
    """The tables of each report."""
    return "\n\n".join(block for report in reports for block in _blocks(report))


def constants_of(row: Row) -> Constants:
    """The constants that predictions need, of the measured figures."""
    texts, size = row.median("job_texts"), row.median("job_text_bytes")
    counts = row.median("remote_counts_bytes") / texts
    more_buckets = row.median("counts_in_1024_buckets_bytes") / row.median("counts_in_4_buckets_bytes")
    blocks = {int(name.split("_")[2]): row.median(name) for name in row.values if _is_block(name)}
    return Constants(
        cpu_seconds_per_megabyte=cpu_per_megabyte(row, "remote"),
        serial_seconds=row.median("remote_few_cpu_seconds") + row.median("start_cpu_seconds"),
        text_bytes=size / texts,
        counts_bytes=(counts, counts * more_buckets),
        token_bytes=row.median("remote_token_bytes") / texts,
        record_bytes=blocks,
        duplicates_bytes=row.median("remote_duplicates_bytes") / texts,
        merge_bytes=row.median("merge_bytes") / row.median("merge_words_at_once"),
    )


def cpu_per_megabyte(row: Row, way: str) -> float:
    """CPU seconds of a MB of text: what the whole input takes more than a few texts."""
    seconds = row.median(f"{way}_cpu_seconds") - row.median(f"{way}_few_cpu_seconds")
    return seconds / (row.median("job_text_bytes") / _MB)


def _is_block(name: str) -> bool:
    return name.startswith("record_in_") and name.endswith("_bytes")


def _blocks(report: Report) -> Iterator[str]:
    (row,) = report.rows
    constants = constants_of(row)
    yield "### What was measured"
    yield table(["what", "value", "measured by"], list(_constants(row, constants)), words=3)
    yield origin(report)
    yield "### What they predict"
    yield table(["", *(f"10^{len(f'{texts:.0f}') - 1} texts" for texts in _TEXTS)], list(_predictions(constants)))


def _constants(row: Row, constants: Constants) -> Iterator[list[str]]:
    """What is told of each constant: what it is, its value, how it was measured."""
    yield from _times(row, constants)
    yield from _shuffles(row, constants)
    yield from _memory(row, constants)
    yield ["a rename on an object store", f"{RENAME_SECONDS * 1e3:.0f} ms, {RENAMES} at a time", "assumed"]


def _times(row: Row, constants: Constants) -> Iterator[list[str]]:
    local, remote = (cpu_per_megabyte(row, way) for way in ("local", "remote"))
    size, jobs = f"{row.median('job_text_bytes') / _MB:,.0f} MB", "the same jobs"
    blocks = sorted(constants.record_bytes)
    packing = [f"{row.median(f'record_in_{block}_cpu_seconds') * 1e6:.0f} in blocks of {block:,}" for block in blocks]
    per_row = row.median("merge_cpu_seconds") / row.median("merged_rows")
    merged = f"{row.median('merged_rows'):,.0f} rows to {row.median('merged_words'):,.0f} words"
    yield [
        "CPU of all stages on this machine",
        f"{local * 1e3:.0f} ms a MB of text",
        f"whole jobs over {size}, texts of {constants.text_bytes:,.0f} bytes",
    ]
    yield ["CPU of all stages as on remote workers", f"{remote * 1e3:.0f} ms a MB of text", jobs]
    yield ["as on remote workers, against this machine", f"{remote / local:.2f} times", jobs]
    yield ["CPU of a job of ten texts, without imports", f"{row.median('local_few_cpu_seconds'):.1f} s", jobs]
    yield ["CPU of a process's imports", f"{row.median('start_cpu_seconds'):.1f} s", "`start`"]
    yield ["CPU to pack a record, us", ", ".join(packing), "`blocks`"]
    yield ["CPU to merge counts", f"{per_row * 1e6:.2f} us a row of a count table", f"`words`: {merged}"]


def _shuffles(row: Row, constants: Constants) -> Iterator[list[str]]:
    texts, jobs = row.median("job_texts"), "the same jobs"
    few, many = constants.counts_bytes
    here, records = row.median("local_token_bytes") / texts, row.median("remote_records_bytes") / texts
    worst = [f"{number:,.0f} in blocks of {block:,}" for block, number in sorted(constants.record_bytes.items())]
    yield [
        "shuffled: count tables, bytes a text",
        f"{few:.0f} in 4 buckets, {many:.0f} in 1,024",
        f"{jobs}, one bundle; `blocks`",
    ]
    yield ["tokens that wait in files, bytes a text", f"{constants.token_bytes:.0f}", f"{jobs}, remote"]
    yield ["tokens and blocks of records on the local disk, bytes a text", f"{here:.0f}", f"{jobs}, on this machine"]
    yield ["shuffled: records, bytes a text", f"{records:.0f}", f"{jobs}, remote"]
    yield ["... of 500 ids without padding, the worst case", ", ".join(worst), "`blocks`"]
    yield ["shuffled: rows to compare, bytes a text", f"{constants.duplicates_bytes:.0f}", f"{jobs}, remote"]


def _memory(row: Row, constants: Constants) -> Iterator[list[str]]:
    frames = row.median("shard_frame_bytes")
    yield ["memory of a worker process", f"{size(row.median('process_bytes'))} before it has read anything", "`start`"]
    yield [
        "memory to merge a bucket",
        f"{constants.merge_bytes:.0f} bytes a distinct token",
        f"`words`: {row.median('merge_words_at_once'):,.0f} tokens at once",
    ]
    yield [
        "memory to order a shard",
        f"{row.median('shard_bytes') / frames:.1f} times its frames",
        f"`shard`: {size(frames)} of frames",
    ]
    yield [
        f"groups of {row.median('files'):,.0f} files",
        f"{row.median('grouping_cpu_seconds'):.0f} s of CPU, {size(row.median('grouping_bytes'))} in the launcher, "
        f"{size(row.median('groups_packed_bytes'))} to the workers",
        f"`files`: {row.median('groups'):,.0f} groups",
    ]


def _predictions(constants: Constants) -> Iterator[list[str]]:
    found = [predict(constants, texts) for texts in _TEXTS]
    told: dict[str, Callable[[Prediction], str]] = {
        "bytes of text": lambda job: size(job.bytes),
        "CPU": lambda job: f"{job.cpu_seconds / 3600:,.1f} hours of a core",
        f"{WORKERS} workers of {CORES} cores": lambda job: duration(job.seconds),
        "groups of 64 MB": lambda job: f"{job.groups:,.0f}",
        "shuffled: counts": lambda job: _pair(job.counts, size),
        "tokens that wait in files": lambda job: size(job.tokens),
        "shuffled: records, worst case": lambda job: f"{size(job.records)}, in blocks of {job.block:,}",
        "shuffled: rows to compare": lambda job: size(job.duplicates),
        "distinct tokens, power 0.47 to 0.7": lambda job: _pair(job.distinct, count),
        "buckets; tokens in each": lambda job: f"{job.buckets:,}; {_pair(job.bucket_words, count)}",
        "memory to merge a bucket, besides the process": lambda job: _pair(job.merge, size),
        "shards (`auto`), a file each": lambda job: f"{job.shards:,}",
        "renames at the end": lambda job: duration(job.rename_seconds),
    }
    for name, tell in told.items():
        yield [name, *map(tell, found)]


def _pair(values: tuple[float, float], tell: Callable[[float], str]) -> str:
    low, high = values
    return f"{tell(low)} to {tell(high)}"


def count(number: float) -> str:
    """A number of tokens for a person.

    >>> count(4_480_000), count(9030)
    ('4 million', '9,030')
    """
    return f"{number / 1e6:,.0f} million" if number >= 1e6 else f"{number:,.0f}"


def size(number: float) -> str:
    """Bytes for a person.

    >>> size(2.1e13), size(133.3e9), size(2.1e9), size(3.2e7)
    ('21.0 TB', '133 GB', '2.1 GB', '32 MB')
    """
    if number >= 1e12:
        return f"{number / 1e12:,.1f} TB"
    if number >= _GB:
        return f"{number / _GB:,.0f} GB" if number >= 10 * _GB else f"{number / _GB:.1f} GB"
    return f"{number / _MB:.0f} MB"


def duration(seconds: float) -> str:
    """Seconds for a person.

    >>> duration(3.1), duration(150), duration(14_760)
    ('3 s', '2.5 minutes', '4.1 hours')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:.1f} hours"
