"""pipeline.process: how a command's process ends."""

import subprocess
import sys

from conftest import REPOSITORY

LEAVE = "import sys; from pipeline.process import leave\n"


def leaving(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LEAVE + code], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


def test_process_leaves_with_its_status_and_all_it_wrote() -> None:
    done = leaving("sys.stdout.write('x' * 100_000); sys.stderr.write('told'); leave(2)")
    assert (done.returncode, len(done.stdout), done.stderr) == (2, 100_000, "told")


def test_process_takes_nothing_apart() -> None:
    done = leaving("import atexit; atexit.register(print, 'taken apart'); leave(0)")
    assert (done.returncode, done.stdout) == (0, "")


def test_process_leaves_when_nobody_reads() -> None:
    done = leaving(
        "import os\nread, write = os.pipe(); os.dup2(write, 1); os.close(write); os.close(read)\n"
        "sys.stdout = os.fdopen(1, 'w'); sys.stdout.write('x'); leave(3)"
    )
    assert (done.returncode, done.stderr) == (3, "")


def test_process_imports_are_never_looked_at_again() -> None:
    done = leaving(
        "import gc; from pipeline.process import quick_imports\n"
        "with quick_imports(): import decimal; during = gc.isenabled()\n"
        "print(during, gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    assert done.stdout == "False True True\n"
