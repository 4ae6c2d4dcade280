"""Task groups -> a file in the staging folder -> a PCollection of task groups.

The job's graph holds only the name of the file. A million paths would be more than a service accepts as a job
(Dataflow: 10 MB).

    file -> nominal ranges of csv and tsv -> scan_range        (only if there are some)
    file -> task groups, nominal ranges moved to whole rows by the scans -> spread over the workers
"""

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
from apache_beam.metrics import Metrics

from pipeline.files.beam import BeamFiles
from pipeline.sources.csv_ranges import RangeScan, nominal_ranges, resolve_ranges, scan_range
from pipeline.sources.tasks import TaskGroup
from pipeline.support.counters import NAMESPACE, TASK_GROUPS

# zlib's fastest level. Paths are alike: a million of 60 bytes take 3 MB, and their stamps 9 MB.
_COMPRESSION_LEVEL = 1


def write_groups(path: str, groups: Sequence[TaskGroup]) -> None:
    """Writes the task groups for the job's workers."""
    BeamFiles().write(path, zlib.compress(pickle.dumps(list(groups)), _COMPRESSION_LEVEL))


def read_groups(path: str) -> Iterator[TaskGroup]:
    """The task groups that write_groups wrote."""
    yield from pickle.loads(zlib.decompress(BeamFiles().read(path)))


class TaskGroups(beam.PTransform):
    """A pipeline -> the task groups in a file, spread over all workers.

    has_nominal_ranges: some of them are byte ranges whose first row a scan must find, see sources/csv_ranges.py.
    """

    def __init__(self, path: str, *, has_nominal_ranges: bool) -> None:
        super().__init__()
        self._path = path
        self._has_nominal_ranges = has_nominal_ranges

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Reads the file on a worker, after the scans."""
        scans: object = []
        if self._has_nominal_ranges:
            scans = beam.pvalue.AsList(pipeline | "ScanRanges" >> ScanRanges(self._path))
        return (
            pipeline
            | "File" >> beam.Create([self._path], reshuffle=False)
            | "Groups" >> beam.FlatMap(_resolved, scans=scans).with_output_types(TaskGroup)
            | "Spread" >> beam.Reshuffle()
        )


class ScanRanges(beam.PTransform):
    """A pipeline -> a RangeScan of each nominal range among the task groups in a file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Scans on all workers."""
        return (
            pipeline
            | "File" >> beam.Create([self._path], reshuffle=False)
            | "Ranges" >> beam.FlatMap(_nominal).with_output_types(TaskGroup)
            | "Spread" >> beam.Reshuffle()
            | "Scan" >> beam.Map(_scan).with_output_types(RangeScan)
        )


def _resolved(path: str, scans: Iterable[RangeScan]) -> Iterator[TaskGroup]:
    counter = Metrics.counter(NAMESPACE, TASK_GROUPS)
    for group in resolve_ranges(read_groups(path), scans):
        counter.inc()
        yield group


def _nominal(path: str) -> Iterator[TaskGroup]:
    return nominal_ranges(read_groups(path))


def _scan(group: TaskGroup) -> RangeScan:
    return scan_range(group, BeamFiles())
