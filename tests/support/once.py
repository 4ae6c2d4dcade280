"""What is made once for all tests of a run, whichever of pytest-xdist's workers needs it first."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of this run, which `make` has filled; other workers wait until it is whole.

    A worker that fails leaves it unmarked, so the next one makes it anew, under another name.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    mark = shared / f"{name}.made"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            folder = factory.mktemp(name)
            make(folder)
            mark.write_text(str(folder))
    return Path(mark.read_text())
