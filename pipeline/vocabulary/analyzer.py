"""Tokens of the train split -> vocabulary.tsv: a TFT analyzer that counts batches in the graph, unless they are counted
outside of it (CountedBatches), and merges Arrow tables.

`vocabulary_file(tokens, position, ...)` is called within the preprocessing_fn and gives the path of the file there, an
asset of the transform graph. On the way nothing is smaller than the count table of a batch, tables are merged in
each bundle and then in each bucket of the tokens' fingerprints, and what grows with the texts crosses no single worker.
"""

import json
import posixpath
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue
from tensorflow_transform import beam as tft_beam

from pipeline.contract import VOCABULARY_ASSET, Oov, first_word_id, max_words, max_words_after, next_id
from pipeline.files.beam import BeamFiles
from pipeline.records_folder.vocabulary_tsv import format_words
from pipeline.support import arrow_ipc
from pipeline.text.hashing import token_fingerprints
from pipeline.vocabulary import count_tables, imported_words
from pipeline.vocabulary.cached_counting import CountByFile, Counted
from pipeline.vocabulary.imported_words import GivenWords

# TensorFlow can't load an empty file. A job without a word goes on with this one, which no token matches, to its last
# step: that one knows why there is none, and refuses.
_NO_WORDS = b"1\t\t0\n"

# Tops of fewer words wait for each other: to order them costs less than to pack and unpack them once more.
_SMALL_TOP = 1 << 17


class VocabularyPlan(NamedTuple):
    """What the analyzer needs to know beside the tokens.

    words: how many counted words are kept at most. first_id: the id of the first. summary_path: where the CountSummary
    goes, for the coverage curve. buckets: into how many parts the tokens are divided for merging. given: words that
    have their ids already, whatever their counts. counted: what is counted already, and where new counts are kept.
    batches: the counts of all batches, if TFT does not make them.
    """

    words: int
    first_id: int
    min_count: int
    summary_path: str
    buckets: int
    given: GivenWords | None = None
    counted: Counted | None = None
    batches: "CountedBatches | None" = None


class CountedBatches:
    """Count tables of batches made outside of TFT's graph, which is then given no batch; like Counted it is used where
    the pipeline is built, and stays behind when preprocessing_fn is shipped."""

    def __init__(self, tables: beam.PCollection | None = None) -> None:
        self.tables = tables

    def __reduce__(self) -> tuple[type["CountedBatches"], tuple[()]]:
        return CountedBatches, ()


def vocabulary_plan(
    *,
    top_words: int,
    min_count: int,
    oov: Oov,
    summary_path: str,
    buckets: int,
    given: GivenWords | None = None,
    grow: bool = False,
    counted: Counted | None = None,
    batches: CountedBatches | None = None,
) -> VocabularyPlan:
    """The plan that the settings ask for."""
    if given is None:
        words, first_id = max_words(top_words, oov), first_word_id(oov)
    else:
        words = max_words_after(given.last_id, top_words=top_words) if grow else 0
        first_id = next_id(given.last_id)
    return VocabularyPlan(words, first_id, min_count, summary_path, buckets, given, counted, batches)


def vocabulary_file(tokens: tf.RaggedTensor, position: tf.Tensor, plan: VocabularyPlan) -> tf.Tensor:
    """Ragged string [batch, (tokens)] and int64 [batch] -> string [], the path of the vocabulary file, within TFT."""
    (path,) = tft.experimental.ptransform_analyzer(
        inputs=count_batch(tokens, position),
        ptransform=BuildVocabulary(plan),
        output_dtypes=[tf.string],
        output_shapes=[[]],
        # TFT's graph has a table with a word in it until the real file is there.
        output_asset_default_values=[b"1\tword\t1"],
        name="vocabulary",
    )
    return path


def count_batch(tokens: tf.RaggedTensor, position: tf.Tensor) -> list[tf.Tensor]:
    """The columns of a batch's count table, in the order of count_tables.SCHEMA.

    >>> tokens = tf.ragged.constant([[b"b", b"a", b"b"], [b"a"]])
    >>> columns = count_batch(tokens, tf.constant([7, 9], tf.int64))
    >>> [column.numpy().tolist() for column in columns[:4]]
    [[b'b', b'a'], [2, 2], [7, 7], [0, 1]]
    """
    word, _, count = tf.unique_with_counts(tokens.flat_values, out_idx=tf.int64)
    distinct = tf.size(word, out_type=tf.int64)
    # Words come in order of first occurrence, so their number tells where in the batch each stood first. A batch holds
    # all rows of the train split between two positions, so its own position orders its words among all others'.
    return [
        word,
        count,
        tf.fill([distinct], tf.reduce_min(position)),
        tf.range(distinct),
        token_fingerprints(word),
    ]


