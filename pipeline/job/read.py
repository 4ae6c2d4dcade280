"""Task groups -> their rows, tokenized: count tables for the vocabulary, and tokens that wait for their ids in files.

The input is read and tokenized once, on every runner. To let the runner hold texts or tokens between the passes would
cost more: it would keep them in memory, or send each through its shuffle (docs/explanation/design.md has the figures).
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.job import token_store
from pipeline.job.decisions import SurveyedGroup
from pipeline.job.labels import MergeLabels
from pipeline.job.row_filter import KeyedRows, LabelSet, ReadOptions, key_rows
from pipeline.job.row_labels import are_known
from pipeline.job.token_store import StoredTokens, TokenPlace, TokenWriter
from pipeline.sources import read_tasks
from pipeline.sources.mapped_labels import merged
from pipeline.sources.schema import NO_FINDINGS, Batch, Findings, LabelMapUse, LostRest, file_indices
from pipeline.sources.tasks import ReadTask, TaskGroup
from pipeline.sources.unlabelled_files import naming_unlabelled
from pipeline.statistics import groups
from pipeline.statistics.groups import NO_GROUPS, GroupSketch
from pipeline.support.counters import NAMESPACE, TOKEN_BYTES, TRAIN_ROWS
from pipeline.support.progress import Tally
from pipeline.text.fast_tokenizer import make_tokenizer
from pipeline.text.token_batch import TokenBatch
from pipeline.vocabulary.cached_counting import ENTRY_PARTS, LookedUpGroup, RangeRead
from pipeline.vocabulary.count_words import count_words

# Tags of the outputs beside the count tables. STORED: StoredGroups. LABELS: lists of labels of train rows. REFUSED:
# messages of UserErrors. An error raised on a worker would be retried, with a traceback each time; so the message goes
# to the last step, which ends the run.
STORED, LABELS, REFUSED = "stored", "labels", "refused"

# What a step of reading gets: what a survey decided on the rows, or which files are in `vocabulary.cache`, comes along.
GroupToRead = TaskGroup | SurveyedGroup | LookedUpGroup


class StoredGroup(NamedTuple):
    """A task group, and where its tokenized batches are.

    lost: what can't be read. label_map: what input.label_map did. findings: what is told of the rows.
    groups: of the rows, with split.group_column.
    """

    group: TaskGroup
    tokens: StoredTokens
    lost: list[LostRest]
    label_map: LabelMapUse
    findings: Findings
    groups: GroupSketch = NO_GROUPS


class RowsRead(NamedTuple):
    """The outputs of Read.

    counted: count tables. stored: StoredGroups. labels: the one ordered list. refused: messages of UserErrors.
    entry_parts: (file_index, EntryPart) for `vocabulary.cache`, nothing without it.
    """

    counted: beam.PCollection
    stored: beam.PCollection
    labels: beam.PCollection
    refused: beam.PCollection
    entry_parts: beam.PCollection


class Read(beam.PTransform):
    """GroupsToRead -> RowsRead. place: where the tokens wait."""

    def __init__(self, options: ReadOptions, config: Config, *, place: TokenPlace) -> None:
        super().__init__()
        self._options = options
        self._config = config
        self._place = place

    def expand(self, groups: beam.PCollection) -> RowsRead:
        """Reads on all workers, and merges the labels."""
        read = groups | "Rows" >> beam.ParDo(ReadRows(self._options, self._config, place=self._place)).with_outputs(
            STORED, LABELS, REFUSED, ENTRY_PARTS, main="counted"
        )
        labels = read[LABELS] | "MergeLabels" >> beam.CombineGlobally(
            MergeLabels(self._options.limits.max_labels, self._config.input.label_kind)
        )
        return RowsRead(read["counted"], read[STORED], labels, read[REFUSED], read[ENTRY_PARTS])


class ReadRows(beam.DoFn):
    """A task group -> count tables of its rows that the vocabulary counts, of each batch or of each file in it.

    Tagged STORED: a StoredGroup. Tagged LABELS: a list of the labels of its train rows. Tagged REFUSED: messages.
    Tagged ENTRY_PARTS: of a LookedUpGroup a (file_index, RangeRead) of each file that is not in the cache.
    """

    def __init__(self, options: ReadOptions, config: Config, *, place: TokenPlace) -> None:
        self._options = options
        self._config = config
        self._place = place
        self._shared = Shared()
        self._rows = Metrics.counter(NAMESPACE, TRAIN_ROWS)
        self._token_bytes = Metrics.counter(NAMESPACE, TOKEN_BYTES)

    def setup(self) -> None:
        """Makes the tokenizer, which all threads of a process share; no label is known yet."""
        self._known_labels: set[str] = set()
        self._tokenize = self._shared.acquire(partial(make_tokenizer, self._config.text))

    def process(self, element: GroupToRead) -> Iterator[Any]:
        """Yields each count table as soon as its batch is read."""
        self._options.observe("count")
        group, decisions, cached = _parts(element)
        options, tasks = self._options.of(group), list(group.tasks())
        labels = options.label_set()
        tally = Tally(options.progress_folder, "analyse")
        lost: list[LostRest] = []
        uses: list[LabelMapUse] = []
        findings, sketch, is_complete = NO_FINDINGS, NO_GROUPS, True
        with TokenWriter(self._place) as writer:
            try:
                for batch in read_batches(tasks, options):
                    keyed = key_rows(batch, options, tasks=tasks, decisions=decisions)
                    sketch = groups.merge([sketch, keyed.groups])
                    keyed, counted = token_store.counted_first(keyed, is_counted=options.is_counted(keyed.splits))
                    tokens = self._tokenize(keyed.rows["text"])
                    yield from count_tables_of(tokens, keyed.rows.slice(0, counted), cached=cached)
                    writer.write(self._needed(keyed, options, labels=labels, counted=counted), tokens)
                    lost += batch.lost
                    uses.append(batch.label_map)
                    findings = findings.plus(batch.findings)
                    self._rows.inc(batch.count)
                    tally.add(batch.count)
            except UserError as error:
                is_complete = False
                yield beam.pvalue.TaggedOutput(REFUSED, str(error))
        tally.write()
        self._token_bytes.inc(writer.stored.bytes)
        stored = StoredGroup(group, writer.stored, lost, merged(uses), findings, sketch)
        yield beam.pvalue.TaggedOutput(STORED, stored)
        yield beam.pvalue.TaggedOutput(LABELS, labels.listed())
        if cached is not None:
            yield from _ranges_read(tasks, cached, lost=lost, is_complete=is_complete)

    def _needed(self, keyed: KeyedRows, options: ReadOptions, *, labels: LabelSet, counted: int) -> KeyedRows:
        """The rows, with the texts alone that the second pass needs. The first `counted` rows are of the train split:
        adds their labels to those of the task group."""
        if options.is_unlabelled:
            return token_store.without_texts(keyed)
        labels.add(keyed.rows["label"].slice(0, counted))
        self._known_labels |= labels.labels
        is_known = are_known(keyed.rows["label"], self._known_labels, several=options.features.several_labels)
        return token_store.with_needed_texts(keyed, is_known=is_known, share=options.quality.share)


def _parts(element: GroupToRead) -> tuple[TaskGroup, Any, frozenset[int] | None]:
    """The task group, the decisions on its rows or None, and the files whose counts are known, or None without a
    cache."""
    match element:
        case SurveyedGroup(group, decisions):
            return group, decisions, None
        case LookedUpGroup(group, cached):
            return group, None, cached
        case _:
            return element, None, None


def count_tables_of(tokens: TokenBatch, rows: pa.RecordBatch, *, cached: frozenset[int] | None) -> Iterator[pa.Table]:
    """The count table of the first rows of a TokenBatch, which are these.

    cached: the file indices of files whose rows are not counted; then the rows of each other file have a table of their
    own.
    """
    if not rows.num_rows:
        return
    positions = rows["position"].to_numpy()
    if cached is None:
        yield count_words(tokens, rows=slice(0, rows.num_rows), position=positions.min())
        return
    files = file_indices(rows)
    edges = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), rows.num_rows]
    for begin, end in pairwise(edges):
        if int(files[begin]) not in cached:
            yield count_words(tokens, rows=slice(begin, end), position=positions[begin:end].min())


def _ranges_read(
    tasks: Iterable[ReadTask], cached: frozenset[int], *, lost: Iterable[LostRest], is_complete: bool
) -> Iterator[beam.pvalue.TaggedOutput]:
    """All files of a group are read in one go. If that failed, nobody knows which of them were read to their end."""
    lost_files = {rest.file for rest in lost}
    for task in tasks:
        if task.file_index not in cached:
            part = RangeRead(is_complete and task.path not in lost_files)
            yield beam.pvalue.TaggedOutput(ENTRY_PARTS, (task.file_index, part))


def read_batches(tasks: list[ReadTask], options: ReadOptions) -> Iterator[Batch]:
    """The batches of read tasks, in the sizes that the options ask for."""
    with naming_unlabelled(is_unlabelled=options.is_unlabelled):
        yield from read_tasks(
            tasks,
            options.columns,
            BeamFiles(),
            damaged=options.damaged,
            batch_rows=options.limits.batch_rows,
            batch_bytes=options.limits.batch_bytes,
        )
