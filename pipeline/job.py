"""Joins the stages: a plan -> a Beam pipeline that turns raw text into a published records folder.

    ranges of large csv files -> ScanRanges -> where their rows begin
    tasks -> (LookUp ->) ReadTrain -> AnalyzeDataset -> transform graph            (the vocabulary)
                       -> labels
    tasks -> ReadAll -> TransformDataset -> EncodeRecords -> WriteShards
                     -> rejected rows -> WriteRejects
    all of these -> conclude -> the records folder

There is no logic of its own here. The graph holds settings alone, so it runs unchanged on any runner.
"""

from typing import NamedTuple

import apache_beam as beam
from tensorflow_transform import beam as tft_beam

from pipeline import batches, preprocessing, repeats
from pipeline.conclude import conclude
from pipeline.contract import TRANSFORM_FOLDER
from pipeline.file_counts import FOUND, TABLES, Counted, look_up_counts
from pipeline.labels import MergeLabels
from pipeline.plan import Plan
from pipeline.reading import LABELS, NOTES, REFUSED, REJECTED, TASK_ROWS, ReadAll, ReadTrain
from pipeline.rejects import WriteRejects
from pipeline.tasks import ScanRanges, Tasks
from pipeline.transform_graph import WriteTransform
from pipeline.writing import REPEATS, STATISTICS, EncodeRecords, MergeStatistics, WriteShards


class Analysed(NamedTuple):
    """What the first pass gives: TFT's (transform graph, metadata), the ordered labels as a singleton, refusals, and
    Founds where counts are kept."""

    transform: tuple[beam.PCollection, object]
    labels: beam.PCollection
    refused: beam.PCollection
    found: beam.PCollection | None


class Written(NamedTuple):
    """What the second pass gives: WrittenShards, statistics by split, repeated texts, Rejecteds, TaskRows, refusals."""

    shards: beam.PCollection
    statistics: beam.PCollection
    repeats: beam.PCollection
    rejected: beam.PCollection
    task_rows: beam.PCollection
    refused: beam.PCollection


def build(pipeline: beam.Pipeline, plan: Plan) -> None:
    """Adds the whole job to a pipeline."""
    with tft_beam.Context(temp_dir=plan.transform_temp, passthrough_keys=set(batches.PASSED_BY)):
        scans = pipeline | "ScanRanges" >> ScanRanges(plan.tasks_path) if plan.has_nominal_ranges else None
        analysed = analyse(pipeline, plan, scans)
        written = write(pipeline, plan, analysed, scans)
    metadata = preprocessing.record_metadata(plan.config.sequence.max_length)
    transform = analysed.transform[0] | "WriteTransform" >> WriteTransform(
        f"{plan.result}/{TRANSFORM_FOLDER}", metadata
    )
    refused = (analysed.refused, written.refused) | "Refused" >> beam.Flatten()
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
            task_rows=beam.pvalue.AsList(written.task_rows),
            refused=beam.pvalue.AsList(refused),
            found=None if analysed.found is None else beam.pvalue.AsList(analysed.found),
            transform=beam.pvalue.AsList(transform),
        )
    )


def analyse(pipeline: beam.Pipeline, plan: Plan, scans: beam.PCollection | None) -> Analysed:
    """First pass, over the train split: counts tokens and collects labels."""
    tasks = pipeline | "TasksToAnalyse" >> Tasks(plan.tasks_path, scans=scans)
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
    merged = labels | "MergeLabels" >> beam.CombineGlobally(MergeLabels())
    return Analysed(transform, merged, train[REFUSED], found)


def write(pipeline: beam.Pipeline, plan: Plan, analysed: Analysed, scans: beam.PCollection | None) -> Written:
    """Second pass, over everything: texts to ids to shards, and what can't be used to rejected/."""
    read = (
        pipeline
        | "TasksToTransform" >> Tasks(plan.tasks_path, scans=scans)
        | "ReadAll"
        >> beam.ParDo(ReadAll(plan.reading), labels=beam.pvalue.AsSingleton(analysed.labels)).with_outputs(
            REJECTED, TASK_ROWS, REFUSED, main="batches"
        )
    )
    transformed, _ = ((read["batches"], preprocessing.input_config()), analysed.transform) | (
        "Transform" >> tft_beam.TransformDataset(output_record_batches=True)
    )
    encoded = transformed | "Encode" >> beam.ParDo(EncodeRecords(plan.writing)).with_outputs(
        STATISTICS, REPEATS, main="blocks"
    )
    return Written(
        shards=encoded["blocks"] | "WriteShards" >> WriteShards(plan.writing),
        statistics=encoded[STATISTICS] | "MergeStatistics" >> beam.CombinePerKey(MergeStatistics()),
        repeats=encoded[REPEATS]
        | "GroupByTokens" >> beam.GroupByKey()
        | "CountRepeats" >> beam.MapTuple(lambda _, blocks: repeats.count(blocks)),
        rejected=read[REJECTED]
        | "WriteRejects" >> WriteRejects(plan.result, shards=plan.rejected_files, task_rows=read[TASK_ROWS]),
        task_rows=read[TASK_ROWS],
        refused=read[REFUSED],
    )
