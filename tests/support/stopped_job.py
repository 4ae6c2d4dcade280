"""The pipeline's command line, whose workers wait when they come to a stage: so that a test stops it at a known point.

    python -c "from tests.support.stopped_job import main; main()" STAGE FOLDER ARGUMENT...

FOLDER/reached appears when the first worker is there. Workers go on when their staging folder, FOLDER/out/.staging-*,
is gone: an interrupted run removes it.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import cast

from pipeline.cli import main as pipeline_main
from pipeline.job.stages import Stage
from pipeline.support.process import leave
from pipeline.support.tensorflow_startup import import_tensorflow

COMMAND = (sys.executable, "-c", "from tests.support.stopped_job import main; main()")


def wait_at(stage: Stage, *, stop_at: Stage, folder: Path) -> None:
    """The observer of the job, on workers."""
    if stage == stop_at:
        (folder / "reached").touch()
        while any((folder / "out").glob(".staging-*")):
            time.sleep(0.01)


def main() -> None:
    stop_at, folder, *arguments = sys.argv[1:]
    import_tensorflow(beside_transform=True)
    from pipeline.job import run

    run.run = partial(run.run, observe=partial(wait_at, stop_at=cast("Stage", stop_at), folder=Path(folder)))
    leave(pipeline_main(arguments))
