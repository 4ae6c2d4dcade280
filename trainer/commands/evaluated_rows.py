"""Batches of labelled rows + an exported model -> the answers to them, and their metrics."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.config.decision_settings import TEXT_LENGTH, MetricsSettings
from pipeline.contract import PADDING_ID
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.sources.label_sets import labels_of
from trainer.evaluation.answers import Answers, Labels
from trainer.evaluation.measure import metrics_of_answers
from trainer.evaluation.metrics import Metrics
from trainer.evaluation.slices import slices_of
from trainer.savedmodel.loading import ExportedModel, ModelAnswers, batches_by_length


class EvaluatedRows:
    """The rows so far, of the batches that `add` got.

    count: the number of rows whose labels the model knows.
    """

    def __init__(self, model: ExportedModel, slices: MetricsSettings) -> None:
        self._model, self._slices = model, slices
        self._scheme = model.info.scheme
        self._labels: list[Labels] = []
        self._answers: list[ModelAnswers] = []
        self._weights: list[npt.NDArray[np.float64]] = []
        self._word_counts: list[npt.NDArray[np.int64]] = []
        self._columns: dict[str, list[str]] = {name: [] for name in slices.columns}
        self.count = 0

    def add(self, rows: pa.RecordBatch) -> int:
        """Has the model answer a batch of ROWS_SCHEMA; returns the number of rows with a label that it lacks."""
        labels, is_known = indices_of(rows["label"], self._scheme)
        unknown = int(np.count_nonzero(~is_known))
        if unknown:
            rows = rows.filter(pa.array(is_known))
        if not rows.num_rows:
            return unknown
        texts = rows["text"].to_pylist()
        self.count += len(texts)
        self._labels.append(labels[is_known])
        self._answers.append(self._model.answers(texts))
        if not rows["weight"].null_count:
            self._weights.append(rows["weight"].to_numpy().astype(np.float64))
        if TEXT_LENGTH in self._slices.slices:
            self._word_counts.append(_word_counts(self._model, texts))
        if self._columns:
            for values, column in zip(
                zip(*rows["slices"].to_pylist(), strict=True), self._columns.values(), strict=True
            ):
                column.extend(values)
        return unknown

    def metrics(self) -> Metrics:
        """The metrics of all rows, one or more, with their slices."""
        given = self._answers
        abstains = [each.abstains for each in given if each.abstains is not None]
        answers = Answers(
            np.concatenate([each.scores for each in given]),
            np.concatenate(self._labels),
            np.concatenate([each.label if each.decided is None else each.decided for each in given]),
            abstains=np.concatenate(abstains) if abstains else None,
            weights=np.concatenate(self._weights) if self._weights else None,
        )
        columns = {name: np.array(values, np.object_) for name, values in self._columns.items()}
        counts = np.concatenate(self._word_counts) if self._word_counts else None
        metrics = metrics_of_answers(answers, self._scheme)
        metrics["slices"] = slices_of(answers, self._scheme, settings=self._slices, columns=columns, word_counts=counts)
        return metrics


def indices_of(labels: pa.StringArray, scheme: LabelScheme) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Labels of rows, with several labels in the spelling of `label_sets` -> labels of `trainer.evaluation`, [rows].

    The second one is bool [rows], whether the model knows the label, or all of them; the first one means nothing where
    it does not.

    >>> labels, is_known = indices_of(pa.array(["pos", "good"]), LabelScheme(("neg", "pos")))
    >>> labels.tolist(), is_known.tolist()
    ([1, -1], [True, False])
    >>> labels, is_known = indices_of(pa.array(['["b"]', '["a", "c"]']), LabelScheme(("a", "b"), several=True))
    >>> labels.tolist(), is_known.tolist()
    ([[False, True], [True, False]], [True, False])
    """
    places = {name: place for place, name in enumerate(scheme.names)}
    encoded = labels.dictionary_encode()
    distinct, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    if not scheme.several:
        indices = np.array([places.get(name, -1) for name in distinct], np.int64)[codes]
        return indices, indices >= 0
    table = np.zeros((len(distinct), len(places)), np.bool_)
    is_known = np.ones(len(distinct), np.bool_)
    for row, name in enumerate(distinct):
        for label in labels_of(name):
            if label in places:
                table[row, places[label]] = True
            else:
                is_known[row] = False
    return table[codes], is_known[codes]


def _word_counts(model: ExportedModel, texts: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """The number of ids of each text that are not padding, int64 [texts]."""
    counts = np.zeros(len(texts), np.int64)
    for rows in batches_by_length(texts):
        ids = model.token_ids([texts[row] for row in rows])
        counts[rows] = np.count_nonzero(ids != PADDING_ID, axis=1)
    return counts
