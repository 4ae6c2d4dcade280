"""A plan -> the job's graph as workers get it: its size, its steps, and whether its functions load on a worker."""

import tempfile
from dataclasses import replace
from typing import NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.portability.api import beam_runner_api_pb2
from rich.filesize import decimal

from pipeline.doctor import pickles
from pipeline.doctor.finding import Finding
from pipeline.job.build import build
from pipeline.job.plan import Plan

# Dataflow refuses a larger graph. That of the sample has 245 kB. Read tasks are not in the graph, but the settings are.
_MAX_GRAPH_BYTES = 10_000_000


class JobGraph(NamedTuple):
    """size: in bytes. steps: the names of those at the top. functions: {step: pickled function}."""

    size: int
    steps: list[str]
    functions: dict[str, bytes]


def job_graph(plan: Plan, options: PipelineOptions) -> JobGraph:
    """Builds the job's graph, without a runner. The files that TensorFlow Transform writes meanwhile are removed."""
    with tempfile.TemporaryDirectory(prefix="textrecords-") as folder:
        # Options for a runner are not part of the graph, and its size does not depend on the folder.
        pipeline = beam.Pipeline(options=PipelineOptions([], pickle_library=_library(options)))
        build(pipeline, replace(plan, temp_folder=folder))
        graph = pipeline.to_runner_api()
    return JobGraph(graph.ByteSize(), _steps(graph), pickles.pickled_functions(graph))


def check_job_graph(graph: JobGraph) -> list[Finding]:
    """The graph is small enough for a service, and its functions load in a fresh interpreter."""
    size = sum(map(len, graph.functions.values()))
    findings = [Finding("ok", "graph", f"{decimal(graph.size)} in {len(graph.steps)} steps")]
    if graph.size > _MAX_GRAPH_BYTES:
        text = (
            f"{decimal(graph.size)}, and above {decimal(_MAX_GRAPH_BYTES)} a service may refuse it; "
            "give a folder or a pattern as input.path if it is a long list"
        )
        findings = [Finding("warning", "graph", text)]
    errors = pickles.load_errors(graph.functions)
    if errors:
        return [*findings, *(Finding("error", "functions", f"{step}: {error}") for step, error in errors.items())]
    loaded = f"all {len(graph.functions)} of them ({decimal(size)}) load in a fresh interpreter"
    return [*findings, Finding("ok", "functions", loaded)]


def _library(options: PipelineOptions) -> str:
    library: str = options.view_as(SetupOptions).pickle_library
    return library


def _steps(graph: beam_runner_api_pb2.Pipeline) -> list[str]:
    components = graph.components.transforms
    (root,) = (components[name] for name in graph.root_transform_ids)
    return [components[name].unique_name for name in root.subtransforms]
