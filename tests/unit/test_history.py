"""The history of a training: best epoch, end, and history.csv."""

import pytest

from pipeline.config.settings import TrainingSettings
from trainer.training.history import EpochRecord, History, best_epoch, history_csv, is_over


def record(epoch: int, eval_loss: float | None) -> EpochRecord:
    return EpochRecord(epoch=epoch, steps=epoch, learning_rate=0.1, loss=0.1, accuracy=0.9, eval_loss=eval_loss,
                       eval_accuracy=None, eval_auc=None, seconds=1.0)  # fmt: skip


@pytest.mark.parametrize(
    # eval losses (None: no eval split), early_stopping (of 5 epochs), best epoch, over
    ("losses", "patience", "best", "over"),
    [
        ([], None, 0, False),
        ([None, None], None, 2, False),  # without eval losses the last one is the best
        ([0.4, 0.2, 0.3], None, 2, False),
        ([0.4, 0.2, 0.3], 1, 2, True),
        ([0.4, 0.2, 0.3], 2, 2, False),
        ([0.2, 0.2, 0.2], 2, 1, True),
        ([0.5, 0.4, 0.3, 0.2, 0.1], None, 5, True),
    ],
)
def test_history_best_epoch_and_end(losses: list[float | None], patience: int | None, best: int, over: bool) -> None:
    epochs = [record(epoch, loss) for epoch, loss in enumerate(losses, start=1)]
    assert best_epoch(epochs) == best
    assert is_over(epochs, TrainingSettings(epochs=5, early_stopping=patience)) == over


def test_history_csv_has_an_empty_cell_where_there_is_no_value() -> None:
    history = History(epochs=[record(1, 0.5), record(2, None)])
    assert history_csv(history).decode().splitlines() == [
        "epoch,steps,learning_rate,loss,accuracy,eval_loss,eval_accuracy,eval_auc,seconds",
        "1,1,0.1,0.1,0.9,0.5,,,1.0",
        "2,2,0.1,0.1,0.9,,,,1.0",
    ]
