"""A child process that ends when its parent ends, however that happens: Ctrl-C, a bug, SIGKILL.

The parent holds one end of a pipe, the child the other one. The system closes the parent's end when the parent ends.
Then the child's read returns, and the child ends at once. That works on Linux and macOS, and in no thread that could
end before. The parent can also close its end, to end the child.

    parent   with parent_pipe() as pipe: subprocess.run([..., str(pipe)], pass_fds=[pipe])
    child    end_with_parent(int(sys.argv[1]))
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pipeline.support.unbroken import unbroken

# Nobody reads it: the parent has ended.
_STATUS: Final = 1


@contextmanager
def parent_pipe() -> Iterator[int]:
    """The child's end of a pipe whose other end this process holds until the context ends."""
    childs_end, our_end = os.pipe()
    try:
        yield childs_end
    finally:
        os.close(our_end)
        os.close(childs_end)


def end_with_parent(pipe: int) -> None:
    """Ends this process when its parent ends; what is `unbroken` is finished first.

    pipe: the child's end of the pipe.
    """
    threading.Thread(target=_wait, args=(pipe,), name="end_with_parent", daemon=True).start()


def _wait(pipe: int) -> None:
    os.read(pipe, 1)  # nothing is ever written
    with unbroken():
        os._exit(_STATUS)
