"""A worker process of this machine: Beam's own, without the lines that TensorFlow writes as it starts, deaf to Ctrl-C.

In: what Beam's runner says in the environment. A terminal sends Ctrl-C to all processes at once; the command alone
decides what it means, and its workers end when it does.
"""

import logging
import signal
import sys

from apache_beam.runners.worker import sdk_worker_main

from pipeline.support.process import leave
from pipeline.support.tensorflow_startup import hold_back_stderr, import_tensorflow

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The command has set a log level for TensorFlow, which its first lines don't heed.
    with hold_back_stderr():
        import_tensorflow(beside_transform=True)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # It misses a main session, which we never have.
    logging.getLogger(sdk_worker_main.__name__).setLevel(logging.ERROR)
    sdk_worker_main.main(sys.argv)
    # A thread still at work when the command was interrupted may not survive the interpreter's end: a worker was seen
    # to abort, of which Beam tells the command with a traceback.
    leave(0)
