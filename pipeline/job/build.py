"""A plan -> a Beam pipeline that turns raw text into a published records folder. It joins the stages; the work is in
the other modules. docs/reference/stages.md says what goes in and out of each, and which counters it has.

    Tasks -> Survey -> LookUp -> Read -> CountWords -> BuildVocabulary
                                     -> MapToIds -> WriteRecords
                                                 -> WriteRejected
    all of these -> Report -> the records folder

Survey is there only with settings that need to look at all rows first, LookUp only with `vocabulary.cache`. The
pipeline holds settings alone, so it runs unchanged on any runner.
"""

import apache_beam as beam

from pipeline.job.build_vocabulary import BuildVocabulary, words_plan
from pipeline.job.map_to_ids import MapToIds
from pipeline.job.plan import Plan
from pipeline.job.read import Read
from pipeline.job.rejects import WriteRejects
from pipeline.job.report import Report, Results
from pipeline.job.survey import Survey
from pipeline.job.task_file import TaskGroups
from pipeline.job.write import WriteShards
from pipeline.vocabulary.cached_counting import CountByFile, LookUpCounts
from pipeline.vocabulary.merge_counts import CountWords


def build(pipeline: beam.Pipeline, plan: Plan) -> None:
    """Adds the whole job to a pipeline."""
    groups = pipeline | "Tasks" >> TaskGroups(plan.tasks_path, has_nominal_ranges=plan.has_nominal_ranges)
    if plan.surveys:
        groups = groups | "Survey" >> Survey(plan.read_options, buckets=plan.row_buckets)
    cache, known = plan.count_cache_folder, None
    if cache is not None:
        unlabelled = plan.config.vocabulary.count_unlabelled
        look_up = LookUpCounts(cache, buckets=plan.token_buckets, counts_unlabelled=unlabelled)
        known = groups | "LookUp" >> look_up
        groups = known.groups
    rows = groups | "Read" >> Read(plan.read_options, plan.config, place=plan.token_place)
    by_file = None
    if cache is not None and known is not None:
        parts = (known.entry_parts, rows.entry_parts)
        by_file = CountByFile(cache, tables=known.tables, entry_parts=parts, buckets=plan.token_buckets)
    top = rows.counted | "CountWords" >> CountWords(words_plan(plan), by_file=by_file)
    vocabulary = top | "BuildVocabulary" >> BuildVocabulary(plan)
    mapped = rows.stored | "MapToIds" >> MapToIds(
        plan.read_options,
        plan.write_options,
        plan.config,
        token_folder=plan.token_place.folder,
        compared_share=plan.compared_share,
        labels=rows.labels,
        vocabulary=vocabulary.path,
    )
    shards = mapped.blocks | "WriteRecords" >> WriteShards(plan.write_options, hints=plan.memory_hints)
    rejected = mapped.rejected | "WriteRejected" >> WriteRejects(
        plan.result_folder, files=plan.rejected_files, task_rows=mapped.task_rows
    )
    results = Results(
        labels=rows.labels,
        refused=rows.refused,
        graph=vocabulary.graph,
        transform=vocabulary.transform,
        shards=shards,
        statistics=mapped.statistics,
        rows_to_compare=mapped.rows_to_compare,
        near=mapped.near,
        task_rows=mapped.task_rows,
        compared=mapped.compared,
        rejected=rejected,
        cache_use=None if known is None else known.cache_use,
    )
    _ = pipeline | "Report" >> Report(plan, results)
