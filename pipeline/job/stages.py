"""The stages of a job, and a function that workers call when they begin to work on a part of one.

In: the name of a stage. Out: nothing. A test passes a function that waits or fails, so that a job stops at a known
point. A run of the product passes none.
"""

from collections.abc import Callable
from typing import Literal

# survey: keys and labels of a task group are read. count: its tokens are counted. transform: its texts get their ids.
# write: a shard is written. finalize: the manifest is built. publish: all is built, and nothing is in the output folder
# yet.
Stage = Literal["survey", "count", "transform", "write", "finalize", "publish"]

# Called by workers, so it must be picklable.
StageObserver = Callable[[Stage], None]


def ignore_stage(stage: Stage) -> None:
    """Does nothing."""
    del stage
