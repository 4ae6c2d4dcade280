"""A plan -> a Beam pipeline that turns raw text into a published records folder. It joins the stages; the work is in
the other modules.

    ranges of large csv files -> ScanRanges -> where their rows begin
    task groups -> (LookUp ->) ReadTrain -> AnalyzeDataset -> transform graph            (the vocabulary)
                             -> labels
    task groups -> ReadAll -> TransformDataset -> EncodeRecords -> WriteShards
                           -> rejected rows -> WriteRejects
    all of these -> finalize -> the records folder

If the settings need to look at all rows first (job/survey.py), task groups -> Survey -> task groups with decisions.

If tokens can be spilled to disk (job/read_once.py), other steps replace the reading:

    task groups -> ReadOnce -> AnalyzeDataset -> transform graph
                            -> labels
                            -> StoredGroups -> TransformStored -> EncodeRecords ...

The pipeline holds settings alone, so it runs unchanged on any runner.
"""

from typing import NamedTuple

import apache_beam as beam
import pyarrow as pa
from tensorflow_transform import beam as tft_beam

from pipeline.contract import TRANSFORM_FOLDER, VOCABULARY_ASSET
from pipeline.job import preprocessing, transform_batches
from pipeline.job.alone import finalize_alone
from pipeline.job.encode_records import (
    NEAR,
    ROWS_TO_COMPARE,
    STATISTICS,
    EncodeRecords,
    MergeStatistics,
)
from pipeline.job.finalize import finalize
from pipeline.job.labels import MergeLabels
from pipeline.job.plan import Plan
from pipeline.job.read import REFUSED, REJECTED, TASK_ROWS, ReadAll, ReadTrain
from pipeline.job.read_once import STORED, ReadOnce, TransformStored
from pipeline.job.rejects import WriteRejects
from pipeline.job.save_transform import WriteTransform
from pipeline.job.survey import Survey
from pipeline.job.task_file import ScanRanges, TaskGroups
from pipeline.job.write import WriteShards
from pipeline.statistics import duplicates
from pipeline.vocabulary.analyzer import BatchCounts
from pipeline.vocabulary.cached_counting import CACHE_USE, ENTRY_PARTS, LABELS, TABLES, CachedCounts, look_up_counts


class FirstPass(NamedTuple):
    """The outputs of the first pass, over the train split.

    transform: TFT's (transform graph, metadata). labels: one ordered list. refused: messages of UserErrors. cache_use:
    how many files were in the cache, if there is one. stored: StoredGroups, if the input is read once.
    """

    transform: tuple[beam.PCollection, object]
    labels: beam.PCollection
    refused: beam.PCollection
    cache_use: beam.PCollection | None = None
    stored: beam.PCollection | None = None


class SecondPass(NamedTuple):
    """The outputs of the second pass, over all rows.

    batches: record features of the rows that become records. rejected: tables of the other rows. task_rows: TaskRows.
    refused: messages of UserErrors, if the input is read again.
    """

    batches: beam.PCollection
    rejected: beam.PCollection
    task_rows: beam.PCollection
    refused: tuple[beam.PCollection, ...] = ()


class Outputs(NamedTuple):
    """What is written: shards: WrittenShards. statistics: by split. duplicates: counts of each bucket of rows. near:
    packed rows among which near duplicates are searched. rejected: RejectCounts."""

    shards: beam.PCollection
    statistics: beam.PCollection
    duplicates: beam.PCollection
    near: beam.PCollection
    rejected: beam.PCollection


def build(pipeline: beam.Pipeline, plan: Plan) -> None:
    """Adds the whole job to a pipeline."""
    with tft_beam.Context(temp_dir=plan.tft_folder, passthrough_keys=set(transform_batches.PASSED_BY)):
        scans = pipeline | "ScanRanges" >> ScanRanges(plan.tasks_path) if plan.has_nominal_ranges else None
        groups = pipeline | "TasksToAnalyse" >> TaskGroups(plan.tasks_path, scans=scans)
        if plan.surveys:
            groups = groups | "Survey" >> Survey(plan.read_options, buckets=plan.row_buckets)
        if plan.reads_once:
            first = count_and_store(groups, plan)
            second = transform_stored(first, plan)
        else:
            first = count(groups, plan)
            # What a survey decided on the groups is too much to be found twice. Else the runner need not hold them.
            again = (
                groups if plan.surveys else pipeline | "TasksToTransform" >> TaskGroups(plan.tasks_path, scans=scans)
            )
            second = transform(again, first, plan)
        outputs = write(second, plan)
    metadata = preprocessing.record_metadata(plan.config.sequence.max_length, plan.record_features)
    transform_folder = first.transform[0] | "WriteTransform" >> WriteTransform(
        f"{plan.result_folder}/{TRANSFORM_FOLDER}", metadata
    )
    refused = [first.refused, *second.refused] | "Refused" >> beam.Flatten()
    _ = (
        pipeline
        | "Once" >> beam.Create([plan])
        | "Finalize"
        >> beam.Map(
            finalize_alone if plan.outlives_command else finalize,
            labels=beam.pvalue.AsSingleton(first.labels),
            shards=beam.pvalue.AsList(outputs.shards),
            splits=beam.pvalue.AsDict(outputs.statistics),
            duplicate_counts=beam.pvalue.AsList(outputs.duplicates),
            near=beam.pvalue.AsList(outputs.near),
            rejected=beam.pvalue.AsList(outputs.rejected),
            task_rows=beam.pvalue.AsList(second.task_rows),
            refused=beam.pvalue.AsList(refused),
            cache_use=None if first.cache_use is None else beam.pvalue.AsList(first.cache_use),
            transform=beam.pvalue.AsList(transform_folder),
        )
    )


