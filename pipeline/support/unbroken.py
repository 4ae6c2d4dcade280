"""What must be finished once it has begun, though the command is asked to end: publishing.

In a process one thread at a time is within `unbroken`. The thread that publishes is. So is whoever ends the process or
clears up: it waits until the other has finished.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.RLock()


@contextmanager
def unbroken() -> Iterator[None]:
    """Within it this process is not ended by `end_with_parent`, and no other thread is within it."""
    with _lock:
        yield
