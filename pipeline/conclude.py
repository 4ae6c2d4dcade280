"""What the stages left -> a published records folder, or the sentence that says why there is none: the job's last
step."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from pipeline import counts, manifest, rejects
from pipeline.contract import TRANSFORM_FOLDER, VOCABULARY_FILE
from pipeline.filesystem import BeamFiles
from pipeline.plan import Plan
from pipeline.publish import publish
from pipeline.reading import TaskRows
from pipeline.statistics import SplitStatistics
from pipeline.writing import WrittenShard

_VOCABULARY_ASSET = f"{TRANSFORM_FOLDER}/transform_fn/assets/vocabulary"


def conclude(
    plan: Plan,
    *,
    labels: list[str],
    shards: Sequence[WrittenShard],
    splits: Mapping[int, SplitStatistics],
    rejected: Sequence[rejects.Rejected],
    task_rows: Sequence[TaskRows],
    transform: Sequence[object],
) -> None:
    """Publishes the folder; `transform` is there to wait until its graph is written."""
    del transform
    files = BeamFiles()
    vocabulary = files.read(f"{plan.result}/{_VOCABULARY_ASSET}")
    facts = manifest.Facts(
        labels=labels,
        shards=shards,
        splits=splits,
        rejected=rejects.merge(rejected),
        input_rows=sum(part.rows for part in task_rows),
        input_files=plan.input_files,
        input_bytes=plan.input_bytes,
        summary=counts.CountSummary(**json.loads(files.read(plan.summary_path))),
        words=vocabulary.count(b"\n"),
        vocabulary_sha256=hashlib.sha256(vocabulary).hexdigest(),
    )
    built = manifest.build(facts, plan.config)
    files.write(f"{plan.result}/{VOCABULARY_FILE}", vocabulary)
    publish(plan.result, plan.config.output.path, manifest=built)
