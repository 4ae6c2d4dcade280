"""Joins the stages: a plan -> a Beam pipeline that turns raw text into a published records folder.

    ranges of large csv files -> ScanRanges -> where their rows begin
    tasks -> (LookUp ->) ReadTrain -> AnalyzeDataset -> transform graph            (the vocabulary)
                       -> labels
    tasks -> ReadAll -> TransformDataset -> EncodeRecords -> WriteShards
                     -> rejected rows -> WriteRejects
    all of these -> conclude -> the records folder

Where tokens can wait on disk (job/read_once.py) there are other steps in their place:

    tasks -> ReadOnce -> AnalyzeDataset -> transform graph
                      -> labels
                      -> what waits -> TransformKept -> EncodeRecords ...

There is no logic of its own here. The graph holds settings alone, so it runs unchanged on any runner.
"""

from typing import NamedTuple

import apache_beam as beam
import pyarrow as pa
from tensorflow_transform import beam as tft_beam

from pipeline.contract import TRANSFORM_FOLDER, VOCABULARY_ASSET
from pipeline.job import preprocessing, transform_batches
from pipeline.job.finalize import conclude
from pipeline.job.labels import MergeLabels
from pipeline.job.plan import Plan
from pipeline.job.read import REFUSED, REJECTED, TASK_ROWS, ReadAll, ReadTrain
from pipeline.job.read_once import KEPT, ReadOnce, TransformKept
from pipeline.job.rejects import WriteRejects
from pipeline.job.save_transform import WriteTransform
from pipeline.job.task_file import ScanRanges, Tasks
from pipeline.job.write import REPEATS, STATISTICS, EncodeRecords, MergeStatistics, WriteShards
from pipeline.statistics import duplicates
from pipeline.vocabulary.analyzer import CountedBatches
from pipeline.vocabulary.cached_counting import FOUND, LABELS, NOTES, TABLES, Counted, look_up_counts


class Analysed(NamedTuple):
    """What the first pass gives: TFT's (transform graph, metadata), the ordered labels as a singleton, refusals, Founds
    where counts are kept, and Kepts where tokens are."""

    transform: tuple[beam.PCollection, object]
    labels: beam.PCollection
    refused: beam.PCollection
    found: beam.PCollection | None = None
    kept: beam.PCollection | None = None


class Transformed(NamedTuple):
    """What the second pass gives of everything, read again or kept: usable rows as batches of record features, tables
    of rejected rows, TaskRows; refusals, where it reads."""

    batches: beam.PCollection
    rejected: beam.PCollection
    task_rows: beam.PCollection
    refused: tuple[beam.PCollection, ...] = ()


class Written(NamedTuple):
    """What was made of these: WrittenShards, statistics by split, repeated texts, Rejecteds."""

    shards: beam.PCollection
    statistics: beam.PCollection
    repeats: beam.PCollection
    rejected: beam.PCollection


def build(pipeline: beam.Pipeline, plan: Plan) -> None:
    """Adds the whole job to a pipeline."""
    with tft_beam.Context(temp_dir=plan.transform_temp, passthrough_keys=set(transform_batches.PASSED_BY)):
        scans = pipeline | "ScanRanges" >> ScanRanges(plan.tasks_path) if plan.has_nominal_ranges else None
        tasks = pipeline | "TasksToAnalyse" >> Tasks(plan.tasks_path, scans=scans)
        if plan.keeps_tokens:
            analysed = analyse_once(tasks, plan)
            transformed = transform_kept(analysed, plan)
        else:
            analysed = analyse(tasks, plan)
            again = pipeline | "TasksToTransform" >> Tasks(plan.tasks_path, scans=scans)
            transformed = transform_again(again, analysed, plan)
        written = write(transformed, plan)
    metadata = preprocessing.record_metadata(plan.config.sequence.max_length)
    transform = analysed.transform[0] | "WriteTransform" >> WriteTransform(
        f"{plan.result}/{TRANSFORM_FOLDER}", metadata
    )
    refused = [analysed.refused, *transformed.refused] | "Refused" >> beam.Flatten()
    _ = (
        pipeline
        | "Once" >> beam.Create([plan])
        | "Conclude"
        >> beam.Map(
            conclude,
            labels=beam.pvalue.AsSingleton(analysed.labels),
            shards=beam.pvalue.AsList(written.shards),
            splits=beam.pvalue.AsDict(written.statistics),
            repeated=beam.pvalue.AsList(written.repeats),
            rejected=beam.pvalue.AsList(written.rejected),
            task_rows=beam.pvalue.AsList(transformed.task_rows),
            refused=beam.pvalue.AsList(refused),
            found=None if analysed.found is None else beam.pvalue.AsList(analysed.found),
            transform=beam.pvalue.AsList(transform),
        )
    )


