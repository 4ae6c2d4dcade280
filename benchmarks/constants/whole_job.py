"""`python -m benchmarks.constants.whole_job RESULT FEW WHOLE REPEATS`: jobs as on this machine and as on remote ones.

In: two Parquet files with text, label and split. Out: RESULT, a JSON file with the CPU seconds of both ways on both
files in each repeat, the bytes that crossed each shuffle, and those of the tokens that waited in files.

Both ways run here, in this process, in turn, with one worker. Remote workers have no disk together. So blocks of
records cross the runner's shuffle, and tokens wait in the job's folder for temporary files.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from apache_beam.runners.portability.fn_api_runner import execution

from benchmarks.constants import waiting
from pipeline.config.load import load
from pipeline.job.run import run
from pipeline.support.process import limit_allocators

WAYS = {"local": True, "remote": False}


def main(result: str, few: str, whole: str, repeats: str) -> None:
    """Runs all of them; the first run pays for what is loaded late, and does not count."""
    limit_allocators()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        os.environ[waiting.FOLDER] = folder
        _run(whole, folder, spills=True)
        figures: defaultdict[str, list[float]] = defaultdict(list)
        for way, spills in list(WAYS.items()) * int(repeats):
            figures[f"{way}_few_cpu_seconds"].append(_run(few, folder, spills=spills))
            with _Shuffles() as shuffles:
                figures[f"{way}_cpu_seconds"].append(_run(whole, folder, spills=spills))
            for kind, size in shuffles.bytes_by_kind().items():
                figures[f"{way}_{kind}_bytes"].append(size)
            figures[f"{way}_token_bytes"].append(waiting.tokens[-1])
    Path(result).write_text(json.dumps(figures))


def _run(path: str, folder: str, *, spills: bool) -> float:
    """The CPU seconds of a job."""
    output = f"{folder}/records"
    config = load(None, {"input.path": path, "output.path": output, "split.column": "split"})
    begin = time.process_time()
    run(
        config,
        ["--direct_num_workers=1"],
        overwrite=True,
        display=lambda _: nullcontext(),
        spills=spills,
        observe=waiting.look,
    )
    seconds = time.process_time() - begin
    shutil.rmtree(output)
    return seconds


class _Shuffles:
    """Within it, the bytes that cross each shuffle of Beam's in-process runner are added up."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._changes = ExitStack()

    def __enter__(self) -> "_Shuffles":
        names: dict[int, str] = {}
        get_buffer, append = execution.BundleContextManager.get_buffer, execution.GroupingBuffer.append

        def named(manager: Any, buffer_id: bytes, transform_id: str) -> Any:
            buffer = get_buffer(manager, buffer_id, transform_id)
            kind, name = execution.split_buffer_id(buffer_id)
            if kind == "group":
                components = manager.execution_context.pipeline_components
                names[id(buffer)] = components.transforms[name].unique_name
            return buffer

        def counted(buffer: Any, data: bytes) -> None:
            self._bytes[names[id(buffer)]] += len(data)
            append(buffer, data)

        self._changes.enter_context(patch.object(execution.BundleContextManager, "get_buffer", named))
        self._changes.enter_context(patch.object(execution.GroupingBuffer, "append", counted))
        return self

    def __exit__(self, *_: object) -> None:
        self._changes.close()

    def bytes_by_kind(self) -> dict[str, int]:
        """The bytes by what they hold."""
        return by_kind(self._bytes)


def by_kind(sizes: dict[str, int]) -> dict[str, int]:
    """Bytes by the name of a shuffle -> by what crosses it.

    >>> by_kind({"CountWords/GroupByBucket": 5, "WriteRecords/GroupByShard": 7, "Tasks/Spread/GroupByKey": 1})
    {'counts': 5, 'records': 7, 'duplicates': 0, 'other': 1}
    """
    kinds = {"GroupByBucket": "counts", "GroupByShard": "records", "GroupByTokens": "duplicates"}
    found = dict.fromkeys([*kinds.values(), "other"], 0)
    for name, size in sizes.items():
        found[kinds.get(name.rpartition("/")[2], "other")] += size
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
