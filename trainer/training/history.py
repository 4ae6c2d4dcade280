"""What a training has gone through: a record an epoch, and the questions that follow from them.

Best epoch, patience and end are functions of the history alone, so a resumed run can't disagree with an unbroken one.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from pipeline.config.settings import TrainingSettings


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EpochRecord(_Record):
    """The end of an epoch; a row of history.csv.

    epoch: counted from 1.
    steps: optimizer steps since the beginning of the training.
    learning_rate: of the next step.
    loss, accuracy: means over the epoch's examples, in training mode, while the weights changed.
    eval_loss, eval_accuracy, eval_auc: the eval split after the epoch; None without eval rows, and no auc beyond two
      labels.
    seconds: wall time of the epoch; of a resumed one, since it was resumed.
    """

    epoch: int
    steps: int
    learning_rate: float
    loss: float
    accuracy: float
    eval_loss: float | None
    eval_accuracy: float | None
    eval_auc: float | None
    seconds: float


class CurvePoint(_Record):
    """The mean loss of one batch, and the learning rate of the next step."""

    step: int
    loss: float
    learning_rate: float


class History(BaseModel):
    """All epochs so far, and points of the loss curve between them; both grow."""

    model_config = ConfigDict(extra="forbid")

    epochs: list[EpochRecord] = []
    curve: list[CurvePoint] = []


def best_epoch(epochs: Sequence[EpochRecord]) -> int:
    """The epoch (from 1) with the lowest eval loss, the earlier of equals; without an eval split the last one.

    The loss and not the accuracy, which moves in steps and has a standard error of 0.6 % on IMDB's 2,500 eval rows. The
    two agreed in 11 of 12 runs. 0 before the first epoch has ended.
    """
    judged = [(record.eval_loss, record.epoch) for record in epochs if record.eval_loss is not None]
    return min(judged)[1] if judged else len(epochs)


def is_over(epochs: Sequence[EpochRecord], settings: TrainingSettings) -> bool:
    """Whether all epochs are done, or so many in a row were no better than the best that `early_stopping` ends it."""
    if len(epochs) >= settings.epochs:
        return True
    patience = settings.early_stopping
    return patience is not None and len(epochs) - best_epoch(epochs) >= patience