def analyse(tasks: beam.PCollection, plan: Plan) -> Analysed:
    """First pass, over the train split: counts tokens and collects labels."""
    if plan.counts_folder is None:
        train = tasks | "ReadTrain" >> beam.ParDo(ReadTrain(plan.reading)).with_outputs(LABELS, REFUSED, main="batches")
        counted, found, labels = None, None, train[LABELS]
    else:
        look_up = look_up_counts(tasks, plan.counts_folder, buckets=plan.buckets)
        train = (
            look_up["missing"]
            | "Spread" >> beam.Reshuffle()
            | "ReadTrain"
            >> beam.ParDo(ReadTrain(plan.reading, by_file=True)).with_outputs(LABELS, REFUSED, NOTES, main="batches")
        )
        notes = (look_up[NOTES], train[NOTES]) | "Notes" >> beam.Flatten()
        counted, found = Counted(plan.counts_folder, look_up[TABLES], notes), look_up[FOUND]
        labels = (look_up[LABELS], train[LABELS]) | "Labels" >> beam.Flatten()
    function = preprocessing.preprocessing_fn(
        plan.config, summary_path=plan.summary_path, buckets=plan.buckets, given=plan.given, counted=counted
    )
    transform = (train["batches"], preprocessing.input_config()) | ("Analyse" >> tft_beam.AnalyzeDataset(function))
    return Analysed(transform, _merged(labels), train[REFUSED], found)


def analyse_once(tasks: beam.PCollection, plan: Plan) -> Analysed:
    """First pass where tokens are kept, over everything: reads and tokenizes; the graph is made of the counts alone."""
    once = tasks | "ReadOnce" >> beam.ParDo(ReadOnce(plan.reading, plan.config, folder=plan.waiting)).with_outputs(
        LABELS, REFUSED, KEPT, main="counted"
    )
    function = preprocessing.preprocessing_fn(
        plan.config,
        summary_path=plan.summary_path,
        buckets=plan.buckets,
        given=plan.given,
        batches=CountedBatches(once["counted"]),
    )
    nothing = tasks.pipeline | "NoBatch" >> beam.Create([]).with_output_types(pa.RecordBatch)
    transform = (nothing, preprocessing.input_config()) | "Analyse" >> tft_beam.AnalyzeDataset(function)
    return Analysed(transform, _merged(once[LABELS]), once[REFUSED], kept=once[KEPT])


def _merged(labels: beam.PCollection) -> beam.PCollection:
    return labels | "MergeLabels" >> beam.CombineGlobally(MergeLabels())


def transform_again(tasks: beam.PCollection, analysed: Analysed, plan: Plan) -> Transformed:
    """Reads all rows once more and sends them through TFT's graph."""
    read = tasks | "ReadAll" >> beam.ParDo(
        ReadAll(plan.reading), labels=beam.pvalue.AsSingleton(analysed.labels)
    ).with_outputs(REJECTED, TASK_ROWS, REFUSED, main="batches")
    transformed, _ = ((read["batches"], preprocessing.input_config()), analysed.transform) | (
        "Transform" >> tft_beam.TransformDataset(output_record_batches=True)
    )
    return Transformed(transformed, read[REJECTED], read[TASK_ROWS], (read[REFUSED],))


def transform_kept(analysed: Analysed, plan: Plan) -> Transformed:
    """Gives the kept tokens their ids, by the vocabulary of TFT's graph."""
    vocabulary = analysed.transform[0] | "Vocabulary" >> beam.Map(lambda graph: f"{graph}/{VOCABULARY_ASSET}")
    read = (
        analysed.kept
        | "SpreadKept" >> beam.Reshuffle()
        | "Transform"
        >> beam.ParDo(
            TransformKept(plan.reading, plan.config, folder=plan.waiting),
            labels=beam.pvalue.AsSingleton(analysed.labels),
            vocabulary=beam.pvalue.AsSingleton(vocabulary),
        ).with_outputs(REJECTED, TASK_ROWS, main="batches")
    )
    return Transformed(read["batches"], read[REJECTED], read[TASK_ROWS])


def write(transformed: Transformed, plan: Plan) -> Written:
    """Ids to shards, and what can't be used to rejected/."""
    encoded = transformed.batches | "Encode" >> beam.ParDo(EncodeRecords(plan.writing)).with_outputs(
        STATISTICS, REPEATS, main="blocks"
    )
    return Written(
        shards=encoded["blocks"] | "WriteShards" >> WriteShards(plan.writing),
        statistics=encoded[STATISTICS] | "MergeStatistics" >> beam.CombinePerKey(MergeStatistics()),
        repeats=encoded[REPEATS]
        | "GroupByTokens" >> beam.GroupByKey()
        | "CountRepeats" >> beam.MapTuple(lambda _, blocks: duplicates.count(blocks)),
        rejected=transformed.rejected
        | "WriteRejects" >> WriteRejects(plan.result, shards=plan.rejected_files, task_rows=transformed.task_rows),
    )
