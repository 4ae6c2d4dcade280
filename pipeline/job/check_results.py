"""The results of all stages -> nothing, or the error that says why they make no records to learn from."""

from collections.abc import Sequence
from itertools import pairwise

from pipeline.config.label_names import missing
from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.job.results import JobResults
from pipeline.job.row_filter import UNKNOWN_LABEL
from pipeline.job.unlabelled_summary import UnlabelledInput
from pipeline.records_folder.label_scheme import label_value
from pipeline.sources.schema import ENCODING_REMEDY, INVALID_UTF8


def check_results(results: JobResults, config: Config, *, max_labels: int) -> None:
    """Checks that there is something to learn from.

    Raises:
      UserError: there are no rows, too many were rejected, they have no token, fewer than two labels or more than
        `max_labels`, ordinal labels that are no numbers, or no word of an imported vocabulary.
    """
    if results.input_rows == (results.unlabelled.rows if results.unlabelled else 0):
        damaged, files = results.damaged_files
        why = f"; files that are damaged: {damaged}, the first is {files[0].file}: {files[0].why}" if damaged else ""
        raise UserError(f"input.path: there are no rows in {config.input.path}{why}")
    if not results.labels and not results.train.no_labels and results.rejected.by_reason.get(UNKNOWN_LABEL):
        raise UserError("split: no row is in the train split; its texts are what is learnt from")
    if len(results.labels) > max_labels:
        raise UserError(
            f"input.label_column: '{config.input.label_column}' has more than {max_labels} different labels; "
            "is it the column with the labels?"
        )
    _check_rejected(results, config)
    if len(results.labels) < 2:
        none = "no labels" if results.train.no_labels else "no rows"
        labels = f"only the label {results.labels[0]!r}" if results.labels else none
        left_out = f"; input.label_map leaves out {results.left_out_rows} rows" if results.left_out_rows else ""
        raise UserError(f"input.label_column: the train split has {labels}; at least two labels are needed{left_out}")
    if config.input.label_kind == "ordinal":
        _check_ordinal(results.labels)
    _check_words(results, config)


def _check_ordinal(labels: Sequence[str]) -> None:
    """Checks that the labels are numbers, each another one; they come in the order of their values."""
    values = [label_value(label) for label in labels]
    if None in values:
        label = labels[values.index(None)]
        raise UserError(
            f"input.label_kind is ordinal, but the label {label!r} is not a finite number; give it one with "
            f"input.label_map: {{{label!r}: 1}}, or set input.label_kind to nominal"
        )
    for label, following in pairwise(labels):
        if float(label) == float(following):
            raise UserError(
                f"input.label_kind is ordinal, but the labels {label!r} and {following!r} are one number; make one "
                f"label of them with input.label_map: {{{following!r}: {label!r}}}"
            )


def _check_rejected(results: JobResults, config: Config) -> None:
    """Compares output.max_rejected with the rows of input.path, and with those of input.unlabelled."""
    rejected = sum(results.rejected.by_reason.values()) - sum(results.asked_for.values())
    faults = [item for item in results.rejected.by_reason.items() if item[0] not in results.asked_for]
    reasons = ", ".join(f"{reason} ({rows})" for reason, rows in faults[:3])
    unlabelled = results.unlabelled or UnlabelledInput(0, 0, 0, 0)
    if 0 < unlabelled.rejected < rejected:
        reasons = f"of all rejected rows {reasons}"
    for what, of_rejected, of_rows in (
        ("rows", rejected - unlabelled.rejected, results.input_rows - results.left_out_rows - unlabelled.rows),
        ("rows of input.unlabelled", unlabelled.rejected, unlabelled.rows),
    ):
        if of_rejected > config.output.max_rejected * of_rows:
            raise UserError(
                f"output.max_rejected is {config.output.max_rejected:g}, but {of_rejected} of {of_rows} {what} "
                f"can't be used: {reasons}; mend them or raise output.max_rejected{_remedies(results, config)}"
            )


def _check_words(results: JobResults, config: Config) -> None:
    if 0 in (results.summary.total, results.train.tokens):
        raise UserError(
            f"input.text_column: no text of the train split in '{', '.join(config.input.text_columns)}' has a word in "
            "it; is it the column with the texts, and do text.filters leave anything?"
        )
    counted = "the train split and input.unlabelled" if config.vocabulary.count_unlabelled else "the train split"
    if results.origin is None and results.summary.counts[-1] < config.vocabulary.min_count:
        raise UserError(
            f"vocabulary.min_count is {config.vocabulary.min_count}, but the most frequent word of {counted} "
            f"occurs {results.summary.counts[-1]} times; lower it"
        )
    train = results.train
    if results.origin is not None and train.unknown_tokens == train.tokens:
        raise UserError(
            f"vocabulary.from: no token of the train split is a word of {results.origin.path}; are the texts of its "
            "language, and are text.lowercase, filters, punctuation and split as they were for it?"
        )


def _remedies(results: JobResults, config: Config) -> str:
    """What may help where rows are not UTF-8, or have no label."""
    reasons = results.rejected.by_reason
    encoding = f"; {ENCODING_REMEDY}" if INVALID_UTF8 in reasons and config.input.encoding == "auto" else ""
    label = '; input.label_map: {"": null} leaves rows without a label out' if missing("label") in reasons else ""
    return encoding + label
