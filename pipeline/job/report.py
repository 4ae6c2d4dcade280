"""The outputs of all stages -> the published records folder: the last stage of the job.

Statistics of bundles are merged, duplicates are counted, and the graph is compared with the records. All of it goes to
the last step, `finalize` (job/finalize.py).
"""

from typing import NamedTuple

import apache_beam as beam

from pipeline.job.alone import finalize_alone
from pipeline.job.compare_ids import check_graph
from pipeline.job.encode_records import MergeStatistics
from pipeline.job.finalize import finalize
from pipeline.job.plan import Plan
from pipeline.statistics import duplicates


class Results(NamedTuple):
    """What the other stages give.

    labels: the one ordered list. refused: messages of UserErrors. graph: the path of TFT's graph. transform: its
    StoredFiles. shards: WrittenShards. statistics, rows_to_compare, near: see EncodeRecords. task_rows: TaskRows.
    compared: packed rows, see job/compare_ids.py. rejected: RejectCounts. cache_use: how many files were in the cache,
    if there is one.
    """

    labels: beam.PCollection
    refused: beam.PCollection
    graph: beam.PCollection
    transform: beam.PCollection
    shards: beam.PCollection
    statistics: beam.PCollection
    rows_to_compare: beam.PCollection
    near: beam.PCollection
    task_rows: beam.PCollection
    compared: beam.PCollection
    rejected: beam.PCollection
    cache_use: beam.PCollection | None = None


class Report(beam.PTransform):
    """A pipeline, and the results of all other stages -> one element when the folder is published, or refused."""

    def __init__(self, plan: Plan, results: Results) -> None:
        super().__init__()
        self._plan = plan
        self._results = results

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Brings all results to one place; none of them grows with the texts."""
        results = self._results
        splits = results.statistics | "MergeStatistics" >> beam.CombinePerKey(MergeStatistics())
        found = (
            results.rows_to_compare
            | "GroupByTokens" >> beam.GroupByKey()
            | "CountDuplicates" >> beam.MapTuple(lambda _, tables: duplicates.count(tables))
        )
        transform = results.graph | "Compare" >> beam.FlatMap(
            check_graph, files=beam.pvalue.AsList(results.transform), compared=beam.pvalue.AsList(results.compared)
        )
        return (
            pipeline
            | "Once" >> beam.Create([self._plan])
            | "Finalize"
            >> beam.Map(
                finalize_alone if self._plan.outlives_command else finalize,
                labels=beam.pvalue.AsSingleton(results.labels),
                shards=beam.pvalue.AsList(results.shards),
                splits=beam.pvalue.AsDict(splits),
                duplicate_counts=beam.pvalue.AsList(found),
                near=beam.pvalue.AsList(results.near),
                rejected=beam.pvalue.AsList(results.rejected),
                task_rows=beam.pvalue.AsList(results.task_rows),
                refused=beam.pvalue.AsList(results.refused),
                cache_use=None if results.cache_use is None else beam.pvalue.AsList(results.cache_use),
                transform=beam.pvalue.AsList(transform),
            )
        )
