"""The job servers that Beam starts on this machine (Prism, Flink's jar, Spark's jar) end with the job.

Beam ends them when Python takes its objects apart at exit. Our commands leave out that step (support/process.py).
"""

import subprocess
from contextlib import suppress
from typing import Final

from apache_beam.utils.subprocess_server import SubprocessServer

from pipeline.support.stop_signals import deferred_stop

# A job server that has lost its last job has nothing to do; more than that is a fault.
_SECONDS_TO_END: Final = 5.0


def end_job_servers() -> None:
    """Ends all job servers of this process, and waits for each."""
    servers = SubprocessServer._cache._cache
    with deferred_stop():
        processes = [entry.obj[0] for entry in list(servers.values()) if entry.obj[0] is not None]
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_END)
            process.kill()
            process.wait()
