"""pipeline.job.spill: blocks on their way, through the shuffle and on disk.

test_faults.py compares what a job writes that spills in many sort ranges; test_job.py has a job that spills nothing.
"""

import resource
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline.job.spill import BlockReader, BlockWriter, naming
from pipeline.job.write import WriteShard
from pipeline.runners.options import beam_options, choose_runner, holds_shuffles_in_memory
from tests.support.jobs import run_job, small_rows, write_jsonl

# blocks of each bundle: (sort range, piece) of each block -> pieces of sort ranges 0, 1 and 63
BUNDLES = [
    ([], [], [], []),
    ([[]], [], [], []),  # a bundle without a row
    ([[[(0, b"a")]]], [b"a"], [], []),
    ([[[(1, b"")]]], [], [b""], []),
    ([[[(0, b"a"), (63, b"bc")], [(63, b"d")]], [[(0, b"e"), (1, b"f")]]], [b"a", b"e"], [b"f"], [b"bc", b"d"]),
    ([[[(1, bytes(300_000))]], [[(1, b"x" * 70_000)]]], [], [bytes(300_000), b"x" * 70_000], []),
]


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(("bundles", "first", "second", "last"), BUNDLES)
def test_spill_gives_the_pieces_of_a_sort_range(
    bundles: list[list[list[tuple[int, bytes]]]],
    first: list[bytes],
    second: list[bytes],
    last: list[bytes],
    on_disk: bool,
    tmp_path: Path,
) -> None:
    folder = str(tmp_path) if on_disk else None
    crossed = []
    for blocks in bundles:
        writer = BlockWriter(folder)
        crossed += [writer.write(block) for block in blocks]
    reader = BlockReader(crossed, folder)
    assert [list(reader.pieces(number)) for number in (0, 1, 63)] == [first, second, last]
    assert len(list(tmp_path.iterdir())) == (sum(map(bool, bundles)) if on_disk else 0)


def test_spill_references_are_small(tmp_path: Path) -> None:
    writer = BlockWriter(str(tmp_path))
    assert len(writer.write([(number, bytes(30_000)) for number in range(64)])) < 1000
    # 1 + 13 bytes beside the record: there are jobs with a block a record (docs/explanation/scale.md)
    assert len(BlockWriter(None).write([(5, bytes(700))])) == 714


def _flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[6] ^= 1
    file.write_bytes(content)


# what happens to the file -> the error
DAMAGES = [
    (_flipped, "is damaged: it does not hold at byte 4 the 5 bytes that"),
    (lambda file: file.write_bytes(file.read_bytes()[:-1]), "is damaged: it does not hold at byte 4 the 5 bytes"),
    (lambda file: file.unlink(), "No such file"),
]


@pytest.mark.parametrize(("damage", "expected"), DAMAGES, ids=["bit", "end", "gone"])
def test_spill_names_the_file_that_is_damaged(damage: Any, expected: str, tmp_path: Path) -> None:
    writer = BlockWriter(str(tmp_path))
    crossed = [writer.write([(0, b"good")]), writer.write([(1, b"wrong")])]
    (file,) = tmp_path.iterdir()
    damage(file)
    reader = BlockReader(crossed, str(tmp_path))
    with pytest.raises(OSError, match=expected) as raised:
        list(reader.pieces(1))
    assert str(file) in str(raised.value)


def test_spill_names_the_file_for_which_the_disk_is_full(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = BlockWriter(str(tmp_path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as raised:
            writer.write([(0, bytes(2_000_000))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert raised.value.filename == str(next(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device: 'gs://b/tokens'"),
        (OSError("Connection reset by peer"), "gs://b/tokens: Connection reset by peer"),  # of a store's client
    ],
)
def test_spill_naming_keeps_what_the_error_says(error: OSError, expected: str) -> None:
    with pytest.raises(OSError, match="gs://b/tokens") as raised, naming("gs://b/tokens"):
        raise error
    assert str(raised.value) == expected


def test_spill_late_workers_make_no_folder(tmp_path: Path) -> None:
    writer = BlockWriter(f"{tmp_path}/removed")
    with pytest.raises(FileNotFoundError):
        writer.write([(0, b"a")])
    assert not list(tmp_path.iterdir())


def test_spill_late_readers_fail_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        BlockReader([], f"{tmp_path}/removed")


# options for Beam -> whether its runner holds shuffles in memory
RUNNERS = [
    ([], True),
    (["--runner=DirectRunner", "--direct_running_mode=multi_threading"], True),
    (["--direct_running_mode=multi_processing"], True),  # its workers are this machine's
    (["--runner=apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner"], True),
    (["--runner=PrismRunner"], False),
    (["--runner=DataflowRunner"], False),
    (["--runner=FlinkRunner"], False),
    (["--runner=PortableRunner", "--environment_type=LOOPBACK"], False),
]


@pytest.mark.parametrize(("arguments", "expected"), RUNNERS)
def test_spill_is_for_runners_in_this_process(arguments: list[str], expected: bool) -> None:
    runner = choose_runner(beam_options(arguments), input_bytes=1000)
    assert holds_shuffles_in_memory(runner) == expected


def test_spill_removes_blocks_when_a_job_fails_and_names_the_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[Path] = []
    process = WriteShard.process

    def damaged(self: WriteShard, shard: tuple[int, Iterable[bytes]]) -> Iterable[Any]:
        found = sorted(tmp_path.glob("records/.staging-*/work/blocks/*"), key=lambda file: file.stat().st_mtime_ns)
        files[:] = found[1:]  # the first is of tokens, and nobody will read it again
        for file in files:
            file.write_bytes(bytes(file.stat().st_size))
        return process(self, shard)

    monkeypatch.setattr(WriteShard, "process", damaged)
    with pytest.raises(OSError, match="is damaged") as raised:
        run_job(write_jsonl(tmp_path / "rows.jsonl", small_rows()), tmp_path / "records")
    assert len(files) == 1
    assert str(files[0]) in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
