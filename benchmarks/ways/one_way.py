"""`python -m benchmarks.ways.one_way WAY INPUT OUTPUT`: one run of the job, as the suite measures it.

OUTPUT.counts beside the output is the folder of `vocabulary.cache`, for the ways that have one.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.config.load import load
from pipeline.support.tensorflow_startup import import_tensorflow

LOCAL, REMOTE, FRESH_CACHE, FULL_CACHE = "local", "remote", "fresh cache", "full cache"
WAYS = (LOCAL, REMOTE, FRESH_CACHE, FULL_CACHE)


@contextmanager
def _no_display(_folder: str) -> Iterator[None]:
    yield


def main(way: str, path: str, output: str) -> None:
    """Runs the job. As for workers elsewhere: tokens in zstd below the output, records through the runner's shuffle."""
    settings = {"input.path": path, "output.path": output, "split.column": "split"}
    if way in (FRESH_CACHE, FULL_CACHE):
        settings["vocabulary.cache"] = f"{output}.counts"
    import_tensorflow(beside_transform=True)
    from pipeline.job.run import run

    run(load(None, settings), overwrite=True, display=_no_display, spills=way != REMOTE)


if __name__ == "__main__":
    main(*sys.argv[1:])
