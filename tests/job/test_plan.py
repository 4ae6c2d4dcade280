"""pipeline.job.plan: how the size of the input divides the work; numbers worked out by hand."""

from dataclasses import replace

import pytest

from pipeline.config.load import load
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.plan import Plan

MB, GB, TB = 1 << 20, 1 << 30, 1 << 40


def plan_of(size: int, settings: dict[str, str], *, limits: Limits = DEFAULT_LIMITS, spills: bool = True) -> Plan:
    config = load(None, settings)
    return Plan(
        config=config, task_groups=1000, input_files=1, input_bytes=size, staging="s", spills=spills, limits=limits
    )


COLUMN = {"split.column": "part"}

# settings, bytes of input -> shards of each split, sort ranges of a shard
SHARDS = [
    ({}, 0, (1, 1, 1), 1),  # the built-in corpus
    ({}, 3 * MB, (1, 1, 1), 1),
    ({}, 9 * MB, (2, 1, 1), 1),  # 2 shards of 4 MB, 0.8 of them are 1.6
    ({}, 33 * MB, (4, 1, 1), 1),
    ({}, GB, (4, 1, 1), 26),  # 0.2 of 1,024 MB in 8 MB each are 25.6
    ({}, 10 * GB, (32, 4, 4), 32),
    (COLUMN, 33 * MB, (4, 4, 4), 2),  # a column may put all rows into one split: 33 / 4 MB a shard
    ({"split.train": "0.9", "split.test": "0"}, 33 * MB, (4, 1, 1), 1),  # an empty split has a file as well
    ({"output.shards": "3"}, 10 * GB, (3, 3, 3), 64),  # as many ranges as the limit allows
]


@pytest.mark.parametrize(("settings", "size", "shards", "sort_ranges"), SHARDS)
def test_plan_divides_records(
    settings: dict[str, str], size: int, shards: tuple[int, int, int], sort_ranges: int
) -> None:
    plan = plan_of(size, settings)
    assert plan.shards == shards
    assert plan.sort_ranges == sort_ranges
    assert plan_of(size, settings, spills=False).sort_ranges == 1


# settings, bytes with and without labels -> shards of each split, of the texts without labels, sort ranges of a shard
UNLABELLED: list[tuple[dict[str, str], int, int, tuple[int, int, int], int, int]] = [
    ({}, 33 * MB, 3 * MB, (4, 1, 1), 1, 1),
    ({}, 3 * MB, 33 * MB, (1, 1, 1), 4, 2),
    ({}, 0, GB, (1, 1, 1), 4, 32),  # beside the built-in corpus
    ({}, 9 * MB, 10 * GB, (2, 1, 1), 40, 32),
    ({"output.shards": "3"}, MB, 10 * GB, (3, 3, 3), 3, 64),
]


@pytest.mark.parametrize(
    ("settings", "labelled", "unlabelled", "shards", "unlabelled_shards", "sort_ranges"), UNLABELLED
)
def test_plan_divides_records_of_both_kinds_each_by_its_size(
    settings: dict[str, str],
    labelled: int,
    unlabelled: int,
    shards: tuple[int, int, int],
    unlabelled_shards: int,
    sort_ranges: int,
) -> None:
    plan = replace(plan_of(labelled + unlabelled, settings), unlabelled_files=1, unlabelled_bytes=unlabelled)
    assert (plan.shards, plan.unlabelled_shards, plan.sort_ranges) == (shards, unlabelled_shards, sort_ranges)
    assert plan.sampled_share == plan_of(labelled, settings).sampled_share
    assert plan.write_options.all_shards()[-1] == ("unlabelled", unlabelled_shards - 1)


# bytes of input -> buckets of tokens, buckets of rows, share of the rows that is sampled
BUCKETS = [
    (0, 4, 8, 1.0),
    (16 * MB, 4, 8, 0.5),
    (GB, 8, 12, 1 / 128),
    (TB, 1024, 1024, 1 / 131_072),
]


@pytest.mark.parametrize(("size", "token_buckets", "row_buckets", "share"), BUCKETS)
def test_plan_divides_tokens_and_rows(size: int, token_buckets: int, row_buckets: int, share: float) -> None:
    plan = plan_of(size, {})
    assert (plan.token_buckets, plan.row_buckets) == (token_buckets, row_buckets)
    assert plan.write_options.row_buckets == row_buckets
    assert plan.sampled_share == plan.read_options.quality.share == plan.write_options.sampled_share == share


# bytes of input -> share of the rows whose ids are compared with the graph's
COMPARED = [(1, 1.0), (1 << 18, 1.0), (1 << 20, 0.25), (1 << 30, 1 / 4096)]


@pytest.mark.parametrize(("size", "share"), COMPARED)
def test_plan_compares_rows_whose_texts_are_kept(size: int, share: float) -> None:
    assert plan_of(size, {}).compared_share == share <= plan_of(size, {}).sampled_share
    few = plan_of(size, {}, limits=Limits(sampled_bytes=1))
    assert few.compared_share == few.sampled_share


def test_plan_takes_other_limits() -> None:
    limits = Limits(shard_bytes=10, small_shards=1, sort_range_bytes=5, bucket_bytes=50, rejected_file_groups=100)
    plan = plan_of(100, COLUMN, limits=limits)
    assert plan.shards == (10, 10, 10)
    assert plan.sort_ranges == 2
    assert (plan.token_buckets, plan.row_buckets, plan.rejected_files) == (6, 10, 11)
    assert plan.read_options.limits == plan.write_options.limits == limits


# whether blocks are spilled, folder of temporary files -> where tokens wait, how they are packed
PLACES = [
    (True, None, "s/work/blocks", "lz4"),
    (True, "/tmp/t", "/tmp/t/blocks", "lz4"),
    (False, None, "s/work/tokens", "zstd"),
    (False, "gs://b/t", "gs://b/t/tokens", "zstd"),
]


@pytest.mark.parametrize(("spills", "temp", "folder", "codec"), PLACES)
def test_plan_tokens_wait_where_all_workers_reach_them(spills: bool, temp: str | None, folder: str, codec: str) -> None:
    assert replace(plan_of(1, {}, spills=spills), temp_folder=temp).token_place == (folder, codec)
