"""Python imports this at its start, since the folder is in PYTHONPATH: it kills a job within its publishing.

Python reports each operation on files before it happens (PEP 578). Publishing begins with the first one that changes a
published name in SOAK_OUTPUT. From there on operations are counted. Before number SOAK_KILL_AT the job's main process
is killed: alone, or with all its processes if SOAK_KILL is "all". SOAK_COUNT names a file that gets a byte for each
operation.
"""

import os
import signal
import sys
from typing import Final

# pipeline.contract has them as well. It is not imported: this runs before the program that is tested.
_PUBLISHED: Final = frozenset({"manifest.json", "records", "transform", "vocabulary.tsv", "rejected", "report.html"})
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# Event -> the places of its paths, and of the folders' descriptors that these begin at.
_PATHS: Final = {
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rmdir": ((0, 1),),
}


def _below(path: object, folder: object, output: str) -> str | None:
    """The path from the output on; None if it is elsewhere."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.fsdecode(path)
    if isinstance(folder, int) and folder >= 0:
        name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)
    name = os.path.abspath(name)
    return name[len(output) + 1 :] if name.startswith(output + "/") else None


def _install(output: str) -> None:
    kill_at = int(os.environ.get("SOAK_KILL_AT", "0"))
    main = int(os.environ.setdefault("SOAK_MAIN", str(os.getpid())))
    counter = os.environ.get("SOAK_COUNT")
    operations = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal operations
        if event == "open":
            places: tuple[tuple[int, int], ...] = ((0, -1),) if int(str(arguments[2])) & _WRITES else ()
        else:
            places = _PATHS.get(event, ())
        if not places:
            return
        try:
            below = [_below(arguments[path], arguments[at] if at >= 0 else -1, output) for path, at in places]
        except OSError:
            return
        changed = [name for name in below if name is not None]
        if not operations and not any(name.partition("/")[0] in _PUBLISHED for name in changed):
            return
        if not changed:
            return
        operations += 1
        if counter is not None:
            descriptor = os.open(counter, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, b".")
            os.close(descriptor)
        if operations == kill_at:
            if os.environ["SOAK_KILL"] == "all":
                os.killpg(os.getpgid(main), signal.SIGKILL)
            os.kill(main, signal.SIGKILL)

    sys.addaudithook(hook)


if "SOAK_OUTPUT" in os.environ:
    _install(os.environ["SOAK_OUTPUT"])
