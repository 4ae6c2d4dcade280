"""A job's counters so far -> rows by counter: from Flink's page while it runs, else from the runner."""

from typing import Any

from apache_beam.metrics.metric import MetricsFilter
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.runner import PipelineResult
from google.protobuf import json_format

from pipeline.support.counters import NAMESPACE


def counters(result: PipelineResult, *, flink_json: str | None = None) -> dict[str, int]:
    """The product's own counters.

    flink_json: what Flink's page has of them. Its job server, and Spark's, know them when the job has ended, not
    before.
    """
    if flink_json is not None:
        response = json_format.Parse(flink_json, beam_job_api_pb2.GetJobMetricsResponse(), ignore_unknown_fields=True)
        return _values(portable_runner.PortableMetrics(response))
    if isinstance(result, portable_runner.PipelineResult):
        result._metrics = None  # otherwise it repeats its first answer
    return _values(result.metrics())


def _values(metrics: Any) -> dict[str, int]:
    values: dict[str, int] = {}
    for counter in metrics.query(MetricsFilter().with_namespace(NAMESPACE))["counters"]:
        name, value = counter.key.metric.name, counter.attempted or counter.committed or 0
        values[name] = values.get(name, 0) + value
    return values
