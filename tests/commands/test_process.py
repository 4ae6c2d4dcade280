"""pipeline.support.process: how a command's process begins and ends, and what its allocators keep."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

SPARED = ("MALLOC_ARENA_MAX", "ARROW_DEFAULT_MEMORY_POOL")

LIMIT = "from pipeline.support.process import cores, limit_allocators; limit_allocators()"
# Prints the number of arenas that glibc reports, while 32 threads hold memory.
ARENAS = """
import ctypes, threading
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
ready, done = threading.Barrier(33), threading.Event()
def hold():
    libc.malloc(1000)
    ready.wait()
    done.wait()
threads = [threading.Thread(target=hold) for _ in range(32)]
for thread in threads: thread.start()
ready.wait()
file = ctypes.c_void_p(libc.fopen(b"arenas.xml", b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
done.set()
print(open("arenas.xml").read().count("<heap nr="))
"""

LEAVE = "import sys; from pipeline.support.process import leave\n"


def leaving(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LEAVE + code], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


def test_process_leaves_with_its_status_and_all_it_wrote() -> None:
    done = leaving("sys.stdout.write('x' * 100_000); sys.stderr.write('line'); leave(2)")
    assert (done.returncode, len(done.stdout), done.stderr) == (2, 100_000, "line")


def test_process_removes_what_a_thread_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "staging" / "tft"
    done = leaving(
        f"from pathlib import Path; from pipeline.support.process import remove_when_leaving\n"
        f"remove_when_leaving({str(folder.parent)!r}); Path({str(folder)!r}).mkdir(parents=True); leave(130)"
    )
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (130, "", [])


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
        "import gc; from pipeline.support.process import quick_imports\n"
        "with quick_imports(): import decimal; during = gc.isenabled()\n"
        "print(during, gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    assert done.stdout == "False True True\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are glibc's")
def test_process_threads_share_arenas_and_arrow_has_no_allocator_of_its_own(tmp_path: Path) -> None:
    code = f"{LIMIT}\n{ARENAS}\nprint(max(2, cores()))"
    arenas, most = run_alone(code, tmp_path).split()
    assert 1 <= int(arenas) <= int(most)
    assert int(run_alone(ARENAS, tmp_path)) > int(most)
    # A process that this one starts.
    child = f"import subprocess, sys; {LIMIT}; "
    assert int(run_alone(f"{child}subprocess.run([sys.executable, '-c', {ARENAS!r}])", tmp_path)) <= int(most)
    arrow = "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    assert run_alone(f"{LIMIT}; {arrow}", tmp_path) == "system\n"


def test_process_memory_is_as_the_users_environment_says(tmp_path: Path) -> None:
    variables = {"MALLOC_ARENA_MAX": "5", "ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}
    code = f"import os; {LIMIT}; "
    code += f"print({{name: os.environ[name] for name in {list(variables)}}})"
    assert run_alone(code, tmp_path, **variables) == f"{variables}\n"


def test_process_job_spares_memory_before_arrow_is_there() -> None:
    """Arrow's allocator is chosen when it is first used; nothing before that may import it."""
    code = "import sys, pipeline.cli; print([name for name in ('pyarrow', 'tensorflow') if name in sys.modules])"
    assert run_alone(code, REPOSITORY) == "[]\n"


def run_alone(code: str, folder: Path, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in SPARED}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder,
        env={**inherited, "PYTHONPATH": str(REPOSITORY), **environment},
    ).stdout  # fmt: skip
