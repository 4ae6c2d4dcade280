"""pipeline.runners.monitor: what a stop signal becomes within a runner, and what is shown after it."""

import errno
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from apache_beam.utils.subprocess_server import SubprocessServer

from pipeline.runners.monitor import interrupts
from pipeline.support.stop_signals import stop_signals


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A stop is the end of a command, so `interrupts` leaves its filters for the threads that still work."""
    before = {handler: list(handler.filters) for handler in logging.getLogger().handlers}
    excepthook = threading.excepthook
    yield
    threading.excepthook = excepthook
    for handler, filters in before.items():
        handler.filters = filters


def test_monitor_threads_that_fail_after_a_stop_are_not_shown(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    theirs, ours = logging.getLogger("apache_beam.runners"), logging.getLogger("pipeline.job")

    def fail() -> None:
        theirs.error("failed")
        raise FileNotFoundError

    def run() -> None:
        with interrupts():
            theirs.error("before the stop")
            try:
                signal.raise_signal(signal.SIGTERM)
            except BaseException as error:  # the runner makes an error of its own of it
                theirs.error("failed", exc_info=error)
                raise RuntimeError("a bundle failed") from error

    with stop_signals(), pytest.raises(KeyboardInterrupt):
        run()
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    ours.error("ours")
    assert [record.getMessage() for record in caplog.records] == ["before the stop", "ours"]
    assert capfd.readouterr().err == ""


def test_monitor_shows_all_of_a_job_that_was_not_stopped(caplog: pytest.LogCaptureFixture) -> None:
    theirs, hook = logging.getLogger("apache_beam.runners"), threading.excepthook

    def run() -> None:
        with interrupts():
            theirs.error("failed")
            raise RuntimeError("a bundle failed")

    with pytest.raises(RuntimeError, match="a bundle failed"):
        run()
    theirs.error("afterwards")
    assert [record.getMessage() for record in caplog.records] == ["failed", "afterwards"]
    assert threading.excepthook is hook


def test_monitor_tracebacks_of_a_full_disk_are_not_shown(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The command says it in one line."""
    theirs = logging.getLogger("apache_beam.runners")
    full = OSError(errno.ENOSPC, "No space left on device", "/a")

    def fail() -> None:
        raise full

    with interrupts():
        theirs.error("failed", exc_info=full)
        theirs.error("Worker: OSError: [Errno 28] No space left on device: '/a'")
        theirs.error("another error")
        logging.getLogger("pipeline.job").warning("OSError: [Errno 28] No space left on device")
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert [record.getMessage() for record in caplog.records] == [
        "another error",
        "OSError: [Errno 28] No space left on device",
    ]
    assert "Traceback" not in capfd.readouterr().err


def test_monitor_leaves_wrong_arguments_of_a_log_line_to_logging() -> None:
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        with interrupts():
            wrong = logging.LogRecord("apache_beam", logging.ERROR, __file__, 1, "%d rows", ("many",), None)
            assert handler.filter(wrong)
    finally:
        logging.getLogger().removeHandler(handler)


def test_monitor_job_server_ends_with_the_job() -> None:
    # Prism and the jars are servers of this class.
    server = SubprocessServer(
        lambda channel: channel, [sys.executable, "-c", "import threading as t; t.Event().wait()"]
    )
    processes: list[subprocess.Popen[bytes]] = []
    with interrupts():
        processes.append(server.start_process()[0])
        assert processes[0].poll() is None
    assert processes[0].poll() is not None
