"""pipeline.support.end_with_parent and unbroken: a child whose parent is killed. Processes as small as can be."""

import subprocess
import sys

import pytest

from tests.support.paths import REPOSITORY

PARENT = """
import subprocess, sys
from pipeline.support.end_with_parent import parent_pipe
with parent_pipe() as pipe:
    subprocess.run([sys.executable, "-c", sys.argv[1], str(pipe)], pass_fds=[pipe])
"""
CHILD = """
import os, sys, threading
from pipeline.support.end_with_parent import end_with_parent
from pipeline.support.unbroken import unbroken
pipe = int(sys.argv[1])
end_with_parent(pipe)
"""
# what the child does, and what it prints
CHILDREN = [
    ("print('ready', flush=True)\nthreading.Event().wait()", "ready\n"),
    (
        # It has work of some 50 ms left when the parent has ended.
        "with unbroken():\n    print('ready', flush=True); os.read(pipe, 1)\n"
        "    import subprocess; subprocess.run([sys.executable, '-c', 'pass']); print('finished', flush=True)\n"
        "threading.Event().wait()",
        "ready\nfinished\n",
    ),
]


@pytest.mark.parametrize(("code", "printed"), CHILDREN, ids=["idle", "publishing"])
def test_end_with_parent_after_a_kill(code: str, printed: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD + code], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as parent:
        assert parent.stdout is not None
        first = parent.stdout.readline()
        parent.kill()
        # It ends when the child, who holds the other end, has ended.
        rest, _ = parent.communicate(timeout=60)
    assert first + rest == printed
