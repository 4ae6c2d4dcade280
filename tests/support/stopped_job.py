"""`python -m pipeline`, whose workers wait when they come to a stage: so that a test stops it at a known point.

    python -c "from tests.support.stopped_job import main; main()" STAGE FOLDER ARGUMENT...

FOLDER/reached appears when the first worker is there. Workers go on when their staging folder, FOLDER/out/.staging-*,
is gone: an interrupted run removes it. After DEADLINE they fail.
"""

import runpy
import sys
import time
from functools import partial
from pathlib import Path
from typing import cast

from pipeline.job.stages import Stage
from pipeline.support.tensorflow_startup import import_tensorflow

COMMAND = (sys.executable, "-c", "from tests.support.stopped_job import main; main()")

# Seconds, longer than the test waits for `reached` and for the end together.
DEADLINE = 240


def wait_at(stage: Stage, *, stop_at: Stage, folder: Path) -> None:
    """The observer of the job, on workers."""
    if stage == stop_at:
        (folder / "reached").touch()
        deadline = time.monotonic() + DEADLINE
        while any((folder / "out").glob(".staging-*")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{folder / 'out'}: nobody stopped the job or removed its staging folder")
            time.sleep(0.01)


def main() -> None:
    stop_at, folder, *arguments = sys.argv[1:]
    import_tensorflow(beside_transform=True)
    from pipeline.job import run

    run.run = partial(run.run, observe=partial(wait_at, stop_at=cast("Stage", stop_at), folder=Path(folder)))
    sys.argv[1:] = arguments
    runpy.run_module("pipeline", run_name="__main__", alter_sys=True)
