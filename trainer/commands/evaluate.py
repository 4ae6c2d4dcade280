"""An exported model + raw labelled text, from any source that the pipeline reads -> metrics, and rejected rows."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import InputTasks, check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.losses import described
from pipeline.sources.schema import ENCODING_REMEDY, INVALID_UTF8
from trainer.commands.evaluated_rows import EvaluatedRows
from trainer.commands.raw_texts import check_on_this_machine
from trainer.evaluation.metrics import Metrics
from trainer.savedmodel.loading import ExportedModel
from trainer.savedmodel.model_info import ModelInfo

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
    model: ExportedModel,
    settings: InputSettings,
    *,
    slices: MetricsSettings | None = None,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Scores all rows of the input; `progress` is called with the number of rows of each batch that is done.

    Labels are renamed as they were for the model, unless input.label_map is set. slices: what else is measured apart.

    Raises:
      UserError: the input can't be read, has no row that can be used, or has lists of labels where the model gives one
        label, or the other way round.
    """
    check_on_this_machine(settings.paths, setting="input.path", command="evaluate")
    if "label_map" not in settings.model_fields_set:
        settings = settings.model_copy(update={"label_map": model.info.label_map})
    if model.info.label_kind == "ordinal":
        settings = settings.model_copy(update={"label_kind": "ordinal"})  # so that 3.5 is read as a label
    measured = slices or MetricsSettings()
    with closing(plan_tasks(settings, LocalFiles(), metrics=measured)) as tasks:
        for line in tasks.left_out_lines():
            _logger.info("%s", line)
        _refuse_other_labels(tasks, settings, model.info)
        settings = tasks.resolved(settings)
        columns = columns_of(settings, metrics=measured)
        check_columns(tasks.tasks(), columns, LocalFiles(), damaged=settings.damaged)
        return _evaluate(model, settings, tasks, slices=measured, progress=progress)


def _refuse_other_labels(tasks: InputTasks, settings: InputSettings, info: ModelInfo) -> None:
    """Refuses single labels for a model of several labels a text, and lists of labels for one of one label."""
    what = f"{settings.label_column!r} of {settings.path}"
    if info.several_labels and not tasks.several_labels:
        raise UserError(
            f"input.several_labels: the model gives a text several labels, but {what} holds single ones; set it to "
            "true if each text has that label alone, or input.label_separator to what is between labels"
        )
    if tasks.several_labels and not info.several_labels:
        raise UserError(
            f"input.several_labels: the model gives a text one label, but {what} holds lists of labels; set "
            "input.label_column to a column of single ones"
        )


def _evaluate(
    model: ExportedModel,
    settings: InputSettings,
    tasks: InputTasks,
    *,
    slices: MetricsSettings,
    progress: Callable[[int], None] | None,
) -> Evaluation:
    files, columns = LocalFiles(), columns_of(settings, metrics=slices)
    used = EvaluatedRows(model, slices)
    rejected: Counter[str] = Counter()
    damaged: dict[str, str] = {}
    left_out = repeated = 0
    for group in tasks.groups:
        for batch in read_tasks(group.tasks(), columns, files, damaged=settings.damaged):
            damaged.update((lost.file, described(lost)) for lost in batch.lost)
            repeated += batch.findings.repeated_headers
            left_out += sum(batch.label_map.left_out.values())
            rejected.update(batch.rejected["reason"].to_pylist())
            rejected[UNKNOWN_LABEL] += used.add(batch.rows)
            if progress is not None:
                progress(batch.count)
    if repeated:
        _logger.info("%d lines inside csv or tsv files repeat the header; they are no rows", repeated)
    reasons = {reason: rows for reason, rows in rejected.most_common() if rows}
    if not used.count:
        left = {"left out by input.label_map": left_out} if left_out else {}
        every = {**reasons, **left, **dict.fromkeys(damaged.values(), 1)}
        raise UserError(_no_rows(settings, model.info.labels, every))
    return Evaluation(used.metrics(), reasons, damaged, left_out)


def _no_rows(settings: InputSettings, labels: list[str], reasons: dict[str, int]) -> str:
    listed = ", ".join(f"{reason} ({rows})" for reason, rows in reasons.items())
    remedy = f"the model's labels are {', '.join(labels)}, and '{settings.label_column}' should hold them"
    if INVALID_UTF8 in reasons and settings.encoding == "auto":
        remedy = ENCODING_REMEDY
    return f"--input: no row of {settings.path} can be evaluated: {listed}; {remedy}"
