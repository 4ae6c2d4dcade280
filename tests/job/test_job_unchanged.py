"""Whole jobs whose input changes while they run: nothing is published, and the error names the file."""

import os
from functools import partial
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.job.stages import Stage
from tests.support.jobs import run_job, small_rows, write_jsonl

LONG_AGO = 1_700_000_000_123_456_789


def change_at(stage: Stage, now: Stage, *, path: str) -> None:
    """Replaces a file by another of the same size, once a stage begins."""
    if now == stage and os.stat(path).st_mtime_ns == LONG_AGO:
        content = Path(path).read_bytes()
        Path(path).write_bytes(content.replace(b"word1", b"WORD9"))


# stage at which the file changes, whether tokens are spilled, whether counts are cached.
TIMES: list[tuple[Stage, bool, bool]] = [
    ("transform", False, False),  # between the passes: an old vocabulary with new records
    ("transform", False, True),  # an entry of the cache with new records
    ("finalize", True, False),  # changed after it was read
]


@pytest.mark.parametrize(("stage", "spills", "caches"), TIMES)
def test_job_refuses_an_input_that_changes(tmp_path: Path, stage: Stage, spills: bool, caches: bool) -> None:
    path = write_jsonl(tmp_path / "rows.jsonl", small_rows(60))
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    settings = {"vocabulary.cache": str(tmp_path / "cache")} if caches else {}
    observe = partial(change_at, stage, path=str(path))
    with pytest.raises(UserError, match=f"^input.path: {path} changed while it was read; start again"):
        run_job(path, tmp_path / "records", settings, spills=spills, observe=observe)
    assert not (tmp_path / "records" / "manifest.json").exists()
