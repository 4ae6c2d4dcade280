"""A worker process on this machine: Beam's own worker, without TensorFlow's first log lines, and tied to its command.

    python -m pipeline.runners.local_worker PIPE

In: PIPE, which closes when the command ends; the environment variables that worker_processes.py sets. A service manager
sends TERM to all processes at once. Only the command reacts to it; its workers end when it ends them, or has ended
itself.
"""

import logging
import sys
import threading
from typing import Final

from pipeline.support.end_with_parent import end_with_parent
from pipeline.support.lean_imports import lean_imports
from pipeline.support.process import leave
from pipeline.support.stop_signals import ignore_stop_signals
from pipeline.support.tensorflow_startup import hold_back_stderr, import_tensorflow

# Connections break and the pipe closes at the same moment.
_SECONDS_TO_END: Final = 1.0


def main(pipe: int) -> None:
    """Works until the command needs it no more."""
    end_with_parent(pipe)
    threading.excepthook = _show_later
    with lean_imports():
        # The command has set TensorFlow's log level. Its first lines ignore it.
        with hold_back_stderr():
            import_tensorflow(beside_transform=True)
        # It takes 2 s, and the command may end meanwhile.
        from apache_beam.runners.worker import sdk_worker, sdk_worker_main

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # It warns that there is no main session; we never have one.
    logging.getLogger(sdk_worker_main.__name__).setLevel(logging.ERROR)
    # It prints the traceback of each error, which it sends to the command as well. The command shows it, or one line.
    vars(sdk_worker)["print"] = _print_nothing
    sdk_worker_main.main(sys.argv)


def _print_nothing(*_texts: object, **_options: object) -> None:
    pass


def _show_later(error: threading.ExceptHookArgs) -> None:
    """Shows an error of a thread, unless it is that the command has ended: then this process ends before."""
    threading.Event().wait(_SECONDS_TO_END)
    threading.__excepthook__(error)


if __name__ == "__main__":
    ignore_stop_signals()
    main(int(sys.argv[1]))
    # A thread that still works when the command is interrupted may crash while the interpreter shuts down. A worker
    # once aborted in that way, and Beam showed a traceback for it.
    leave(0)
