"""The process of a command: it starts fast, ends fast and uses little memory.

In: nothing. Out: changes of this process.

To import TensorFlow and Beam takes 4.2 s. Of these, 0.8 s are garbage collections that free nothing, so `quick_imports`
puts them off. At the end of a run Python takes 0.7 s to free memory that the operating system frees anyway, so `leave`
ends the process without freeing it. In a job of 100,000 texts the allocators held 90 MB that the job had freed, so
`limit_allocators` gives them fewer arenas.
"""

import contextlib
import ctypes
import gc
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from typing import NoReturn

from pipeline.support.stop_signals import ignore_stop_signals, raise_if_stopped

# Python's default is 700. A graph is built of millions of objects that all stay, so most collections free nothing.
_ALLOCATIONS_BETWEEN_COLLECTIONS = 20_000

# mallopt's number for the most arenas. glibc makes up to 8 a core, and each keeps what its threads freed.
_M_ARENA_MAX = -8
_FEWEST_ARENAS = 2

_removed_when_leaving: list[str] = []


@contextlib.contextmanager
def quick_imports() -> Iterator[None]:
    """Within it there are no garbage collections; afterwards they are rarer and skip all objects made until then.

    Raises:
      Stopped: a signal came meanwhile, and a module that was imported swallowed its exception.
    """
    gc.disable()
    try:
        yield
        raise_if_stopped()
    finally:
        gc.freeze()
        gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, 20, 20)
        gc.enable()


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_allocators() -> None:
    """Makes glibc use one arena a core (two at least), and Arrow use malloc instead of an allocator of its own.

    It is in force in this process and in those that it starts. Arrow reads its part when it is imported, so call this
    before. Variables that the user has set stay. Without glibc only Arrow changes. CPU time stays the same (measured on
    two cores).
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if "MALLOC_ARENA_MAX" not in os.environ:
        arenas = max(_FEWEST_ARENAS, cores())
        os.environ["MALLOC_ARENA_MAX"] = str(arenas)  # read when a process starts; this one needs the call below
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, arenas)


def remove_when_leaving(folder: str) -> None:
    """Has `leave` remove a folder of this machine, if it exists again then.

    A thread of an interrupted run can't be stopped. TFT makes its temporary folder with all folders above it, also
    after they were removed.
    """
    _removed_when_leaving.append(folder)


def leave(status: int) -> NoReturn:
    """Ends the process with an exit status: output is flushed, objects are not freed."""
    ignore_stop_signals()
    logging.shutdown()
    for folder in _removed_when_leaving:
        shutil.rmtree(folder, ignore_errors=True)
    for stream in (sys.stdout, sys.stderr):
        # Of what was to be reported, exit_status.py has reported it.
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(status)
