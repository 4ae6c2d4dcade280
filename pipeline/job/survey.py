"""A look at the keys and labels of all rows, before any token is counted: for `split.duplicates` and `split.stratify`.

    task groups -> SurveyRows -> (bucket, keys and labels)
                -> Decide     -> what becomes of single rows, by task group
                              -> counts of strata -> plan_cuts -> FindCuts -> where each stratum is cut
    all of these -> the task groups again, each with what was decided on its rows: SurveyedGroup

The work is in records/survey.py. The input is read once more for it. What waits between the steps are 33 bytes a row.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from pipeline.config.input_settings import Duplicates
from pipeline.errors import UserError
from pipeline.job.decisions import Decisions, SurveyedGroup
from pipeline.job.read import read_batches
from pipeline.job.row_filter import ReadOptions, key_rows
from pipeline.records import survey
from pipeline.sources.tasks import TaskGroup
from pipeline.support import arrow_ipc
from pipeline.support.arrays import Int64s
from pipeline.support.counters import NAMESPACE, SURVEYED_ROWS
from pipeline.support.progress import Tally

_COUNTS = "counts"

# Rows of 33 bytes that wait in a bundle.
_PENDING_ROWS = 1 << 18

# Of single rows. number: of the stratum in which a row is counted, for rows that stay.
_DECISIONS = pa.schema([("position", pa.int64()), ("is_left_out", pa.bool_()), ("number", pa.uint64())])

# (name of a task group, packed table)
Packed = tuple[str, bytes]


class Survey(beam.PTransform):
    """Task groups -> SurveyedGroups. buckets: the number of buckets of keys."""

    def __init__(self, options: ReadOptions, *, buckets: int) -> None:
        super().__init__()
        self._options = options
        self._buckets = buckets

    def expand(self, groups: beam.PCollection) -> beam.PCollection:
        """Reads all rows, decides, and gives each task group what was decided on its rows."""
        settings = self._options.split
        rows = groups | "Rows" >> beam.ParDo(SurveyRows(self._options, buckets=self._buckets)).with_output_types(
            tuple[int, Packed]
        )
        in_buckets = rows | "ByBucket" >> beam.GroupByKey()
        decided = in_buckets | "Decide" >> beam.ParDo(Decide(settings.duplicates)).with_outputs(
            _COUNTS, main="decisions"
        )
        if not settings.stratify:
            strata = groups.pipeline | "NoStrata" >> beam.Create([None])
        else:
            cuts = (
                groups.pipeline
                | "Settings" >> beam.Create([settings])
                | "PlanCuts"
                >> beam.Map(
                    lambda shares, counts, **options: survey.plan_cuts(counts, shares, **options),
                    counts=beam.pvalue.AsList(decided[_COUNTS]),
                    max_labels=self._options.limits.max_labels,
                    several=self._options.features.several_labels,
                )
            )
            found = in_buckets | "FindCuts" >> beam.ParDo(
                FindCuts(settings.duplicates), cuts=beam.pvalue.AsSingleton(cuts)
            )
            strata = cuts | "Strata" >> beam.Map(
                lambda planned, cut: survey.strata_of([*planned.found, *cut]), cut=beam.pvalue.AsList(found)
            )
        named = groups | "Named" >> beam.Map(lambda group: (_name(group), group)).with_output_types(
            tuple[str, TaskGroup]
        )
        return (
            {"groups": named, "decisions": decided["decisions"]}
            | "ByGroup" >> beam.CoGroupByKey()
            | "Join" >> beam.FlatMap(_joined, strata=beam.pvalue.AsSingleton(strata)).with_output_types(SurveyedGroup)
            | "Spread" >> beam.Reshuffle()
        )


class SurveyRows(beam.DoFn):
    """A task group -> (bucket, (the group's name, packed table of survey.SCHEMA))."""

    def __init__(self, options: ReadOptions, *, buckets: int) -> None:
        self._options = options
        self._buckets = buckets
        self._rows = Metrics.counter(NAMESPACE, SURVEYED_ROWS)

    def process(self, group: TaskGroup) -> Iterator[tuple[int, Packed]]:
        """Reads a group. What can't be read is not told here: the reading after it meets the same."""
        self._options.observe("survey")
        if group.is_unlabelled:  # texts without labels have no split that could depend on others
            return
        tasks = list(group.tasks())
        tally = Tally(self._options.progress_folder, "survey")
        waiting: list[pa.Table] = []
        try:
            for batch in read_batches(tasks, self._options):
                keyed = key_rows(batch, self._options, tasks=tasks)
                columns = {name: keyed.rows[name] for name in ("label", "split", "position")}
                # A column of splits is no choice between splits.
                allowed = columns["split"] if self._options.split.has_shares else pa.nulls(len(keyed.keys), pa.string())
                waiting.append(
                    survey.survey_table(
                        keyed.keys, labels=columns["label"], allowed=allowed, positions=columns["position"]
                    )
                )
                tally.add(batch.count)
                self._rows.inc(batch.count)
                if sum(map(len, waiting)) > _PENDING_ROWS:
                    yield from self._buckets_of(waiting, group)
                    waiting = []
        except UserError:
            pass
        tally.write()
        yield from self._buckets_of(waiting, group)

    def _buckets_of(self, waiting: list[pa.Table], group: TaskGroup) -> Iterator[tuple[int, Packed]]:
        table = pa.concat_tables([survey.SCHEMA.empty_table(), *waiting]).combine_chunks()
        for bucket, rows in survey.buckets(table, self._buckets):
            yield bucket, (_name(group), arrow_ipc.pack(rows))


class Decide(beam.DoFn):
    """(bucket, its rows) -> (name of a task group, packed table of what is decided on its rows).

    Tagged _COUNTS: (bucket, rows by stratum).
    """

    def __init__(self, duplicates: Duplicates) -> None:
        self._duplicates = duplicates

    def process(self, element: tuple[int, Iterable[Packed]]) -> Iterator[Any]:
        """Decides on the rows of a bucket."""
        bucket, packed = element
        names, group, table = _table(packed)
        decided = survey.decide(table, self._duplicates)
        is_moved = decided.is_moved & ~decided.is_left_out
        chosen = np.flatnonzero(decided.is_left_out | is_moved)
        chosen = chosen[np.argsort(group[chosen], kind="stable")]
        columns = [table["position"].to_numpy()[chosen], decided.is_left_out[chosen], decided.strata[chosen]]
        decisions = pa.table([pa.array(column) for column in columns], _DECISIONS)
        # A bucket of a large input has rows of thousands of task groups.
        ends = np.searchsorted(group[chosen], np.arange(len(names) + 1)).tolist()
        for name, (begin, end) in zip(names, pairwise(ends), strict=True):
            if begin < end:
                yield name, arrow_ipc.pack(decisions.slice(begin, end - begin))
        yield beam.pvalue.TaggedOutput(_COUNTS, (bucket, survey.count_strata(table, decided)))


class FindCuts(beam.DoFn):
    """(bucket, its rows) and the planned cuts -> (stratum, number of the cut, key) of the cuts in the bucket."""

    def __init__(self, duplicates: Duplicates) -> None:
        self._duplicates = duplicates

    def process(
        self, element: tuple[int, Iterable[Packed]], cuts: survey.Cuts
    ) -> Iterator[tuple[survey.Stratum, int, int]]:
        """Looks at the rows of the buckets that have a cut."""
        bucket, packed = element
        if bucket in cuts.by_bucket:
            _, _, table = _table(packed)
            decided = survey.decide(table, self._duplicates)
            yield from (survey.find_cut(cut, table, decided) for cut in cuts.by_bucket[bucket])


def _name(group: TaskGroup) -> str:
    """A name that no other task group of the job has."""
    return f"{group.first_file}:{group.start}"


def _table(packed: Iterable[Packed]) -> tuple[list[str], Int64s, pa.Table]:
    """The rows of a bucket: names of task groups, the number of each row's group among them, and the rows."""
    numbers: dict[str, int] = {}
    groups, tables = [np.empty(0, np.int64)], [survey.SCHEMA.empty_table()]
    for name, part in packed:
        tables.append(arrow_ipc.unpack(part))
        groups.append(np.full(len(tables[-1]), numbers.setdefault(name, len(numbers))))
    return list(numbers), np.concatenate(groups), pa.concat_tables(tables).combine_chunks()


def _joined(element: tuple[str, dict[str, Iterable[Any]]], *, strata: survey.Strata | None) -> Iterator[SurveyedGroup]:
    _, parts = element
    tables = [_DECISIONS.empty_table(), *map(arrow_ipc.unpack, parts["decisions"])]
    decisions = pa.concat_tables(tables).combine_chunks().sort_by("position")
    is_left_out = decisions["is_left_out"].to_numpy()
    position, number = decisions["position"].to_numpy(), decisions["number"].to_numpy()
    for group in parts["groups"]:
        yield SurveyedGroup(
            group,
            Decisions(position[is_left_out], position[~is_left_out], number[~is_left_out], strata),
        )
