"""A trained model + settings -> its decision, chosen on the eval split, and the rows that the export keeps."""

import logging
from dataclasses import dataclass

import numpy as np

from pipeline.config.settings import Config
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.choose import choose_decision
from trainer.decision.decision import Decision
from trainer.decision.held_out import HeldOut, LabelledLogits
from trainer.evaluation.scoring import SplitScores, score_split
from trainer.training.class_weights import class_weights
from trainer.training.fit import TrainedModel

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChosenDecision:
    """decision: how scores become labels. eval_rows: what it was chosen on. class_weights: see `HeldOut`."""

    decision: Decision
    eval_rows: LabelledLogits
    class_weights: list[float] | None

    def held_out(self, scores: SplitScores | None) -> HeldOut:
        """What `trainer decide` will need. scores: of `score_held_out`."""
        is_test = scores is not None and scores.split == "test"
        test = scores.labelled_logits if scores is not None and is_test else empty_like(self.eval_rows)
        return HeldOut(self.eval_rows, test, self.class_weights)


def choose(trained: TrainedModel, config: Config) -> ChosenDecision:
    """The decision that the settings ask for. A rule that no threshold fulfils costs no training: it is logged, and its
    label is never decided.

    Raises:
      UserError: the eval split's records can't be read.
    """
    scheme = trained.records.scheme
    rows = _eval_rows(trained, config, scheme)
    of_labels = class_weights(config.training.class_weight, scheme, trained.train)
    choice = choose_decision(config.decision, scheme, rows, class_weights=of_labels)
    for line in choice.unmet:
        _log.warning("%s; it is never decided (trainer decide gives it another rule without a training)", line)
    for line in choice.notes:
        _log.warning("%s", line)
    return ChosenDecision(choice.decision, rows, of_labels)


def empty_like(rows: LabelledLogits) -> LabelledLogits:
    """No rows of the same kind.

    >>> empty_like(LabelledLogits(np.zeros([4, 1], np.float32), np.zeros(4, np.int64), None, 4)).logits.shape
    (0, 1)
    """
    return LabelledLogits(rows.logits[:0], rows.labels[:0], None if rows.weights is None else rows.weights[:0], 0)


def _eval_rows(trained: TrainedModel, config: Config, scheme: LabelScheme) -> LabelledLogits:
    if trained.eval_scores is not None:
        return trained.eval_scores.labelled_logits
    if not trained.records.splits["eval"].rows:
        labels = np.zeros([0, len(scheme.names)], bool) if scheme.several else np.zeros(0, np.int64)
        weights = np.zeros(0) if trained.records.is_weighted else None
        return LabelledLogits(np.zeros([0, scheme.outputs], np.float32), labels, weights, 0)
    return score_split(trained.model, trained.records, "eval", batch_size=config.training.batch_size).labelled_logits
