"""Who writes: a process, described so that another process, or a person, can judge later whether it still runs.

    {"host": "myhost", "process": 4711, "started": "918273", "since": "2026-11-30 03:20:11 UTC",
     "command": "pipeline run", "token": "0a1b2c3d...", "boot": "fe63b452...", "machine": "9f86d081...",
     "processes": "pid:[4026531836]"}

A process id alone is not enough. It is used again after the process has ended, and each container counts from 1. So the
time at which the process started is compared too, and the process ids must be those of the same system.

Standard library alone: the pipeline and the trainer both use it.
"""

import contextlib
import hashlib
import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

# States of Linux's processes that have ended: zombie, dead. Their parent has not asked for their status yet.
_ENDED: Final = frozenset("ZX")


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A process that writes.

    host: the name of its machine. process, started: its id, and when it started, in the system's own unit ("": the
    system does not say). since: the time when it began to write, for people. command: what it runs, for people. token:
    random, and new for each Owner. boot, machine, processes: the system's ids of its last start, of the machine and of
    the numbering of processes ("": the system has no such id).
    """

    host: str
    process: int
    started: str
    since: str
    command: str
    token: str
    boot: str
    machine: str
    processes: str

    def to_json(self) -> bytes:
        """The description as a file's content."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Owner | None":
        """The description that `to_json` gave; None if the content is something else.

        >>> owner = this_process("pipeline run")
        >>> Owner.from_json(owner.to_json()) == owner, Owner.from_json(b"{}")
        (True, None)
        """
        try:
            values = json.loads(content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, dict):
            return None
        types = {field.name: int if field.name == "process" else str for field in fields(cls)}
        if any(type(values.get(name)) is not kind for name, kind in types.items()) or values["process"] < 1:
            return None
        return cls(**{name: values[name] for name in types})

    def is_running(self) -> bool | None:
        """Whether the process still runs. None: that can't be known here, because it ran on another system.

        >>> this_process("pipeline run").is_running()
        True
        """
        if self.boot != _boot():
            # The same machine has started again. Without an id of the machine nobody can know that.
            was_here = bool(self.machine) and (self.host, self.machine) == (socket.gethostname(), _machine())
            return False if was_here else None
        if not self.boot and self.host != socket.gethostname():
            return None
        if self.processes != _processes():
            return None  # another container of this machine
        return is_process(self.process, started=self.started)


def this_process(command: str) -> Owner:
    """The description of this process from now on."""
    return Owner(
        host=socket.gethostname(),
        process=os.getpid(),
        started=start_of(os.getpid()),
        since=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC",
        command=command,
        token=uuid.uuid4().hex,
        boot=_boot(),
        machine=_machine(),
        processes=_processes(),
    )


def is_process(process: int, *, started: str = "") -> bool:
    """Whether a process of this system runs; and is the one that started then, if that is given.

    >>> is_process(os.getpid()), is_process(os.getpid(), started="before the flood"), is_process(10**20)
    (True, False, False)
    """
    state, start = _state_and_start(process)
    if state:
        return state not in _ENDED and started in ("", start)
    try:  # the system does not show its processes, or not those of other users
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has such a large number
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def start_of(process: int) -> str:
    """When a process of this system started, in the system's own unit; "" if it does not say."""
    return _state_and_start(process)[1]


def _state_and_start(process: int) -> tuple[str, str]:
    # proc(5): number, (name), state, ...; the time is field 22. A name may hold spaces and brackets.
    values = _text(f"/proc/{process}/stat").rpartition(")")[2].split()
    return (values[0], values[19]) if len(values) > 19 else ("", "")


def _boot() -> str:
    return _text("/proc/sys/kernel/random/boot_id")


def _machine() -> str:
    """A hash of the machine's id, which must not be shown itself (machine-id(5))."""
    number = _text("/etc/machine-id")
    return hashlib.sha256(f"textrecords {number}".encode()).hexdigest()[:16] if number else ""


def _processes() -> str:
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _text(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text(errors="replace").strip()
    return ""
