"""A worker process on this machine: Beam's own worker, without TensorFlow's first log lines, and not stopped by Ctrl-C.

In: the environment variables that Beam's runner sets. A terminal sends Ctrl-C to all processes at once. Only the
command reacts to it; its workers end when it ends.
"""

import logging
import signal
import sys

from apache_beam.runners.worker import sdk_worker_main

from pipeline.support.process import leave
from pipeline.support.tensorflow_startup import hold_back_stderr, import_tensorflow

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The command has set TensorFlow's log level. Its first lines ignore it.
    with hold_back_stderr():
        import_tensorflow(beside_transform=True)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # It warns that there is no main session; we never have one.
    logging.getLogger(sdk_worker_main.__name__).setLevel(logging.ERROR)
    sdk_worker_main.main(sys.argv)
    # A thread that still works when the command is interrupted may crash while the interpreter shuts down. A worker
    # once aborted in that way, and Beam showed a traceback for it.
    leave(0)
