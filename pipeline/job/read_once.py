"""Where batches can wait on disk between the passes, the input is read and tokenized once, by the steps of this module.

    groups of tasks -> ReadOnce -> counted batches, labels; references to what waits
    references -> TransformKept -> transformed batches, rejected rows, accounts

The first takes the place of ReadTrain and TFT's analysis graph, the second that of ReadAll and TFT's transform graph;
both give the same bytes.
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
from pipeline.files.beam import BeamFiles
from pipeline.job import spill, token_store, transform_batches
from pipeline.job.read import (
    REFUSED,
    REJECTED,
    TASK_ROWS,
    Labels,
    Reading,
    Sieve,
    Usable,
    sort_rows,
)
from pipeline.job.transform_batches import KEY, SAMPLE, SPLIT
from pipeline.sources import read_tasks
from pipeline.sources.schema import TaskGroup
from pipeline.support.progress import NAMESPACE, TRAIN_ROWS, Tally
from pipeline.text.fast_sequences import transformer
from pipeline.text.fast_tokenizer import tokenizer
from pipeline.vocabulary.cached_counting import LABELS
from pipeline.vocabulary.count_words import count_words

KEPT = "kept"


class Kept(NamedTuple):
    """A group of read tasks, and the references to its batches (job/token_store.py)."""

    group: TaskGroup
    references: list[bytes]


class ReadOnce(beam.DoFn):
    """A group of read tasks -> the count table of each batch's train rows.

    Tagged KEPT a Kept, LABELS the labels in train rows, REFUSED messages.
    """

    def __init__(self, reading: Reading, config: Config, *, folder: str | None) -> None:
        self._reading = reading
        self._config = config
        self._folder = folder
        self._shared = Shared()
        self._rows = Metrics.counter(NAMESPACE, TRAIN_ROWS)

    def setup(self) -> None:
        """Makes the graph, which all threads of a process share, and knows no label."""
        self._known: set[str] = set()
        self._tokenize = self._shared.acquire(partial(tokenizer, self._config.text))

    def process(self, group: TaskGroup) -> Iterator[pa.Table]:
        """Counts a batch as soon as it is read."""
        tasks = list(group.tasks())
        tally = Tally(self._reading.progress_folder, "analyse")
        labels = Labels()
        out, references = spill.Blocks(self._folder), []
        try:
            for batch in read_tasks(tasks, self._reading.columns, BeamFiles()):
                found, trains = token_store.train_first(sort_rows(batch, self._reading, tasks=tasks))
                labels.add(found.rows["label"].slice(0, trains))
                self._known |= labels.found
                tokenized = self._tokenize(found.rows["text"])
                if trains:
                    position = found.rows["position"].slice(0, trains).to_numpy().min()
                    yield count_words(tokenized, rows=trains, position=position)
                found = token_store.with_needed_texts(found, labels=self._known, share=self._reading.look.share)
                references.append(token_store.put(out, found, tokenized))
                self._rows.inc(batch.count)
                tally.add(batch.count)
        except UserError as error:
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))
        tally.write()
        yield beam.pvalue.TaggedOutput(KEPT, Kept(group, references))
        yield beam.pvalue.TaggedOutput(LABELS, labels.listed())


class TransformKept(beam.DoFn):
    """A Kept, the labels and the vocabulary file -> batches of the usable rows as TFT's transform gives them, a list a
    column and row; ids have 32 bits.

    Tagged REJECTED tables of rejected rows, TASK_ROWS accounts.TaskRows.
    """

    def __init__(self, reading: Reading, config: Config, *, folder: str | None) -> None:
        self._reading = reading
        self._config = config
        self._folder = folder
        self._shared = Shared()

    def process(self, of: Kept, labels: list[str], vocabulary: str) -> Iterator[tuple[pa.RecordBatch, object]]:
        """Gives a batch as soon as it has its ids."""
        transform = self._shared.acquire(partial(transformer, self._config, vocabulary), tag=vocabulary)
        sieve = Sieve(list(of.group.tasks()), self._reading, labels=labels)
        for reference in of.references:
            found, tokens = token_store.take(reference, self._folder)
            usable = sieve.usable(found)
            if usable.rejected.num_rows:
                yield beam.pvalue.TaggedOutput(REJECTED, usable.rejected)
            if usable.rows.num_rows:
                if not usable.is_usable.all():
                    tokens = tokens.filter(pa.array(usable.is_usable))
                yield transformed_batch(usable, transform(token_store.of_column(tokens))), {}
        for rows in sieve.task_rows():
            yield beam.pvalue.TaggedOutput(TASK_ROWS, rows)


def transformed_batch(usable: Usable, features: dict[str, Any]) -> pa.RecordBatch:
    """Rows and their record features, [rows] or [rows, width] each -> a batch as TFT gives it."""
    numbers = {**features, LABEL: usable.labels, SPLIT: usable.splits}
    columns = {
        name: transform_batches.lists(pa.array(array.reshape(-1)), rows=len(array)) for name, array in numbers.items()
    }
    columns[KEY] = transform_batches.lists(usable.keys, rows=len(usable.keys))
    columns[SAMPLE] = transform_batches.sample_column(
        usable.rows["text"], labels=usable.labels, keys=usable.keys, splits=usable.splits
    )
    return pa.RecordBatch.from_pydict(columns)
