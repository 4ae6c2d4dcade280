"""The groups of files to read -> a file beside the job -> a PCollection of them.

The graph holds the file's name alone: a million paths would be more than a service takes as a job (Dataflow: 10 MB).
"""

import pickle
import zlib
from collections.abc import Iterator, Sequence

import apache_beam as beam

from pipeline.filesystem import BeamFiles
from pipeline.sources.schema import TaskGroup

# Paths are long and alike: a million of 60 bytes take 3 MB.
_COMPRESSION_LEVEL = 1


def write_groups(path: str, groups: Sequence[TaskGroup]) -> None:
    """Lays the groups ready for the job's workers."""
    BeamFiles().write(path, zlib.compress(pickle.dumps(list(groups)), _COMPRESSION_LEVEL))


def read_groups(path: str) -> Iterator[TaskGroup]:
    """The groups, as write_groups was given them."""
    yield from pickle.loads(zlib.decompress(BeamFiles().read(path)))


class Tasks(beam.PTransform):
    """Nothing -> the groups in a file, spread over all workers."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Reads the file where the job runs."""
        return (
            pipeline
            | "File" >> beam.Create([self._path], reshuffle=False)
            | "Groups" >> beam.FlatMap(read_groups).with_output_types(TaskGroup)
            | "Spread" >> beam.Reshuffle()
        )
