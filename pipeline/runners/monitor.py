"""A running job -> its final state: waits for it, polls its counters, and turns a stop signal into KeyboardInterrupt.

The in-process runner returns when all is done; its workers write their progress into files. Other runners work
elsewhere. Their counters are polled and written into the same folder, for the same display.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import grpc
from apache_beam.options.pipeline_options import FlinkRunnerOptions, GoogleCloudOptions, PipelineOptions
from apache_beam.runners.runner import PipelineResult, PipelineState

from pipeline.errors import StillRunningError
from pipeline.runners.job_metrics import counters
from pipeline.runners.job_servers import end_job_servers
from pipeline.runners.worker_processes import end_worker_processes
from pipeline.support.counters import ROWS, TRAIN_ROWS
from pipeline.support.disk_errors import find_disk_error, find_in_text
from pipeline.support.progress import RUNNER_SUFFIX, Tally
from pipeline.support.stop_signals import stop_status

_SECONDS_BETWEEN_POLLS = 2.0
# Beam's counters -> stages of the display.
_STAGES = {TRAIN_ROWS: "analyse", ROWS: "transform"}

_CANCELLED = grpc.StatusCode.CANCELLED

_logger = logging.getLogger(__name__)


def finish(
    result: PipelineResult, *, progress_folder: str | None, flink_metrics: Callable[[], str | None] | None = None
) -> str:
    """Waits until a job has ended and gives its state.

    progress_folder: the folder where rows are counted for the display, or None. flink_metrics: gives what Flink knows
    of the counters, or None.
    """
    if result.state == PipelineState.DONE:
        return PipelineState.DONE
    # If it has failed by now, the runner tells why while one waits.
    poll = _Poll(result, progress_folder, flink_metrics)
    stop = threading.Event()
    if progress_folder is not None:
        threading.Thread(target=poll.until, args=(stop,), daemon=True).start()
    try:
        state = result.wait_until_finish()
    finally:
        stop.set()
    # A job server may have counted nothing before the end, and the last rows come between two looks.
    poll.look()
    return state


@contextmanager
def interrupts() -> Iterator[None]:
    """Within it a stop signal raises KeyboardInterrupt, whatever a runner makes of it. What it started ends as well.

    A runner's tracebacks about a full disk are not shown: the command says that in one line. After a signal, also after
    the context, only our own log lines are shown. Threads that still work fail when the run's folders are removed, and
    the runner logs that.
    """
    is_over = threading.Event()
    hides = partial(_is_shown, is_over)
    handlers, excepthook = list(logging.getLogger().handlers), threading.excepthook
    for handler in handlers:
        handler.addFilter(hides)
    threading.excepthook = partial(_show, excepthook, is_over)
    try:
        yield
    except BaseException as error:
        is_stop = stop_status() is not None or isinstance(error, KeyboardInterrupt)
        if is_stop:
            is_over.set()
        if not is_stop or isinstance(error, StillRunningError):
            raise
        raise KeyboardInterrupt from error
    finally:
        end_worker_processes()
        end_job_servers()
        if not is_over.is_set():
            threading.excepthook = excepthook
            for handler in handlers:
                handler.removeFilter(hides)


def _is_shown(is_over: threading.Event, record: logging.LogRecord) -> bool:
    is_ours = record.name.partition(".")[0] == _logger.name.partition(".")[0]
    error = record.exc_info[1] if record.exc_info else None
    is_hidden = is_over.is_set() or stop_status() is not None or _is_end_of_worker(error) or _is_about_a_disk(record)
    return is_ours or not is_hidden


def _is_end_of_worker(error: BaseException | None) -> bool:
    """Whether it is what a worker in this process (LOOPBACK) sees when its runner needs it no more."""
    return isinstance(error, grpc.RpcError) and isinstance(error, grpc.Call) and error.code() == _CANCELLED


def _is_about_a_disk(record: logging.LogRecord) -> bool:
    """Whether the record is a runner's traceback of an error that the command shows as one line."""
    error = record.exc_info[1] if record.exc_info else None
    try:
        message = record.getMessage()
    except Exception:  # a wrong number of arguments: logging shows that by itself
        message = ""
    return find_in_text(message) is not None or (error is not None and find_disk_error(error) is not None)


def _show(
    show: Callable[[threading.ExceptHookArgs], object], is_over: threading.Event, error: threading.ExceptHookArgs
) -> None:
    is_about_a_disk = error.exc_value is not None and find_disk_error(error.exc_value) is not None
    is_hidden = is_over.is_set() or stop_status() is not None or is_about_a_disk or _is_end_of_worker(error.exc_value)
    if not is_hidden:
        show(error)


def job_page(result: PipelineResult, options: PipelineOptions) -> str | None:
    """The address where a person can watch the job, or None if its runner has no such page."""
    cloud, flink = options.view_as(GoogleCloudOptions), options.view_as(FlinkRunnerOptions)
    job = getattr(result, "job_id", None)
    if callable(job) and cloud.project and not cloud.template_location:  # a template is no job yet
        return f"https://console.cloud.google.com/dataflow/jobs/{cloud.region}/{job()}?project={cloud.project}"
    if flink.flink_master and flink.flink_master.rpartition(":")[2].isdigit():
        return f"http://{flink.flink_master.removeprefix('http://')}"
    return None


class _Poll:
    """A job's counters -> the folder for the display; the counts of this machine's own workers take precedence."""

    def __init__(
        self, result: PipelineResult, folder: str | None, flink_metrics: Callable[[], str | None] | None
    ) -> None:
        self._result, self._flink_metrics = result, flink_metrics
        self._tallies = {stage: Tally(folder, f"{stage}{RUNNER_SUFFIX}") for stage in _STAGES.values()}
        self._written = dict.fromkeys(self._tallies, 0)
        self._lock = threading.Lock()

    def until(self, stop: threading.Event) -> None:
        """Looks again and again until the event is set."""
        while not stop.wait(_SECONDS_BETWEEN_POLLS):
            self.look()

    def look(self) -> None:
        """Writes the counts as they are."""
        with suppress(Exception), self._lock:  # the runner has no metrics, or none yet
            flink_json = None if self._flink_metrics is None else self._flink_metrics()
            for counter, rows in counters(self._result, flink_json=flink_json).items():
                stage = _STAGES.get(counter)
                if stage is not None and rows > self._written[stage]:
                    self._tallies[stage].add(rows - self._written[stage])
                    self._tallies[stage].write()
                    self._written[stage] = rows
