"""The job servers that Beam starts on this machine (Prism, Flink's jar, Spark's jar): their log, and that they end.

Beam ends them when Python takes its objects apart at exit, which our commands leave out (support/process.py). And it
ends them at once on Ctrl-C, when the job can't be cancelled any more.
"""

import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from apache_beam.runners.portability import job_server
from apache_beam.utils import subprocess_server
from apache_beam.utils.subprocess_server import SubprocessServer

from pipeline.files.temporary import place_of_temporary_files
from pipeline.support.stop_signals import deferred_stop

# A job server that has lost its last job has nothing to do; more than that is a fault.
_SECONDS_TO_END: Final = 5.0
# Beam names the loggers of its Java servers after their classes.
_JAVA_SERVERS: Final = ("FlinkJarJobServer", "SparkJarJobServer")
_LOG: Final = "job-server.log"
# The function of Beam's that shows the messages of a job server.
_OF_MESSAGES: Final = "read_messages"
# Beam tells it for each tenth of a second in which a job server starts.
_WAITING: Final = "Waiting for grpc channel to be ready"


class _PlainServer(job_server.JobServer):
    """Takes the place of Beam's wrapper, which would handle SIGINT and wait for Python's exit."""

    def __init__(self, server: job_server.JobServer) -> None:
        self._server = server

    def start(self) -> Any:
        return self._server.start()

    def stop(self) -> None:
        self._server.stop()


class ServerLog:
    """What the Java servers print, and a job's errors, go to a file, which is kept only if it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _LOG

    def keep(self) -> str | None:
        """Moves the log to where it stays when the command has ended; gives its path, or None if nothing is in it."""
        if not self._path.exists() or not self._path.stat().st_size:
            return None
        number, kept = tempfile.mkstemp(prefix="job-server-", suffix=".log", dir=place_of_temporary_files())
        os.close(number)
        shutil.copyfile(self._path, kept)
        return kept


@contextmanager
def our_job_servers() -> Iterator[ServerLog]:
    """Within it, a job server that Beam starts ends with `end_job_servers`, not before; its output goes to the log."""
    names, wrapper = vars(job_server), job_server.StopOnExitJobServer
    beams = logging.getLogger(subprocess_server.__name__)
    level = beams.level
    with tempfile.TemporaryDirectory(prefix="job-server-", ignore_cleanup_errors=True) as folder:
        log = ServerLog(Path(folder))
        handler = logging.FileHandler(log._path, delay=True)
        names["StopOnExitJobServer"] = _PlainServer
        # It tells at each start that it really starts a service, and each time that it failed; the error tells it too.
        beams.setLevel(logging.CRITICAL)
        root, to_log = logging.getLogger(), partial(_is_shown, handler)
        root.addFilter(to_log)
        for name in _JAVA_SERVERS:
            _direct(logging.getLogger(name), handler)
        try:
            yield log
        finally:
            names["StopOnExitJobServer"] = wrapper
            beams.setLevel(level)
            root.removeFilter(to_log)
            for name in _JAVA_SERVERS:
                _direct(logging.getLogger(name), None)
            handler.close()


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


def _is_shown(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Beam's own lines of a job: its errors go to the log, for the command shows the last one of them in one line."""
    if record.funcName == _OF_MESSAGES and record.levelno >= logging.ERROR:
        handler.handle(record)
        return False
    return not str(record.msg).startswith(_WAITING)


def _direct(logger: logging.Logger, handler: logging.Handler | None) -> None:
    """Has a logger write all to a handler alone; None: as before."""
    logger.handlers = [] if handler is None else [handler]
    logger.setLevel(logging.NOTSET if handler is None else logging.INFO)
    logger.propagate = handler is None
