"""Records folder -> what its n-grams say: `model.ngrams`, learnt apart from the LSTM and joined with it afterwards.

    train split -> codes of each text's n-grams, in a temporary file -> which n-grams have a bucket of the table
      -> texts as rows of 0 and 1 -> a logistic regression for each output -> `NgramArrays`
    eval split -> logits of both sides -> how they are joined

Learnt together, n-grams would fit the train texts first, and the LSTM would get no more gradient from them. The result
depends on settings and records alone. So a training that was killed and resumed learns the same n-grams again.
"""

import logging
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.config.settings import ModelSettings
from pipeline.contract import Split
from pipeline.support.arrays import Float32s, Float64s, Int32s, Int64s
from trainer.data.dataset import evaluation_batches, iterate_batches
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.scoring import SplitScores, score_split
from trainer.evaluation.sides import side_figures
from trainer.model.classifier import TextClassifier
from trainer.ngrams.codes import NO_CODE, codes_of_texts, table_rows
from trainer.ngrams.join import Join, default_join, fit_join
from trainer.ngrams.kinds import NgramKinds
from trainer.ngrams.learning import learn_weights
from trainer.ngrams.side import NgramArrays, NgramSide
from trainer.ngrams.sparse import BinaryMatrix
from trainer.ngrams.stored_rows import StoredRows
from trainer.ngrams.table import LEAST_TEXTS, choose_keys
from trainer.training.objective import Objective

_SECONDS_BETWEEN_LINES: Final = 30.0  # of many labels; one takes 4 s with 20,000 IMDB reviews

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Texts:
    """The train split. labels: int64 [texts], or bool [texts, classes]; weights: float64 [texts]."""

    labels: npt.NDArray[np.generic]
    weights: Float64s


def add_ngrams(
    model: TextClassifier, records: RecordsFolder, *, objective: Objective, batch_size: int
) -> SplitScores | None:
    """Gives a trained model its n-grams; returns the scores of the eval split with them, None if it has no rows.

    Raises:
      UserError: the records can't be read, or there is no room for temporary files.
    """
    started = time.monotonic()
    kinds, has_eval = NgramKinds.of(model.settings), records.splits["eval"].rows > 0
    arrays = learn_ngrams(model.settings, records, objective=objective, batch_size=batch_size)
    model.ngrams = NgramSide(arrays, kinds=kinds)
    _log.info("n-grams are learnt, %.0f s", time.monotonic() - started)
    if not has_eval:
        _log.warning("model.ngrams: there are no eval rows to join LSTM and n-grams by, so each counts half")
        return None
    join = _join_by(score_split(model, records, "eval", batch_size=batch_size), objective)
    model.ngrams = NgramSide(arrays.with_join(join), kinds=kinds)
    scores = score_split(model, records, "eval", batch_size=batch_size)
    listed = ", ".join(f"{side.name} {side.accuracy:.4f}" for side in side_figures(scores, records.scheme))
    _log.info("eval accuracy: %s (%.2f x LSTM + %.2f x n-grams)", listed, join.lstm, join.ngrams)
    return scores


def _join_by(scores: SplitScores, objective: Objective) -> Join:
    """The join that fits the eval split; the class weights stay in, because `decision` takes them out of the scores."""
    assert scores.sides is not None
    class_weights = None if objective.class_weights is None else np.array(objective.class_weights)
    return fit_join(*scores.sides, scores.labels, weights=scores.weights, class_weights=class_weights)


