"""The outputs of all stages -> a published records folder, or the error why there is none: the job's last step."""

import errno
import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Final

from apache_beam.metrics import Metrics

from pipeline.contract import REPORT_FILE, SPLITS, VOCABULARY_FILE, VOCABULARY_IN_TRANSFORM
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.publish import publish, save_rejected
from pipeline.files.staging import is_unfinished
from pipeline.job import build_manifest, rejects
from pipeline.job.plan import Plan
from pipeline.job.results import JobResults
from pipeline.job.task_file import read_groups
from pipeline.job.unlabelled_summary import unlabelled_input
from pipeline.job.write import WrittenShard
from pipeline.records_folder.advice import advice
from pipeline.records_folder.manifest import CacheUse, StoredFile, stored_file
from pipeline.records_folder.text_findings import NearDuplicates
from pipeline.records_folder.vocabulary_tsv import by_falling_count, parse_columns
from pipeline.records_report import render
from pipeline.sources.schema import NO_FINDINGS, Findings
from pipeline.sources.unchanged import check_unchanged
from pipeline.statistics import duplicates, groups, near_duplicates, row_counts, text_quality
from pipeline.statistics.split_statistics import SplitStatistics
from pipeline.support.counters import NAMESPACE, PUBLISHED
from pipeline.support.unbroken import unbroken
from pipeline.vocabulary import count_tables

# Errors of a disk that another attempt meets as well: no permission, read-only, full, a part that is a mounted disk.
_NO_RETRY_HELPS: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EBUSY, errno.EXDEV}
)


def finalize(
    plan: Plan,
    *,
    labels: list[str],
    shards: Sequence[WrittenShard],
    splits: Mapping[int, SplitStatistics],
    duplicate_counts: Sequence[duplicates.TextDuplicates],
    near: Sequence[tuple[bytes, bytes]],
    rejected: Sequence[rejects.RejectCounts],
    task_rows: Sequence[row_counts.TaskRows],
    refused: Sequence[str],
    cache_use: Sequence[CacheUse] | None,
    transform: Sequence[StoredFile],
) -> None:
    """Builds and publishes the folder, or writes the error to plan.refusal_path; a retry continues where it stopped.

    transform: the files of transform/, which are written by now. refused: messages of errors in earlier stages.
    """
    plan.observe("finalize")
    files = BeamFiles()
    if not files.exists(plan.manifest_path):
        message = _input_change(plan, files) or min(refused, default=None)
        if message is not None:
            files.write(plan.refusal_path, message.encode())
            return
        vocabulary = files.read(f"{plan.result_folder}/{VOCABULARY_IN_TRANSFORM}")
        results = JobResults(
            labels=labels,
            shards=shards,
            splits=splits,
            duplicates=duplicates.merge(duplicate_counts),
            near=_near_duplicates(near, splits, plan),
            groups=groups.merge([part.groups for part in task_rows]),
            quality=text_quality.merge(part.quality for part in task_rows),
            rejected=rejects.merge(rejected),
            input_rows=sum(part.rows for part in task_rows),
            left_out_rows=sum(part.left_out for part in task_rows),
            mapped_labels=row_counts.mapped_labels(task_rows, plan.config.input.label_map),
            findings=reduce(Findings.plus, (part.findings for part in task_rows), NO_FINDINGS),
            input_files=plan.input_files,
            input_bytes=plan.input_bytes,
            tables=plan.tables,
            unlabelled=unlabelled_input(task_rows, files=plan.unlabelled_files, bytes=plan.unlabelled_bytes),
            left_out=plan.left_out,
            left_out_examples=plan.left_out_examples,
            lake_tables=plan.lake_tables,
            named_splits=plan.named_splits,
            files_with_rejects=row_counts.files_with_rejects(task_rows),
            damaged_files=row_counts.damaged_files(task_rows),
            summary=count_tables.CountSummary(**json.loads(files.read(plan.summary_path))),
            words=by_falling_count(parse_columns(vocabulary, path=VOCABULARY_FILE)),
            files=[stored_file(VOCABULARY_FILE, vocabulary), *sorted(transform, key=lambda file: file.path)],
            origin=plan.origin,
            cache_use=cache_use,
        )
        written = {file.path: file.bytes for file in transform} | {shard.path: shard.summary.bytes for shard in shards}
        if not _build(results, vocabulary, plan, files, written=written):
            return
    _publish(plan, files)


