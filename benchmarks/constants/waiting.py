"""The job's folders, when its last step begins -> the bytes of the tokens that wait in files.

A worker calls `look`, so it is in a module of its own: Beam imports that one again. The worker is in the process that
asks.
"""

import os
from pathlib import Path

from pipeline.job.stages import Stage

FOLDER = "TEXTRECORDS_BENCHMARK_FOLDER"
# Where tokens wait: with the blocks of records on a local disk, else in a folder of their own.
_NAMES = ("tokens", "blocks")

tokens: list[int] = []


def look(stage: Stage) -> None:
    """Adds up the files of tokens once a run."""
    if stage == "finalize":
        folders = [folder for folder in Path(os.environ[FOLDER]).rglob("*") if folder.name in _NAMES]
        tokens.append(sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file()))