def learn_ngrams(
    settings: ModelSettings, records: RecordsFolder, *, objective: Objective, batch_size: int
) -> NgramArrays:
    """The n-grams of the train split with their weights, joined by default.

    objective: how rows and labels count. batch_size: rows that are read at once.

    Raises:
      UserError: the records can't be read, or there is no room for temporary files.
    """
    size, buckets = records.vocabulary_size, settings.ngram_buckets
    with StoredRows(np.uint32) as codes, StoredRows(np.int32) as columns:
        texts = _read(records, codes, kinds=NgramKinds.of(settings), batch_size=batch_size)
        keys = choose_keys(codes, vocabulary_size=size, buckets=buckets)
        rows = _store_columns(codes, columns, keys=keys, vocabulary_size=size)
        matrix = BinaryMatrix(columns, columns=len(rows))
        _log.info("learning the weights of %d n-grams: %s", len(rows), NgramKinds.of(settings).told())
        outputs = records.scheme.outputs
        weights, intercept = np.zeros([size + buckets, outputs], np.float32), np.zeros(outputs, np.float32)
        logged = time.monotonic()
        for output in range(outputs):
            if time.monotonic() - logged > _SECONDS_BETWEEN_LINES:
                _log.info("n-grams of %d of %d labels are learnt", output, outputs)
                logged = time.monotonic()
            targets = _targets(texts.labels, output, outputs=outputs)
            of_loss = _loss_weights(texts, targets, output, objective=objective)
            learnt = learn_weights(matrix, targets, texts.weights, of_loss=of_loss)
            weights[rows, output], intercept[output] = learnt.weights, learnt.intercept
    join = default_join(outputs)
    return NgramArrays(keys, weights, intercept, np.zeros(2, np.float32), np.zeros(0, np.float32)).with_join(join)


def _read(records: RecordsFolder, codes: StoredRows, *, kinds: NgramKinds, batch_size: int) -> _Texts:
    """Stores the codes of all train texts."""
    labels: list[npt.NDArray[np.generic]] = []
    weights: list[Float32s] = []
    split: Split = "train"
    batches = evaluation_batches(records, split, batch_size=batch_size, trim=True)
    for batch in iterate_batches(batches, records):
        of_texts = codes_of_texts(batch.ids.numpy(), kinds=kinds, vocabulary_size=records.vocabulary_size)
        codes.append(of_texts.codes, of_texts.lengths)
        labels.append(batch.labels.numpy())
        weights.append(np.ones(len(labels[-1]), np.float32) if batch.weights is None else batch.weights.numpy())
    whole = np.concatenate(labels)
    return _Texts(whole if whole.ndim == 1 else whole > 0, np.concatenate(weights).astype(np.float64))


def _store_columns(codes: StoredRows, columns: StoredRows, *, keys: Int32s, vocabulary_size: int) -> Int64s:
    """Stores the columns of each text; returns the row of the table of each column, int64 [columns].

    A column is an n-gram that has a row and LEAST_TEXTS texts, the most frequent first: most products then read the
    same few numbers, which stay in the cache of a core.
    """
    counts = np.zeros(vocabulary_size + len(keys), np.int64)
    for block in codes.blocks():
        counts += np.bincount(
            table_rows(block.values.astype(np.int64), keys, vocabulary_size=vocabulary_size), minlength=len(counts)
        )
    counts[NO_CODE] = 0
    order = np.argsort(-counts, kind="stable")
    rows = order[: int((counts >= LEAST_TEXTS).sum())]
    column_of = np.full(len(counts), -1, np.int64)
    column_of[rows] = np.arange(len(rows))
    for block in codes.blocks():
        own = column_of[table_rows(block.values.astype(np.int64), keys, vocabulary_size=vocabulary_size)]
        text = np.repeat(np.arange(len(block.lengths)), block.lengths)
        columns.append(own[own >= 0], np.bincount(text[own >= 0], minlength=len(block.lengths)))
    return rows


def _targets(labels: npt.NDArray[np.generic], output: int, *, outputs: int) -> Float64s:
    """1 for the texts that have the label of an output, 0 for the others, float64 [texts].

    >>> _targets(np.array([0, 1]), 0, outputs=1).tolist()  # one of two labels: the output is that of the second
    [0.0, 1.0]
    >>> _targets(np.array([0, 1, 2]), 0, outputs=3).tolist()
    [1.0, 0.0, 0.0]
    """
    if labels.ndim == 2:
        return labels[:, output].astype(np.float64)
    return (labels == (1 if outputs == 1 else output)).astype(np.float64)


def _loss_weights(texts: _Texts, targets: Float64s, output: int, *, objective: Objective) -> Float64s:
    """What the loss of each text is multiplied by for an output, float64 [texts]: see `trainer.training.objective`."""
    if objective.class_weights is None:
        return texts.weights
    of_labels = np.array(objective.class_weights)
    if objective.several:
        return texts.weights * np.where(targets > 0, of_labels[output], 1.0)
    return texts.weights * of_labels[texts.labels.astype(np.int64)]
