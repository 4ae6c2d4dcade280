"""A job that was started -> its end, wherever it runs: its counters told meanwhile, and cancelled on Ctrl-C.

The in-process runner blocks until all is done, and its workers tell their progress through files. Other runners go on
elsewhere: their counters are asked for and put into the same folder, for the same display.
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

_SECONDS_BETWEEN_QUESTIONS = 2.0
# A portable runner stops its workers in a second or two; Dataflow takes minutes, for which nobody waits at a prompt.
_SECONDS_TO_CANCEL = 20.0
_COUNTERS = {TRAIN_ROWS: "analyse", ROWS: "transform"}
# Beam's in-process runner hands an interrupt on as the text of the error of a step.
_INTERRUPTED = KeyboardInterrupt.__name__

_logger = logging.getLogger(__name__)


def finish(result: PipelineResult, *, progress_folder: str | None) -> str:
    """Waits for a job's end and gives its state.

    Raises:
      KeyboardInterrupt: it was interrupted, and is cancelled.
    """
    if PipelineState.is_terminal(result.state):
        return result.state
    stop = threading.Event()
    if progress_folder is not None:
        threading.Thread(target=_ask, args=(result, progress_folder, stop), daemon=True).start()
    try:
        return result.wait_until_finish()
    except KeyboardInterrupt:
        _cancel(result)
        raise
    finally:
        stop.set()


@contextmanager
def interrupts(folder: str | None = None) -> Iterator[None]:
    """Within it an interrupt is a KeyboardInterrupt, whatever a runner makes of it, and nothing is logged of it.

    folder: where parts of the run wait on disk, which goes when it is interrupted. Threads that are still at work miss
    it then, and nothing is logged of that either, also behind the context.
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
                handler.addFilter(partial(_is_not_of, folder))
        raise KeyboardInterrupt from error
    finally:
        for handler in handlers:
            handler.removeFilter(_is_no_interrupt)


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, KeyboardInterrupt) and _INTERRUPTED not in record.getMessage()


def _is_not_of(folder: str, record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return folder not in record.getMessage() and folder not in str(error)


def job_page(result: PipelineResult, options: PipelineOptions) -> str | None:
    """Where a person can watch the job, as far as its runner has such a page."""
    cloud, flink = options.view_as(GoogleCloudOptions), options.view_as(FlinkRunnerOptions)
    job = getattr(result, "job_id", None)
    if callable(job) and cloud.project:
        return f"https://console.cloud.google.com/dataflow/jobs/{cloud.region}/{job()}?project={cloud.project}"
    if flink.flink_master and flink.flink_master.rpartition(":")[2].isdigit():
        return f"http://{flink.flink_master.removeprefix('http://')}"
    return None


def _cancel(result: PipelineResult) -> None:
    _logger.info("interrupted: the job is being cancelled")
    with suppress(Exception):  # it may have ended meanwhile, or its server be gone
        result.cancel()
        waiting = threading.Event()
        for _ in range(int(_SECONDS_TO_CANCEL)):
            if PipelineState.is_terminal(result.state):
                return
            waiting.wait(1.0)
    _logger.warning("it is not known whether the job is cancelled; look at its runner")


def _ask(result: PipelineResult, folder: str, stop: threading.Event) -> None:
    """Asks for the counters now and then; while workers of this machine tell more, their word is taken."""
    tallies = {stage: Tally(folder, f"{stage}{RUNNER_SUFFIX}") for stage in _COUNTERS.values()}
    told = dict.fromkeys(tallies, 0)
    while not stop.wait(_SECONDS_BETWEEN_QUESTIONS):
        with suppress(Exception):  # a runner without metrics, or one that is just being asked too early
            for counter, rows in _counters(result).items():
                stage = _COUNTERS.get(counter)
                if stage is not None and rows > told[stage]:
                    tallies[stage].add(rows - told[stage])
                    tallies[stage].write()
                    told[stage] = rows


def _counters(result: PipelineResult) -> dict[str, int]:
    if isinstance(result, portable_runner.PipelineResult):
        result._metrics = None  # it keeps the first answer it got
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    values: dict[str, int] = {}
    for counter in found:
        name, value = counter.key.metric.name, counter.attempted or counter.committed or 0
        values[name] = values.get(name, 0) + value
    return values
