"""Count tables of batches -> vocabulary.tsv: they are merged in each bundle, then in each bucket of the tokens'
fingerprints, and of the buckets the best words are taken.

    count tables -> CountWords -> the Top of all tokens -> write_vocabulary -> vocabulary.tsv

The smallest piece of data is the count table of a batch. So no single worker gets data that grows with the texts.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.contract import Oov, first_word_id, max_words, max_words_after, next_id
from pipeline.files.beam import BeamFiles
from pipeline.records_folder.vocabulary_tsv import format_words
from pipeline.support import arrow_ipc
from pipeline.support.counters import DISTINCT_TOKENS, NAMESPACE, WORDS
from pipeline.vocabulary import count_tables, imported_words
from pipeline.vocabulary.cached_counting import CountByFile
from pipeline.vocabulary.imported_words import ImportedWords

# TensorFlow can't load an empty file. A job without a word goes on with this line, which no token matches, to its last
# step. That step knows why there is no word, and ends the run.
_NO_WORDS = b"1\t\t0\n"

# Tops are merged when they have more rows than four times this, or than four times the most words if these are more.
# To sort fewer rows costs less than to pack them once more.
_SMALL_TOP_ROWS = 1 << 17


class VocabularyPlan(NamedTuple):
    """Which words get ids, and how counts are merged.

    words: the most words that get an id by their count. first_id: the id of the first of them. summary_path: the file
    of the CountSummary, for the coverage curve. buckets: into how many buckets tokens are divided for merging.
    imported: words that have their ids already, whatever their counts. by_occurrence: whether words of equal count are
    in the order of their first occurrence; if not, the input has no order: see count_tables.top. hints: Beam's resource
    hints for the steps that merge.
    """

    words: int
    first_id: int
    min_count: int
    summary_path: str
    buckets: int
    imported: ImportedWords | None = None
    by_occurrence: bool = True
    hints: Mapping[str, str] | None = None


def vocabulary_plan(
    *,
    top_words: int,
    min_count: int,
    oov: Oov,
    summary_path: str,
    buckets: int,
    imported: ImportedWords | None = None,
    grow: bool = False,
    by_occurrence: bool = True,
    hints: Mapping[str, str] | None = None,
) -> VocabularyPlan:
    """The plan for the settings. grow: whether words of the texts get ids after the imported ones."""
    if imported is None:
        words, first_id = max_words(top_words, oov), first_word_id(oov)
    else:
        words = max_words_after(imported.last_id, top_words=top_words) if grow else 0
        first_id = next_id(imported.last_id)
    return VocabularyPlan(words, first_id, min_count, summary_path, buckets, imported, by_occurrence, hints)


class CountWords(beam.PTransform):
    """Count tables -> the Top of all tokens, one element. by_file: how counts are kept by file for `vocabulary.cache`;
    then each table is of rows of one file."""

    def __init__(self, plan: VocabularyPlan, *, by_file: CountByFile | None = None) -> None:
        super().__init__()
        self._plan = plan
        self._by_file = by_file

    def expand(self, counted: beam.PCollection) -> beam.PCollection:
        """Merges the counts of each token at one place."""
        if self._by_file is None:
            merge = beam.ParDo(MergeInBundle(self._plan.buckets)).with_output_types(tuple[int, bytes])
            merged = counted | "MergeInBundle" >> merge
        else:
            merged = counted | "CountByFile" >> self._by_file
        return (
            merged
            | "GroupByBucket" >> beam.GroupByKey()
            | "MergeBucket" >> beam.Map(top_of_bucket, plan=self._plan).with_resource_hints(**(self._plan.hints or {}))
            | "MergeTops" >> beam.CombineGlobally(MergeTops(self._plan))
        )


class MergeInBundle(beam.DoFn):
    """The count tables of a bundle's batches -> (bucket, packed count table) when the bundle ends."""

    def __init__(self, number: int) -> None:
        self._number = number

    def start_bundle(self) -> None:
        """Starts without counts."""
        self._merger = count_tables.Merger()

    def process(self, table: pa.Table) -> None:
        """Adds the counts of one batch."""
        self._merger.add(table)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives the counts of the bundle."""
        for bucket, table in count_tables.buckets(self._merger.result(), self._number):
            window = GlobalWindow()
            yield WindowedValue((bucket, arrow_ipc.pack(table)), window.max_timestamp(), [window])


class Top(NamedTuple):
    """The part of some buckets that can matter for the vocabulary.

    imported: the packed count table of their imported words. others: that of their most frequent other tokens. rows:
    the number of these others. summary: of all their tokens.
    """

    imported: bytes
    others: bytes
    rows: int
    summary: count_tables.CountSummary


def top_of_bucket(bucket: tuple[int, Iterable[bytes]], *, plan: VocabularyPlan) -> Top:
    """(bucket, all its packed count tables) -> its Top."""
    merger = count_tables.Merger()
    for blob in bucket[1]:
        merger.add(arrow_ipc.unpack(blob))
    table = merger.result()
    Metrics.counter(NAMESPACE, DISTINCT_TOKENS).inc(table.num_rows)
    imported, others = imported_words.divide(table, imported_words.read(plan.imported))
    return _top(imported, others, count_tables.summarize(table), plan)


class MergeTops(beam.CombineFn):
    """Tops of buckets -> the Top of them all.

    Buckets share no token, so of any buckets together only the most frequent `words` tokens go on. Without this a
    million words of each of a thousand buckets would come to one worker: 50 GB.
    """

    def __init__(self, plan: VocabularyPlan) -> None:
        self._plan = plan

    def create_accumulator(self) -> list[Top]:
        """No bucket."""
        return []

    def add_input(self, accumulator: list[Top], element: Top) -> list[Top]:
        """Adds a Top; Tops are merged only when there is something to leave out."""
        accumulator.append(element)
        is_large = sum(top.rows for top in accumulator) > 4 * max(self._plan.words, _SMALL_TOP_ROWS)
        return self.compact(accumulator) if is_large else accumulator

    def merge_accumulators(self, accumulators: Iterable[list[Top]]) -> list[Top]:
        """Adds Tops."""
        merged: list[Top] = []
        for accumulator in accumulators:
            for top in accumulator:
                merged = self.add_input(merged, top)
        return merged

    def compact(self, accumulator: list[Top]) -> list[Top]:
        """Leaves out tokens that are too rare; the runner calls this before it sends the Tops to another worker."""
        return [self.extract_output(accumulator)]

    def extract_output(self, accumulator: list[Top]) -> Top:
        """The Top of all."""
        imported = pa.concat_tables(
            [count_tables.SCHEMA.empty_table(), *(arrow_ipc.unpack(top.imported) for top in accumulator)]
        )
        others = pa.concat_tables(
            [count_tables.SCHEMA.empty_table(), *(arrow_ipc.unpack(top.others) for top in accumulator)]
        )
        return _top(imported, others, count_tables.merge_summaries(top.summary for top in accumulator), self._plan)


def _top(imported: pa.Table, others: pa.Table, summary: count_tables.CountSummary, plan: VocabularyPlan) -> Top:
    frequent = count_tables.top(others, words=plan.words, min_count=plan.min_count, by_occurrence=plan.by_occurrence)
    return Top(arrow_ipc.pack(imported), arrow_ipc.pack(frequent), frequent.num_rows, summary)


def write_vocabulary(top: Top, *, plan: VocabularyPlan, path: str) -> str:
    """Writes the words with their ids to `path`, and the summary of all counts; gives the path.

    Another attempt writes the same bytes.
    """
    words = imported_words.read(plan.imported)
    files = BeamFiles()
    files.write(plan.summary_path, json.dumps(top.summary._asdict()).encode())
    lines = imported_words.imported_lines(words, arrow_ipc.unpack(top.imported))
    lines += ranked_lines(arrow_ipc.unpack(top.others), first_id=plan.first_id)
    files.write(path, lines or _NO_WORDS)
    Metrics.counter(NAMESPACE, WORDS).inc(lines.count(b"\n"))
    return path


def ranked_lines(table: pa.Table, *, first_id: int) -> bytes:
    r"""The count table of words in their final order -> lines of vocabulary.tsv, with ids from `first_id` on.

    >>> table = count_tables.count_table(([b"this", b"is"], [8, 5], [0, 0], [0, 1], [1, 2]))
    >>> ranked_lines(table, first_id=1)
    b'1\tthis\t8\n2\tis\t5\n'
    """
    ids = range(first_id, first_id + table.num_rows)
    return format_words(ids, table["token"].to_pylist(), table["count"].to_pylist())
