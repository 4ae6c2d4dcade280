"""A running job -> its final state: waits for it, polls its counters, and cancels it on Ctrl-C.

The in-process runner returns when all is done; its workers write their progress into files. Other runners work
elsewhere. Their counters are polled and written into the same folder, for the same display.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import FlinkRunnerOptions, GoogleCloudOptions, PipelineOptions
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.runner import PipelineResult, PipelineState

from pipeline.runners.job_servers import end_job_servers
from pipeline.runners.worker_processes import end_worker_processes
from pipeline.support.disk_errors import find_disk_error, find_in_text
from pipeline.support.progress import NAMESPACE, ROWS, RUNNER_SUFFIX, TRAIN_ROWS, Tally
from pipeline.support.stop_signals import stop_status

_SECONDS_BETWEEN_POLLS = 2.0
# How long to wait until a job is cancelled. A portable runner needs a second or two. Dataflow needs minutes, and nobody
# waits for them at a prompt.
_SECONDS_TO_CANCEL = 20.0
# Beam's counters -> stages of the display.
_STAGES = {TRAIN_ROWS: "analyse", ROWS: "transform"}

_logger = logging.getLogger(__name__)


def finish(result: PipelineResult, *, progress_folder: str | None) -> str:
    """Waits until a job has ended and gives its state.

    progress_folder: the folder where rows are counted for the display, or None.

    Raises:
      KeyboardInterrupt: the user pressed Ctrl-C; the job is cancelled.
    """
    if PipelineState.is_terminal(result.state):
        return result.state
    stop = threading.Event()
    if progress_folder is not None:
        threading.Thread(target=_poll, args=(result, progress_folder, stop), daemon=True).start()
    try:
        return result.wait_until_finish()
    except KeyboardInterrupt:
        _cancel(result)
        raise
    finally:
        stop.set()


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
        if stop_status() is None and not isinstance(error, KeyboardInterrupt):
            raise
        is_over.set()
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
    return is_ours or not (is_over.is_set() or stop_status() is not None or _is_about_a_disk(record))


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
    if not is_over.is_set() and stop_status() is None and not is_about_a_disk:
        show(error)


def job_page(result: PipelineResult, options: PipelineOptions) -> str | None:
    """The address where a person can watch the job, or None if its runner has no such page."""
    cloud, flink = options.view_as(GoogleCloudOptions), options.view_as(FlinkRunnerOptions)
    job = getattr(result, "job_id", None)
    if callable(job) and cloud.project:
        return f"https://console.cloud.google.com/dataflow/jobs/{cloud.region}/{job()}?project={cloud.project}"
    if flink.flink_master and flink.flink_master.rpartition(":")[2].isdigit():
        return f"http://{flink.flink_master.removeprefix('http://')}"
    return None


def _cancel(result: PipelineResult) -> None:
    _logger.info("interrupted: the job is being cancelled")
    with suppress(Exception):  # the job may have ended, or its server may be gone
        result.cancel()
        waiting = threading.Event()
        for _ in range(int(_SECONDS_TO_CANCEL)):
            if PipelineState.is_terminal(result.state):
                return
            waiting.wait(1.0)
    _logger.warning("it is not known whether the job is cancelled; look at its runner")


def _poll(result: PipelineResult, folder: str, stop: threading.Event) -> None:
    """Polls the job's counters; the counts of this machine's own workers, which are newer, take precedence."""
    tallies = {stage: Tally(folder, f"{stage}{RUNNER_SUFFIX}") for stage in _STAGES.values()}
    written = dict.fromkeys(tallies, 0)
    while not stop.wait(_SECONDS_BETWEEN_POLLS):
        with suppress(Exception):  # the runner has no metrics, or none yet
            for counter, rows in _counters(result).items():
                stage = _STAGES.get(counter)
                if stage is not None and rows > written[stage]:
                    tallies[stage].add(rows - written[stage])
                    tallies[stage].write()
                    written[stage] = rows


def _counters(result: PipelineResult) -> dict[str, int]:
    if isinstance(result, portable_runner.PipelineResult):
        result._metrics = None  # otherwise it repeats its first answer
    counters = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    values: dict[str, int] = {}
    for counter in counters:
        name, value = counter.key.metric.name, counter.attempted or counter.committed or 0
        values[name] = values.get(name, 0) + value
    return values
