"""An exported model + raw labelled text, from any source that the pipeline reads -> metrics, and rejected rows."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import InputTasks, check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.losses import described
from pipeline.sources.schema import ENCODING_REMEDY, INVALID_UTF8
from trainer.commands.raw_texts import check_on_this_machine
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import Metrics
from trainer.savedmodel.loading import ExportedModel

_logger = logging.getLogger(__name__)

UNKNOWN_LABEL = "label is not one of the model's"


@dataclass(frozen=True)
class Evaluation:
    """metrics: of the rows that could be used; rejected: number of the others by reason, the most frequent first.

    damaged: by file, what is wrong with its rest, which was not used; empty unless input.damaged allows it.
    left_out: number of rows that input.label_map leaves out.
    """

    metrics: Metrics
    rejected: dict[str, int]
    damaged: dict[str, str]
    left_out: int


def evaluate(
    model: ExportedModel, settings: InputSettings, *, progress: Callable[[int], None] | None = None
) -> Evaluation:
    """Scores all rows of the input; `progress` is called with the number of rows of each batch that is done.

    Labels are renamed as they were for the model, unless input.label_map is set.

    Raises:
      UserError: the input can't be read, or has no row that can be used.
    """
    check_on_this_machine(settings.paths, setting="input.path", command="evaluate")
    if "label_map" not in settings.model_fields_set:
        settings = settings.model_copy(update={"label_map": model.info.label_map})
    with closing(plan_tasks(settings, LocalFiles())) as tasks:
        for line in tasks.left_out_lines():
            _logger.info("%s", line)
        check_columns(tasks.tasks(), columns_of(settings), LocalFiles(), damaged=settings.damaged)
        return _evaluate(model, settings, tasks, progress=progress)


def _evaluate(
    model: ExportedModel, settings: InputSettings, tasks: InputTasks, *, progress: Callable[[int], None] | None
) -> Evaluation:
    labels, files, columns = model.info.labels, LocalFiles(), columns_of(settings)
    scores: list[np.ndarray] = [np.zeros([0, len(labels)], np.float32)]
    right: list[np.ndarray] = [np.zeros([0], np.int64)]
    rejected: Counter[str] = Counter()
    damaged: dict[str, str] = {}
    left_out = repeated = 0
    for group in tasks.groups:
        for batch in read_tasks(group.tasks(), columns, files, damaged=settings.damaged):
            damaged.update((lost.file, described(lost)) for lost in batch.lost)
            repeated += batch.findings.repeated_headers
            left_out += sum(batch.label_map.left_out.values())
            rejected.update(batch.rejected["reason"].to_pylist())
            index = pc.fill_null(pc.index_in(batch.rows["label"], pa.array(labels, pa.string())), -1).to_numpy()
            rejected[UNKNOWN_LABEL] += int(np.count_nonzero(index < 0))
            texts = batch.rows["text"].filter(pa.array(index >= 0)).to_pylist()
            scores.append(model.scores(texts))
            right.append(index[index >= 0].astype(np.int64))
            if progress is not None:
                progress(batch.count)
    if repeated:
        _logger.info("%d lines inside csv or tsv files repeat the header; they are no rows", repeated)
    reasons = {reason: rows for reason, rows in rejected.most_common() if rows}
    every_label = np.concatenate(right)
    if not every_label.size:
        left = {"left out by input.label_map": left_out} if left_out else {}
        raise UserError(_no_rows(settings, labels, {**reasons, **left, **dict.fromkeys(damaged.values(), 1)}))
    metrics = metrics_of(np.concatenate(scores), every_label, scheme=model.info.scheme)
    return Evaluation(metrics, reasons, damaged, left_out)


def _no_rows(settings: InputSettings, labels: list[str], reasons: dict[str, int]) -> str:
    listed = ", ".join(f"{reason} ({rows})" for reason, rows in reasons.items())
    remedy = f"the model's labels are {', '.join(labels)}, and '{settings.label_column}' should hold them"
    if INVALID_UTF8 in reasons and settings.encoding == "auto":
        remedy = ENCODING_REMEDY
    return f"--input: no row of {settings.path} can be evaluated: {listed}; {remedy}"
