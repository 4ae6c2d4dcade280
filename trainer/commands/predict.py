"""An exported model + rows of texts -> the answer to each row, in order, as many as there are rows."""

import itertools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from pipeline.errors import UserError
from pipeline.files.staging import staging_name
from pipeline.sources.schema import INVALID_UTF8
from pipeline.support.printable import json_text
from trainer import files
from trainer.commands.raw_texts import TextSource
from trainer.savedmodel.loading import ExportedModel, ModelAnswers

# Texts of similar length are scored together, because the longest text of a batch sets its time. More rows to choose
# from make more similar batches, but the first answers come later: 1,024 reviews take a second or two.
_ROWS_SCORED_TOGETHER: Final = 1024


@dataclass(frozen=True)
class Prediction:
    """What the model answers to a row.

    label: the answer; with several labels a text, the most probable one. probability: the score of that label. scores:
    of each label, in the model's order. A rejected row has no text; `problem` says why, and everything else is None.
    Of a model without them, these are None: labels: those that the text has, of several; it may have none. abstains:
    whether the model does not answer; label is its best guess then. rating: the expected one, of ordinal labels.
    """

    text: str | None
    label: str | None
    probability: float | None
    scores: dict[str, float] | None
    problem: str = ""
    labels: list[str] | None = None
    abstains: bool | None = None
    rating: float | None = None

    def as_json(self) -> str:
        """A line of JSON."""
        if self.text is None:
            return json_text({"text": None, "error": self.problem})
        fields: dict[str, Any] = {
            "text": self.text,
            "label": self.label,
            "probability": self.probability,
            "scores": self.scores,
        }
        optional = {"labels": self.labels, "abstains": self.abstains, "rating": self.rating}
        return json_text({**fields, **{name: value for name, value in optional.items() if value is not None}})


def predict(model: ExportedModel, source: TextSource) -> Iterator[Prediction]:
    """A prediction for each row, in order.

    Raises:
      UserError: the source can't be read; or, after its last row, no row had a text.
    """
    has_text = False
    reasons: Counter[str] = Counter()
    while block := list(itertools.islice(source.rows, _ROWS_SCORED_TOGETHER)):
        texts = [row.text for row in block if row.text is not None]
        predictions = predictions_of(texts, model.answers(texts), labels=model.info.labels)
        has_text = has_text or bool(texts)
        for row in block:
            if row.text is None:
                reasons[row.reason] += 1
                yield Prediction(None, None, None, None, row.reason)
            else:
                yield next(predictions)
    if not has_text:
        raise UserError(_no_text(source.name, reasons))


def _no_text(name: str, reasons: Counter[str]) -> str:
    """
    >>> _no_text("a.csv", Counter({"missing text": 2}))
    '--input: no row of a.csv has a text: missing text (2); correct the file, or --text_column'
    >>> _no_text("a.csv", Counter())
    '--input: no rows in a.csv'
    """
    if not reasons:
        return f"--input: no rows in {name}"
    listed = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    remedy = "set input.encoding, or make it UTF-8" if INVALID_UTF8 in reasons else "correct the file, or --text_column"
    return f"--input: no row of {name} has a text: {listed}; {remedy}"


class WrittenRows(NamedTuple):
    """Number of rows in a file of predictions, and of those without a text."""

    rows: int
    without_text: int


def write_predictions(predictions: Iterator[Prediction], path: str) -> WrittenRows:
    """Writes a line of JSON for each prediction.

    The file gets its name when it is complete. So an input that can't be read to its end costs no earlier answers.

    Raises:
      UserError: the file can't be written; or it is a folder, which is seen before the first text is asked for.
    """
    rows = without_text = 0
    if os.path.isdir(path):
        raise UserError(f"--output: {path} is a folder; give a file")
    unfinished = Path(path).with_name(staging_name(files.UNFINISHED))
    try:
        with _naming_output(path):
            files.remove_abandoned(str(unfinished.parent))
            file = unfinished.open("w", encoding="utf-8")
        try:
            for prediction in predictions:  # an error of the input is no error of --output
                with _naming_output(path):
                    file.write(prediction.as_json() + "\n")
                rows += 1
                without_text += prediction.text is None
        finally:
            with _naming_output(path):
                file.close()
        with _naming_output(path):
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return WrittenRows(rows, without_text)


@contextmanager
def _naming_output(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"--output: {path} can't be written: {error.strerror}") from error


def predictions_of(texts: Sequence[bytes], answers: ModelAnswers, *, labels: Sequence[str]) -> Iterator[Prediction]:
    """The answers to texts, one by one.

    >>> scores = np.array([[0.25, 0.75]], np.float32)
    >>> answers = ModelAnswers(scores, np.array([1]), np.array([[False, True]]), None, None)
    >>> next(predictions_of([b"good"], answers, labels=["neg", "pos"])).as_json()
    '{"text": "good", "label": "pos", "probability": 0.75, "scores": {"neg": 0.25, "pos": 0.75}, "labels": ["pos"]}'
    """
    for row, (text, label, scores) in enumerate(zip(texts, answers.label, answers.scores.tolist(), strict=True)):
        yield Prediction(
            text.decode("utf-8", "replace"),
            labels[label],
            scores[label],
            dict(zip(labels, scores, strict=True)),
            labels=None
            if answers.decided is None
            else [labels[place] for place in np.flatnonzero(answers.decided[row]).tolist()],
            abstains=None if answers.abstains is None else bool(answers.abstains[row]),
            rating=None if answers.rating is None else float(answers.rating[row]),
        )
