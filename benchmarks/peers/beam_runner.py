"""The Beam pipeline of the peers: in this process, a thread for each core, as in pipeline/runners/options.py."""

import os

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner


def new_pipeline() -> beam.Pipeline:
    """An empty pipeline."""
    options = PipelineOptions([], direct_num_workers=len(os.sched_getaffinity(0)), direct_running_mode="in_memory")
    return beam.Pipeline(runner=FnApiRunner(), options=options)
