"""A running job -> its final state: waits for it, polls its counters, and cancels it on Ctrl-C.

The in-process runner returns when all is done; its workers write their progress into files. Other runners work
elsewhere. Their counters are polled and written into the same folder, for the same display.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import FlinkRunnerOptions, GoogleCloudOptions, PipelineOptions
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.runner import PipelineResult, PipelineState

from pipeline.support.progress import NAMESPACE, ROWS, RUNNER_SUFFIX, TRAIN_ROWS, Tally

_SECONDS_BETWEEN_POLLS = 2.0
# How long to wait until a job is cancelled. A portable runner needs a second or two. Dataflow needs minutes, and nobody
# waits for them at a prompt.
_SECONDS_TO_CANCEL = 20.0
# Beam's counters -> stages of the display.
_STAGES = {TRAIN_ROWS: "analyse", ROWS: "transform"}
# Beam's in-process runner turns an interrupt into a RuntimeError, with this word in its message.
_INTERRUPTED = KeyboardInterrupt.__name__

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
def interrupts(folder: str | None = None) -> Iterator[None]:
    """Within it, Ctrl-C raises KeyboardInterrupt, whatever a runner makes of it, and no log line shows it.

    folder: of spilled blocks, or None. It is removed when the run is interrupted, and threads that still work fail
    then. No log line shows that either, also after the context.
    """
    handlers = list(logging.getLogger().handlers)
    for handler in handlers:
        handler.addFilter(_is_no_interrupt)
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and _INTERRUPTED not in str(error):
            raise
        if folder is not None:
            for handler in handlers:
                handler.addFilter(partial(_does_not_name, folder))
        raise KeyboardInterrupt from error
    finally:
        for handler in handlers:
            handler.removeFilter(_is_no_interrupt)


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, KeyboardInterrupt) and _INTERRUPTED not in record.getMessage()


def _does_not_name(folder: str, record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return folder not in record.getMessage() and folder not in str(error)


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
