"""The history and metrics of a training -> sentences on what looks wrong; none if nothing does."""

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.records_folder.manifest import SplitSummary
from pipeline.support.terminal import percent
from trainer.evaluation.calibration import Bin, expected_calibration_error
from trainer.evaluation.metrics import Metrics, predicted_texts
from trainer.training.history import EpochRecord

_LITTLE_BETTER: Final = 0.05  # accuracy above that of always answering the commonest label
_STILL_FALLING: Final = 0.05  # share of the eval loss by which the last epoch reduced it
_RARE: Final = 0.05  # share of the weight of the train rows
_POORLY_CALIBRATED: Final = 0.05  # expected calibration error


def verdict(
    epochs: Sequence[EpochRecord],
    metrics: Metrics | None,
    *,
    best_epoch: int,
    bins: Sequence[Bin],
    train: SplitSummary | None = None,
    has_class_weights: bool = False,
    epochs_setting: str = "training.epochs",
) -> list[str]:
    """What to look into, the most important first.

    metrics, bins: of the held-out split; None and empty without one. train: what the manifest says of the train
    split. has_class_weights: whether the loss has some. epochs_setting: what says how many epochs there are.
    """
    of_metrics = [] if metrics is None else [*_against_guessing(metrics), *_never_predicted(metrics)]
    of_weights = [] if train is None else _light_labels(train, has_class_weights=has_class_weights)
    of_epochs = _epochs(epochs, best_epoch=best_epoch, setting=epochs_setting)
    return [*of_metrics, *of_weights, *of_epochs, *_calibration(bins)]


def commonest_share(metrics: Metrics) -> tuple[str, float]:
    """The label with the most texts, and the accuracy of always answering it."""
    label = max(metrics["per_label"], key=lambda name: metrics["per_label"][name]["support"])
    return label, metrics["per_label"][label]["support"] / metrics["examples"]


def _against_guessing(metrics: Metrics) -> Iterator[str]:
    if "accuracy" not in metrics:  # with several labels a text there is no label to always answer
        return
    label, share = commonest_share(metrics)
    if metrics["accuracy"] < share + _LITTLE_BETTER:
        yield (
            f"Accuracy {metrics['accuracy']:.3f} is little better than always answering '{label}' ({share:.3f}): the "
            "model has learnt next to nothing. Look at report.html of the records, then at more epochs or another "
            "training.learning_rate."
        )


def _never_predicted(metrics: Metrics) -> Iterator[str]:
    predicted = predicted_texts(metrics)
    scores = list(metrics["per_label"].values())
    never = sum(not times and bool(scores[index]["support"]) for index, times in enumerate(predicted))
    if never:
        yield f"{never:,} of {len(scores):,} labels are never predicted; see the labels with the lowest recall."


def _light_labels(train: SplitSummary, *, has_class_weights: bool) -> Iterator[str]:
    """Labels with little of the weight of the train rows."""
    if train.weights is None or not train.weights.labels:
        return
    shares = {label: weight / (train.weights.total or 1) for label, weight in train.weights.labels.items()}
    rarest = min(shares, key=lambda label: shares[label])
    if shares[rarest] < _RARE:
        remedy = "" if has_class_weights else " training.class_weight: balanced makes it count as much as the others."
        yield (
            f"The train rows of '{rarest}' have {percent(shares[rarest])} of the weight, less than {_RARE:.0%}: there "
            f"is little to learn the label from, and its figures are uncertain.{remedy}"
        )


def _epochs(epochs: Sequence[EpochRecord], *, best_epoch: int, setting: str) -> Iterator[str]:
    losses = [record.eval_loss for record in epochs if record.eval_loss is not None]
    if len(losses) != len(epochs) or len(losses) < 2:
        return
    if best_epoch < len(epochs):
        yield (
            f"The eval loss rose from {losses[best_epoch - 1]:.3f} after epoch {best_epoch} to {losses[-1]:.3f} after "
            f"epoch {len(epochs)}, the training loss went from {epochs[best_epoch - 1].loss:.3f} to "
            f"{epochs[-1].loss:.3f}: the later epochs learnt the training texts by heart. The model has the weights of "
            f"epoch {best_epoch}; {setting} {best_epoch} would have been enough."
        )
    elif losses[-1] < (1 - _STILL_FALLING) * losses[-2]:
        yield (
            f"The eval loss was still falling in the last epoch ({losses[-2]:.3f} to {losses[-1]:.3f}): more "
            f"{setting} may give a better model."
        )


def _calibration(bins: Sequence[Bin]) -> Iterator[str]:
    if not bins:
        return
    error = expected_calibration_error(list(bins))
    if error > _POORLY_CALIBRATED:
        yield (
            f"The probabilities are off by {error:.3f} on average (expected calibration error): use them to rank "
            "texts, not as chances."
        )