class BuildVocabulary(tft_beam.experimental.PTransformAnalyzer):
    """Count tables of batches, as the graph's arrays unless the plan has them -> the path of the vocabulary file."""

    def __init__(self, plan: VocabularyPlan) -> None:
        super().__init__()
        self._plan = plan

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Counted batches -> one path."""
        buckets, counted = self._plan.buckets, self._plan.counted
        tables = self._tables(batches)
        if counted is None:
            merge = beam.ParDo(MergeInBundle(buckets)).with_output_types(tuple[int, bytes])
            merged = tables | "MergeInBundle" >> merge
        else:
            merged = tables | "CountByFile" >> CountByFile(counted, buckets=buckets)
        top = (
            merged
            | "GroupByBucket" >> beam.GroupByKey()
            | "MergeBucket" >> beam.Map(top_of_bucket, plan=self._plan)
            | "MergeTops" >> beam.CombineGlobally(MergeTops(self._plan))
        )
        return (
            batches.pipeline
            | "One" >> beam.Create([self.base_temp_dir])
            | "WriteVocabulary"
            >> beam.Map(_write, top=beam.pvalue.AsSingleton(top), plan=self._plan).with_output_types(np.ndarray)
        )

    def _tables(self, batches: beam.PCollection) -> beam.PCollection:
        if self._plan.batches is not None:
            return self._plan.batches.tables
        return batches | "CountTables" >> beam.Map(count_tables.count_table)


class MergeInBundle(beam.DoFn):
    """The count tables of a bundle's batches -> (bucket, count table as bytes), once, when the bundle ends."""

    def __init__(self, number: int) -> None:
        self._number = number

    def start_bundle(self) -> None:
        """Begins with nothing counted."""
        self._merger = count_tables.Merger()

    def process(self, table: pa.Table) -> None:
        """Takes in the counts of one batch."""
        self._merger.add(table)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives the counts of the bundle."""
        for bucket, table in count_tables.buckets(self._merger.result(), self._number):
            window = GlobalWindow()
            yield WindowedValue((bucket, arrow_ipc.pack(table)), window.max_timestamp(), [window])


class Top(NamedTuple):
    """What is left of some buckets: their given words and their most frequent others, as packed count tables, how many
    these others are, and the summary of all words."""

    given: bytes
    others: bytes
    rows: int
    summary: count_tables.CountSummary


def top_of_bucket(bucket: tuple[int, Iterable[bytes]], *, plan: VocabularyPlan) -> Top:
    """(bucket, all count tables of it, packed) -> its Top."""
    merger = count_tables.Merger()
    for blob in bucket[1]:
        merger.add(arrow_ipc.unpack(blob))
    table = merger.result()
    given, others = imported_words.divide(table, imported_words.read(plan.given))
    return _top(given, others, count_tables.summarize(table), plan)


class MergeTops(beam.CombineFn):
    """Tops of buckets -> the Top of them all.

    Buckets share no word, so of any of them together only the best `words` need go on: a million words of a thousand
    buckets never come to one worker, which would hold 50 GB.
    """

    def __init__(self, plan: VocabularyPlan) -> None:
        self._plan = plan

    def create_accumulator(self) -> list[Top]:
        """No bucket."""
        return []

    def add_input(self, accumulator: list[Top], element: Top) -> list[Top]:
        """Adds a Top; they are only merged once there is something to leave out."""
        accumulator.append(element)
        is_large = sum(top.rows for top in accumulator) > 4 * max(self._plan.words, _SMALL_TOP)
        return self.compact(accumulator) if is_large else accumulator

    def merge_accumulators(self, accumulators: Iterable[list[Top]]) -> list[Top]:
        """Adds Tops."""
        merged: list[Top] = []
        for accumulator in accumulators:
            for top in accumulator:
                merged = self.add_input(merged, top)
        return merged

    def compact(self, accumulator: list[Top]) -> list[Top]:
        """Leaves out what can't be among the best; the runner calls it before anything crosses to another worker."""
        return [self.extract_output(accumulator)]

    def extract_output(self, accumulator: list[Top]) -> Top:
        """The Top of all."""
        given = pa.concat_tables(
            [count_tables.SCHEMA.empty_table(), *(arrow_ipc.unpack(top.given) for top in accumulator)]
        )
        others = pa.concat_tables(
            [count_tables.SCHEMA.empty_table(), *(arrow_ipc.unpack(top.others) for top in accumulator)]
        )
        return _top(given, others, count_tables.merge_summaries(top.summary for top in accumulator), self._plan)


def _top(given: pa.Table, others: pa.Table, summary: count_tables.CountSummary, plan: VocabularyPlan) -> Top:
    kept = count_tables.top(others, words=plan.words, min_count=plan.min_count)
    return Top(arrow_ipc.pack(given), arrow_ipc.pack(kept), kept.num_rows, summary)


def _write(folder: str, *, top: Top, plan: VocabularyPlan) -> npt.NDArray[np.object_]:
    words = imported_words.read(plan.given)
    files = BeamFiles()
    files.write(plan.summary_path, json.dumps(top.summary._asdict()).encode())
    # A name of its own for each run: TensorFlow shares tables by path within a process.
    path = f"{folder}/{posixpath.basename(VOCABULARY_ASSET)}"
    lines = imported_words.counted_lines(words, arrow_ipc.unpack(top.given))
    lines += numbered_lines(arrow_ipc.unpack(top.others), first_id=plan.first_id)
    files.write(path, lines or _NO_WORDS)
    return np.array(path.encode(), dtype=object)


def numbered_lines(table: pa.Table, *, first_id: int) -> bytes:
    r"""Count table in its final order -> lines of vocabulary.tsv; ids rise from `first_id`.

    >>> table = count_tables.count_table(([b"this", b"is"], [8, 5], [0, 0], [0, 1], [1, 2]))
    >>> numbered_lines(table, first_id=1)
    b'1\tthis\t8\n2\tis\t5\n'
    """
    ids = range(first_id, first_id + table.num_rows)
    return format_words(ids, table["token"].to_pylist(), table["count"].to_pylist())
