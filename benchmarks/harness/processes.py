"""A command -> how long it took, what it computed, what memory it held, and when: seen from outside, through /proc.

All figures are of the whole process tree. Memory is resident memory (RSS): pages that processes share count once for
each of them, and the files that they have mapped count as far as they are resident. It is looked at every 50 ms; the
kernel's own high-water mark of a single process is taken where that is higher, so no peak of one process is missed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

_SECONDS_BETWEEN_LOOKS = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SHOWN_OF_ERROR = 2000
# As this process was given it: what TensorFlow is told here, for quiet, the measured processes must not hear.
_INHERITED = dict(os.environ)


class ProcessError(Exception):
    """The command failed or took longer than it may; says which."""


@dataclass(frozen=True)
class Look:
    """The tree at one moment: time.time(), CPU seconds so far, bytes now."""

    time: float
    cpu_seconds: float
    bytes: int


@dataclass
class Measured:
    """A process that ended well. begin and end are time.time(); looks are in the order of time."""

    begin: float
    end: float
    cpu_seconds: float
    peak_bytes: int
    looks: list[Look] = field(repr=False)

    @property
    def seconds(self) -> float:
        """From the start of the process to its end."""
        return self.end - self.begin

    def cpu_between(self, begin: float, end: float) -> float:
        """CPU seconds that the tree used between two moments, to the nearest look."""
        times = [self.begin, *(look.time for look in self.looks), self.end]
        used = [0.0, *(look.cpu_seconds for look in self.looks), self.cpu_seconds]
        # A process that ended without being waited for takes its time along: never less than before.
        at = np.interp([begin, end], times, np.maximum.accumulate(used))
        return float(at[1] - at[0])


def run_measured(
    command: Sequence[str],
    *,
    log: Path,
    limit: float,
    folder: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    watch: Callable[[], object] | None = None,
) -> Measured:
    """Runs a command to its end, in `folder`; `watch` is called at each look. What it prints goes to `log`.

    Raises:
      ProcessError: it failed, or took more than `limit` seconds and was ended.
    """
    if not Path("/proc/self/statm").exists():
        raise ProcessError("processes are measured through /proc, which this system does not have")
    looks: list[Look] = []
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
                look, highest = _look(process.pid, now)
                looks.append(look)
                peak = max(peak, look.bytes, highest)
                if watch is not None:
                    watch()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode:
        raise ProcessError(f"exit status {process.returncode}, {_told(log)}")
    return Measured(begin, now, usage.ru_utime + usage.ru_stime, peak, looks)


def _look(pid: int, now: float) -> tuple[Look, int]:
    """The tree below a process, and the highest memory that one of its processes ever had."""
    cpu = 0.0
    resident = highest = 0
    for member in _tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            pages = Path(f"/proc/{member}/statm").read_text().split()[1]
            status = Path(f"/proc/{member}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        cpu += sum(map(int, fields[11:15])) / _TICKS  # its own and that of the children it waited for
        resident += int(pages) * _PAGE
        if "VmHWM:" in status:
            highest = max(highest, int(status.partition("VmHWM:")[2].split()[0]) * 1024)
    return Look(now, cpu, resident), highest


def _tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = " ".join((thread / "children").read_text() for thread in threads)
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children.split():
        yield from _tree(int(child))


def _told(log: Path) -> str:
    """The last line of what was printed, and before it, on lines of their own, those that led to it."""
    lines = log.read_text(errors="replace").strip()[-_SHOWN_OF_ERROR:].splitlines()
    return "\n".join([*lines[-1:], *lines])