def count(groups: beam.PCollection, plan: Plan) -> FirstPass:
    """First pass of two readings: reads the train split, counts its tokens and collects its labels."""
    options = plan.read_options
    if plan.unlabelled_files and not options.counts_unlabelled:
        groups = groups | "ToCount" >> beam.Filter(options.counts)
    if plan.count_cache_folder is None:
        train = groups | "ReadTrain" >> beam.ParDo(ReadTrain(options)).with_outputs(LABELS, REFUSED, main="batches")
        cached, cache_use, labels = None, None, train[LABELS]
    else:
        look_up = look_up_counts(groups, plan.count_cache_folder, buckets=plan.token_buckets)
        train = (
            look_up["missing"]
            | "Spread" >> beam.Reshuffle()
            | "ReadTrain"
            >> beam.ParDo(ReadTrain(options, by_file=True)).with_outputs(LABELS, REFUSED, ENTRY_PARTS, main="batches")
        )
        parts = (look_up[ENTRY_PARTS], train[ENTRY_PARTS]) | "EntryParts" >> beam.Flatten()
        cached, cache_use = CachedCounts(plan.count_cache_folder, look_up[TABLES], parts), look_up[CACHE_USE]
        labels = (look_up[LABELS], train[LABELS]) | "Labels" >> beam.Flatten()
    function = preprocessing.preprocessing_fn(
        plan.config,
        summary_path=plan.summary_path,
        buckets=plan.token_buckets,
        imported=plan.imported_words,
        cached=cached,
        hints=plan.memory_hints,
    )
    graph = (train["batches"], preprocessing.input_config()) | ("Analyse" >> tft_beam.AnalyzeDataset(function))
    return FirstPass(graph, _merged(labels, plan), train[REFUSED], cache_use)


def count_and_store(groups: beam.PCollection, plan: Plan) -> FirstPass:
    """First pass of one reading: reads and tokenizes all rows; TFT's graph is made from the counts alone."""
    once = groups | "ReadOnce" >> beam.ParDo(
        ReadOnce(plan.read_options, plan.config, folder=plan.spill_folder)
    ).with_outputs(LABELS, REFUSED, STORED, main="counted")
    function = preprocessing.preprocessing_fn(
        plan.config,
        summary_path=plan.summary_path,
        buckets=plan.token_buckets,
        imported=plan.imported_words,
        batches=BatchCounts(once["counted"]),
        hints=plan.memory_hints,
    )
    no_batch = groups.pipeline | "NoBatch" >> beam.Create([]).with_output_types(pa.RecordBatch)
    graph = (no_batch, preprocessing.input_config()) | "Analyse" >> tft_beam.AnalyzeDataset(function)
    return FirstPass(graph, _merged(once[LABELS], plan), once[REFUSED], stored=once[STORED])


def _merged(labels: beam.PCollection, plan: Plan) -> beam.PCollection:
    return labels | "MergeLabels" >> beam.CombineGlobally(
        MergeLabels(plan.limits.max_labels, plan.config.input.label_kind)
    )


def transform(groups: beam.PCollection, first: FirstPass, plan: Plan) -> SecondPass:
    """Second pass of two readings: reads all rows and sends them through TFT's graph."""
    read = groups | "ReadAll" >> beam.ParDo(
        ReadAll(plan.read_options), labels=beam.pvalue.AsSingleton(first.labels)
    ).with_outputs(REJECTED, TASK_ROWS, REFUSED, main="batches")
    config = preprocessing.input_config(plan.record_features)
    transformed, _ = ((read["batches"], config), first.transform) | (
        "Transform" >> tft_beam.TransformDataset(output_record_batches=True)
    )
    return SecondPass(transformed, read[REJECTED], read[TASK_ROWS], (read[REFUSED],))


def transform_stored(first: FirstPass, plan: Plan) -> SecondPass:
    """Second pass of one reading: gives the stored tokens their ids, by the vocabulary of TFT's graph."""
    vocabulary = first.transform[0] | "Vocabulary" >> beam.Map(lambda graph: f"{graph}/{VOCABULARY_ASSET}")
    transformed = (
        first.stored
        | "SpreadStored" >> beam.Reshuffle()
        | "Transform"
        >> beam.ParDo(
            TransformStored(plan.read_options, plan.config, folder=plan.spill_folder),
            labels=beam.pvalue.AsSingleton(first.labels),
            vocabulary=beam.pvalue.AsSingleton(vocabulary),
        ).with_outputs(REJECTED, TASK_ROWS, main="batches")
    )
    return SecondPass(transformed["batches"], transformed[REJECTED], transformed[TASK_ROWS])


def write(second: SecondPass, plan: Plan) -> Outputs:
    """Record features to shards, and rejected rows to rejected/."""
    encoded = second.batches | "Encode" >> beam.ParDo(EncodeRecords(plan.write_options)).with_outputs(
        STATISTICS, ROWS_TO_COMPARE, NEAR, main="blocks"
    )
    return Outputs(
        shards=encoded["blocks"] | "WriteShards" >> WriteShards(plan.write_options, hints=plan.memory_hints),
        statistics=encoded[STATISTICS] | "MergeStatistics" >> beam.CombinePerKey(MergeStatistics()),
        duplicates=encoded[ROWS_TO_COMPARE]
        | "GroupByTokens" >> beam.GroupByKey()
        | "CountDuplicates" >> beam.MapTuple(lambda _, tables: duplicates.count(tables)),
        near=encoded[NEAR],
        rejected=second.rejected
        | "WriteRejects" >> WriteRejects(plan.result_folder, files=plan.rejected_files, task_rows=second.task_rows),
    )
