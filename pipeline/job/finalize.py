"""What the stages left -> a published records folder, or the sentence that says why there is none: the job's last
step."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from pipeline.contract import REPORT_FILE, TRANSFORM_FOLDER, VOCABULARY_ASSET, VOCABULARY_FILE
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.publish import publish, save_rejected
from pipeline.job import build_manifest, rejects
from pipeline.job.plan import Plan
from pipeline.job.write import WrittenShard
from pipeline.records_folder.advice import advice
from pipeline.records_folder.manifest import to_json
from pipeline.records_folder.vocabulary_tsv import parse_words
from pipeline.records_report import render
from pipeline.statistics import duplicates, row_counts, text_quality
from pipeline.statistics.split_statistics import SplitStatistics
from pipeline.vocabulary import count_tables
from pipeline.vocabulary.cached_counting import Found

_VOCABULARY = f"{TRANSFORM_FOLDER}/transform_fn/{VOCABULARY_ASSET}"


def conclude(
    plan: Plan,
    *,
    labels: list[str],
    shards: Sequence[WrittenShard],
    splits: Mapping[int, SplitStatistics],
    repeated: Sequence[duplicates.Counted],
    rejected: Sequence[rejects.Rejected],
    task_rows: Sequence[row_counts.TaskRows],
    refused: Sequence[str],
    found: Sequence[Found] | None,
    transform: Sequence[object],
) -> None:
    """Publishes the folder, or leaves the reason at plan.refusal_path; a second attempt goes on where the first was.

    `transform` is there to wait until its graph is written.
    """
    del transform
    files = BeamFiles()
    if not files.exists(plan.manifest_path):
        if refused:
            files.write(plan.refusal_path, min(refused).encode())
            return
        vocabulary = files.read(f"{plan.result}/{_VOCABULARY}")
        results = build_manifest.JobResults(
            labels=labels,
            shards=shards,
            splits=splits,
            duplicates=duplicates.add(repeated),
            quality=text_quality.add(part.quality for part in task_rows),
            rejected=rejects.merge(rejected),
            input_rows=sum(part.rows for part in task_rows),
            input_files=plan.input_files,
            input_bytes=plan.input_bytes,
            left_out=plan.left_out,
            files_with_rejects=row_counts.files_with_rejects(task_rows),
            summary=count_tables.CountSummary(**json.loads(files.read(plan.summary_path))),
            words=sorted(parse_words(vocabulary, path=VOCABULARY_FILE), key=lambda word: -word.count),
            vocabulary_sha256=hashlib.sha256(vocabulary).hexdigest(),
            origin=plan.origin,
            cache_use=found,
        )
        try:
            manifest = build_manifest.build(results, plan.config)
        except UserError as error:
            message = str(error)
            if results.rejected.by_reason:
                message += f"; rejected rows are listed in {save_rejected(plan.result, plan.config.output.path)}"
            files.write(plan.refusal_path, message.encode())
            return
        manifest = manifest.model_copy(update={"advice": advice(manifest, results.words)})
        files.write(f"{plan.result}/{VOCABULARY_FILE}", vocabulary)
        files.write(f"{plan.result}/{REPORT_FILE}", render(manifest, words=results.words))
        files.write(plan.manifest_path, to_json(manifest))
    publish(plan.result, plan.config.output.path, manifest=files.read(plan.manifest_path))
