"""A plan -> the graph that would be shipped: its size, its steps, and whether its functions load on a worker."""

import tempfile
from dataclasses import replace
from typing import NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.portability.api import beam_runner_api_pb2

from pipeline.doctor import pickles
from pipeline.doctor.estimate import told
from pipeline.doctor.finding import Finding
from pipeline.job.build import build
from pipeline.job.plan import Plan

# 10 MB of graph are some 300,000 parts of files, at 30 bytes each.
_MOST_BYTES = 10_000_000


class Shipment(NamedTuple):
    """The graph's size in bytes, its steps that a person knows by name, and its pickled functions."""

    size: int
    steps: list[str]
    pickles: dict[str, bytes]


def shipment(plan: Plan, options: PipelineOptions) -> Shipment:
    """Builds the job's graph, for no runner; what TensorFlow Transform writes meanwhile is thrown away."""
    with tempfile.TemporaryDirectory(prefix="textrecords-") as folder:
        # Options that only a runner takes are none of the graph's; a graph's size does not depend on the folder.
        pipeline = beam.Pipeline(options=PipelineOptions([], pickle_library=_library(options)))
        build(pipeline, replace(plan, temp_folder=folder))
        graph = pipeline.to_runner_api()
    return Shipment(graph.ByteSize(), _steps(graph), pickles.pickles(graph))


def check_shipment(found: Shipment) -> list[Finding]:
    """The graph is small enough, and what is in it loads in a fresh interpreter."""
    size = sum(map(len, found.pickles.values()))
    findings = [Finding("ok", "graph", f"{told(found.size)} in {len(found.steps)} steps")]
    if found.size > _MOST_BYTES:
        text = f"{told(found.size)}, and above {told(_MOST_BYTES)} a service may refuse it; put files together"
        findings = [Finding("warning", "graph", text)]
    problems = pickles.load_elsewhere(found.pickles)
    if problems:
        return [*findings, *(Finding("error", "functions", f"{step}: {why}") for step, why in problems.items())]
    loaded = f"all {len(found.pickles)} of them ({told(size)}) load in a fresh interpreter"
    return [*findings, Finding("ok", "functions", loaded)]


def _library(options: PipelineOptions) -> str:
    library: str = options.view_as(SetupOptions).pickle_library
    return library


def _steps(graph: beam_runner_api_pb2.Pipeline) -> list[str]:
    components = graph.components.transforms
    (root,) = (components[name] for name in graph.root_transform_ids)
    return [components[name].unique_name for name in root.subtransforms]