def _build(results: JobResults, vocabulary: bytes, plan: Plan, files: BeamFiles, *, written: Mapping[str, int]) -> bool:
    """Writes the last files of the result, or the error why there is none; gives whether there is a result.

    written: the bytes of each file of the result that other steps wrote, by its path.
    """
    try:
        manifest = build_manifest.build(results, plan.config, max_labels=plan.limits.max_labels)
        manifest = manifest.model_copy(update={"advice": advice(manifest, results.words)})
        content = build_manifest.content(manifest)
    except UserError as error:
        files.write(plan.refusal_path, _with_rejected(str(error), results, plan).encode())
        return False
    files.write(f"{plan.result_folder}/{VOCABULARY_FILE}", vocabulary)
    files.write(f"{plan.result_folder}/{REPORT_FILE}", render(manifest, words=results.words))
    files.write(plan.result_files_path, json.dumps(_result_files(plan, written, files)).encode())
    files.write(plan.manifest_path, content)
    return True


def _near_duplicates(
    near: Sequence[tuple[bytes, bytes]], splits: Mapping[int, SplitStatistics], plan: Plan
) -> NearDuplicates:
    """near: packed sampled rows of all bundles, some MB, so to merge them needs no step of its own."""
    counts = near_duplicates.count(near_duplicates.merge([near_duplicates.unpack(part) for part in near]))
    rows = [splits.get(index, SplitStatistics()).rows for index in range(len(SPLITS))]
    return near_duplicates.near_duplicates(counts, share=plan.near_share, rows=rows)


def _result_files(plan: Plan, written: Mapping[str, int], files: BeamFiles) -> dict[str, int]:
    """The bytes of each file of the result, by its path; what killed workers left unfinished among them is removed."""
    there = {file.path.removeprefix(f"{plan.result_folder}/"): file.size for file in files.below(plan.result_folder)}
    unfinished = [path for path in there if is_unfinished(path)]
    files.remove([f"{plan.result_folder}/{path}" for path in unfinished])
    return {**{path: size for path, size in there.items() if path not in unfinished}, **written}


def _publish(plan: Plan, files: BeamFiles) -> None:
    plan.observe("publish")
    output = plan.config.output.path
    try:
        with unbroken():
            publish(
                plan.result_folder,
                output,
                manifest=files.read(plan.manifest_path),
                files=json.loads(files.read(plan.result_files_path)),
                lock_token=plan.lock_token,
            )
        Metrics.counter(NAMESPACE, PUBLISHED).inc()
    except UserError as error:
        files.write(plan.refusal_path, str(error).encode())
    except OSError as error:
        if error.errno not in _NO_RETRY_HELPS:
            raise
        after = "what was there is back, or the next run puts it back"
        message = f"output.path: can't publish to {output}: {error}; {after}"
        files.write(plan.refusal_path, message.encode())


def _with_rejected(message: str, results: JobResults, plan: Plan) -> str:
    """The message of an error after which rejected rows stay; it says where they are listed, if there are some."""
    if not results.rejected.by_reason:
        return message
    return f"{message}; rejected rows are listed in {save_rejected(plan.result_folder, plan.config.output.path)}"


def _input_change(plan: Plan, files: BeamFiles) -> str | None:
    """The error if a file of the input is not the one that was planned; other errors may follow from it."""
    settings = plan.config.input
    tasks = (task for group in read_groups(plan.tasks_path) for task in group.tasks())
    try:
        check_unchanged(tasks, [*settings.paths, *settings.unlabelled_paths], files)
    except UserError as error:
        return str(error)
    return None
