"""Read and tokenize the input once: the steps for jobs whose tokens can be spilled to disk between the passes.

    task groups -> ReadOnce -> count tables, labels; StoredGroups
    StoredGroups -> TransformStored -> batches of record features, rejected rows, TaskRows

ReadOnce replaces ReadTrain and TFT's analysis graph; TransformStored replaces ReadAll and TFT's transform graph. Both
ways give the same bytes (tests/job/test_token_store.py).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from pipeline.config.settings import Config
from pipeline.contract import LABEL
from pipeline.errors import UserError
from pipeline.job import spill, token_store, transform_batches
from pipeline.job.decisions import SurveyedGroup, surveyed
from pipeline.job.read import REFUSED, REJECTED, TASK_ROWS, read_batches
from pipeline.job.row_filter import LabelledRows, ReadOptions, RowFilter, key_rows
from pipeline.job.row_labels import are_known
from pipeline.job.transform_batches import KEY, SAMPLE, SPLIT
from pipeline.records.record_columns import NO_FEATURES, RecordFeatures
from pipeline.sources.mapped_labels import merged
from pipeline.sources.schema import NO_FINDINGS, Findings, LabelMapUse, LostRest
from pipeline.sources.tasks import TaskGroup
from pipeline.statistics import groups
from pipeline.statistics.groups import NO_GROUPS, GroupSketch
from pipeline.support.progress import NAMESPACE, TRAIN_ROWS, Tally
from pipeline.text.fast_sequences import feature_function
from pipeline.text.fast_tokenizer import make_tokenizer
from pipeline.vocabulary.cached_counting import LABELS
from pipeline.vocabulary.count_words import count_words

STORED = "stored"


class StoredGroup(NamedTuple):
    """A task group, and the references to its tokenized batches, see job/token_store.py.

    lost: what can't be read. label_map: what input.label_map did. findings: what is told of the rows.
    groups: of the rows, with split.group_column.
    """

    group: TaskGroup
    references: list[bytes]
    lost: list[LostRest]
    label_map: LabelMapUse
    findings: Findings
    groups: GroupSketch = NO_GROUPS


class ReadOnce(beam.DoFn):
    """A task group -> the count table of each batch's rows that the vocabulary counts.

    Tagged STORED: a StoredGroup. Tagged LABELS: a list of the labels of its train rows. Tagged REFUSED: messages.
    """

    def __init__(self, options: ReadOptions, config: Config, *, folder: str | None) -> None:
        self._options = options
        self._config = config
        self._folder = folder
        self._shared = Shared()
        self._rows = Metrics.counter(NAMESPACE, TRAIN_ROWS)

    def setup(self) -> None:
        """Makes the tokenizer, which all threads of a process share; no label is known yet."""
        self._known_labels: set[str] = set()
        self._tokenize = self._shared.acquire(partial(make_tokenizer, self._config.text))

    def process(self, element: TaskGroup | SurveyedGroup) -> Iterator[pa.Table]:
        """Yields the count table of each batch as soon as it is read."""
        self._options.observe("count")
        group, decisions = surveyed(element)
        options = self._options.of(group)
        tasks = list(group.tasks())
        tally = Tally(self._options.progress_folder, "analyse")
        labels = options.label_set()
        writer, references = spill.BlockWriter(self._folder), []
        lost: list[LostRest] = []
        uses: list[LabelMapUse] = []
        findings = NO_FINDINGS
        sketch = NO_GROUPS
        try:
            for batch in read_batches(tasks, options):
                keyed = key_rows(batch, options, tasks=tasks, decisions=decisions)
                sketch = groups.merge([sketch, keyed.groups])
                keyed, counted = token_store.counted_first(keyed, is_counted=options.is_counted(keyed.splits))
                labels.add(keyed.rows["label"].slice(0, counted))
                self._known_labels |= labels.labels
                tokens = self._tokenize(keyed.rows["text"])
                if counted:
                    position = keyed.rows["position"].slice(0, counted).to_numpy().min()
                    yield count_words(tokens, rows=counted, position=position)
                keyed = (
                    token_store.without_texts(keyed)
                    if options.is_unlabelled
                    else token_store.with_needed_texts(
                        keyed,
                        is_known=are_known(
                            keyed.rows["label"], self._known_labels, several=options.features.several_labels
                        ),
                        share=options.quality.share,
                    )
                )
                references.append(token_store.write_batch(writer, keyed, tokens))
                lost += batch.lost
                uses.append(batch.label_map)
                findings = findings.plus(batch.findings)
                self._rows.inc(batch.count)
                tally.add(batch.count)
        except UserError as error:
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))
        tally.write()
        yield beam.pvalue.TaggedOutput(STORED, StoredGroup(group, references, lost, merged(uses), findings, sketch))
        yield beam.pvalue.TaggedOutput(LABELS, labels.listed())


class TransformStored(beam.DoFn):
    """A StoredGroup, the labels and the vocabulary file -> batches of the rows that become records.

    The batches are those of TFT's transform, a list a column and row, but with ids of 32 bits. Tagged REJECTED: tables
    of rejected rows. Tagged TASK_ROWS: row_counts.TaskRows.
    """

    def __init__(self, options: ReadOptions, config: Config, *, folder: str | None) -> None:
        self._options = options
        self._config = config
        self._folder = folder
        self._shared = Shared()

    def process(
        self, stored: StoredGroup, labels: list[str], vocabulary: str
    ) -> Iterator[tuple[pa.RecordBatch, object]]:
        """Yields each batch as soon as it has its ids."""
        self._options.observe("transform")
        transform = self._shared.acquire(partial(feature_function, self._config, vocabulary), tag=vocabulary)
        row_filter = RowFilter(list(stored.group.tasks()), self._options.of(stored.group), labels=labels)
        row_filter.lost(stored.lost)
        row_filter.left_out(stored.label_map)
        row_filter.found(stored.findings)
        row_filter.add_groups(stored.groups)
        for reference in stored.references:
            keyed, tokens = token_store.read_batch(reference, self._folder)
            labelled = row_filter.labelled(keyed)
            if labelled.rejected.num_rows:
                yield beam.pvalue.TaggedOutput(REJECTED, labelled.rejected)
            if labelled.rows.num_rows:
                if not labelled.is_labelled.all():
                    tokens = tokens.filter(pa.array(labelled.is_labelled))
                ids = transform(token_store.to_token_batch(tokens))
                yield transformed_batch(labelled, ids, self._options.features), {}
        for rows in row_filter.task_rows():
            yield beam.pvalue.TaggedOutput(TASK_ROWS, rows)


def transformed_batch(
    labelled: LabelledRows, of_texts: dict[str, Any], features: RecordFeatures = NO_FEATURES
) -> pa.RecordBatch:
    """Rows and the record features of their texts, [rows] or [rows, width] each -> a batch as TFT gives it."""
    numbers = {**of_texts, LABEL: labelled.labels.numbers, SPLIT: labelled.splits}
    columns = {
        name: transform_batches.to_lists(pa.array(array.reshape(-1)), rows=len(array))
        for name, array in numbers.items()
    }
    columns[KEY] = transform_batches.to_lists(labelled.keys, rows=len(labelled.keys))
    columns[SAMPLE] = transform_batches.sample_column(
        labelled.rows["text"], labels=labelled.labels.numbers, keys=labelled.keys, splits=labelled.splits
    )
    columns |= transform_batches.feature_columns(labelled.rows, labelled.labels, features)
    return pa.RecordBatch.from_pydict(columns)
