"""A command -> its time, CPU time and memory over time, measured from outside through /proc.

All figures are of the whole process tree. Memory is resident memory (RSS). Shared pages count once for each process,
mapped files as far as they are resident. A snapshot is taken every 50 ms. If the kernel's own high-water mark of one
process is higher, it counts, so no peak of a single process is missed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

# The repository, from which measured processes import.
ROOT = Path(__file__).parent.parent.parent

_SNAPSHOT_SECONDS = 0.05
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SET_DEATH_SIGNAL = 1  # prctl's number; <sys/prctl.h> calls it PR_SET_PDEATHSIG
_ERROR_CHARACTERS = 2000  # of the log, shown if a process fails
# The environment before this process imports TensorFlow, which sets variables that measured processes must not have.
_INHERITED = dict(os.environ)


class ProcessError(Exception):
    """The command failed, or took longer than its limit."""


@dataclass(frozen=True)
class Snapshot:
    """A process tree at one moment: time.time(), CPU seconds so far, bytes of memory now."""

    time: float
    cpu_seconds: float
    bytes: int


@dataclass
class Measurement:
    """A process that ended with status 0. begin, end: time.time(); snapshots: in the order of time."""

    begin: float
    end: float
    cpu_seconds: float
    peak_bytes: int
    snapshots: list[Snapshot] = field(repr=False)

    @property
    def seconds(self) -> float:
        """From the start of the process to its end."""
        return self.end - self.begin

    def cpu_between(self, begin: float, end: float) -> float:
        """CPU seconds of the tree between two moments, interpolated between snapshots."""
        times = [self.begin, *(snapshot.time for snapshot in self.snapshots), self.end]
        used = [0.0, *(snapshot.cpu_seconds for snapshot in self.snapshots), self.cpu_seconds]
        # The time of a process that nobody waited for is lost when it ends. So the sum never falls here.
        at = np.interp([begin, end], times, np.maximum.accumulate(used))
        return float(at[1] - at[0])


def measure_process(
    command: Sequence[str],
    *,
    log: Path,
    limit: float,
    folder: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    watch: Callable[[], object] | None = None,
) -> Measurement:
    """Runs a command to its end.

    log: the file for all that the command prints; limit: seconds; folder: the working directory; environment: variables
    to add; watch: called at each snapshot.

    Raises:
      ProcessError: the command failed, or took longer than `limit` and was killed.
    """
    if not Path("/proc/self/statm").exists():
        raise ProcessError("processes are measured through /proc, which this system does not have")
    snapshots: list[Snapshot] = []
    peak = 0
    with log.open("wb") as output:
        begin = time.time()
        process = subprocess.Popen(
            list(command),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**_INHERITED, **environment},
            start_new_session=True,
            preexec_fn=ends_with_parent(),
        )
        try:
            while True:
                ended, status, usage = os.wait4(process.pid, os.WNOHANG)
                now = time.time()
                if ended:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    break
                if now - begin > limit:
                    raise ProcessError(f"more than {limit:.0f} s")
                snapshot, highest = _snapshot(process.pid, now)
                snapshots.append(snapshot)
                peak = max(peak, snapshot.bytes, highest)
                if watch is not None:
                    watch()
                time.sleep(_SNAPSHOT_SECONDS)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode:
        raise ProcessError(f"exit status {process.returncode}, {_end_of(log)}")
    return Measurement(begin, now, usage.ru_utime + usage.ru_stime, peak, snapshots)


def ends_with_parent() -> Callable[[], object] | None:
    """What a new process must call before its program begins (preexec_fn) so that SIGKILL here ends it as well.

    The kernel ties the process to the thread that starts it, so that must be the main thread. None: only Linux can.
    """
    if sys.platform != "linux":
        return None
    return partial(ctypes.CDLL(None).prctl, _SET_DEATH_SIGNAL, signal.SIGKILL)


def _snapshot(pid: int, now: float) -> tuple[Snapshot, int]:
    """A snapshot of a process tree, and the most memory that any of its processes ever had."""
    cpu = 0.0
    resident = highest = 0
    for member in _tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            pages = Path(f"/proc/{member}/statm").read_text().split()[1]
            status = Path(f"/proc/{member}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        cpu += sum(map(int, fields[11:15])) / _TICKS_PER_SECOND  # its own and that of the children it waited for
        resident += int(pages) * _PAGE_BYTES
        if "VmHWM:" in status:
            highest = max(highest, int(status.partition("VmHWM:")[2].split()[0]) * 1024)
    return Snapshot(now, cpu, resident), highest


def _tree(pid: int) -> Iterator[int]:
    """The ids of a process and of all its descendants."""
    yield pid
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = " ".join((thread / "children").read_text() for thread in threads)
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children.split():
        yield from _tree(int(child))


def _end_of(log: Path) -> str:
    """The last line of a log, then all of its last lines."""
    lines = log.read_text(errors="replace").strip()[-_ERROR_CHARACTERS:].splitlines()
    return "\n".join([*lines[-1:], *lines])
