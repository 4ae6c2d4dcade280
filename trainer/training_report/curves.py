"""A training's history -> its curves over the optimizer's steps."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from pipeline.html.plots import Axis, Colour, Columns, Layer, Plot, figure, side_by_side
from trainer.training.history import EpochRecord, History


def curves(history: History, *, best_epoch: int) -> Markup:
    """All plots. A line marks the epoch whose weights the model has."""
    best = [(record.steps, f"best: epoch {record.epoch}") for record in history.epochs if record.epoch == best_epoch]
    points, last = history.curve, max(record.steps for record in history.epochs)
    steps = Axis(label="steps", range=(0, 1.02 * last))
    losses = Plot(
        x=steps,
        y=Axis(label="cross-entropy", format="0.00"),
        layers=[
            Layer(
                mark="line",
                columns={"x": [point.step for point in points], "y": [point.loss for point in points]},
                hover=[("step", "@x{0,0}"), ("loss of the batch", "@y{0.000}")],
                key="train, a batch",
                faint=True,
            ),
            *_epochs(history.epochs, lambda record: record.loss, name="train, mean of the epoch", colour="blue"),
            *_epochs(history.epochs, lambda record: record.eval_loss, name="eval", colour="orange"),
        ],
        lines=best,
        height=320,
    )
    accuracies = Plot(
        x=steps,
        y=Axis(label="share", format="0.00"),
        layers=[
            *_epochs(history.epochs, lambda record: record.accuracy, name="train accuracy", colour="blue"),
            *_epochs(history.epochs, lambda record: record.eval_accuracy, name="eval accuracy", colour="orange"),
            *_epochs(history.epochs, lambda record: record.eval_auc, name="eval AUC", colour="green"),
        ],
        lines=best,
    )
    rates = Plot(
        x=steps,
        y=Axis(label="learning rate", format="0.[000000]"),
        layers=[
            Layer(
                mark="line",
                columns={"x": [point.step for point in points], "y": [point.learning_rate for point in points]},
                hover=[("step", "@x{0,0}"), ("learning rate", "@y{0.[00000000]}")],
                key="of the next step",
            )
        ],
    )
    return figure(losses, title="Loss") + side_by_side(
        figure(accuracies, title="Accuracy and AUC"), figure(rates, title="Learning rate")
    )


def _epochs(
    records: Sequence[EpochRecord], value: Callable[[EpochRecord], float | None], *, name: str, colour: Colour
) -> list[Layer]:
    """A line through the ends of the epochs, with a dot to hover over at each. No layer if no epoch has a value."""
    values = [(record, value(record)) for record in records]
    columns: Columns = {
        "x": [record.steps for record, number in values if number is not None],
        "y": [number for _, number in values if number is not None],
        "epoch": [record.epoch for record, number in values if number is not None],
    }
    if not columns["x"]:
        return []
    hover = [("epoch", "@epoch"), ("step", "@x{0,0}"), (name, "@y{0.0000}")]
    return [
        Layer(mark="line", columns=columns, colour=colour, key=name),
        Layer(mark="dots", columns=columns, colour=colour, hover=hover),
    ]
