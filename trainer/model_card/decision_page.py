"""The card's part on the decision -> Markdown: thresholds and what they cost, calibration before and after."""

from collections.abc import Iterator

from pipeline.support.terminal import percent
from trainer.decision.decision import NEVER
from trainer.model_card.markdown import code, table
from trainer.model_card.schema import DecisionData, LabelDecision

# Labels that a table shows; MODEL_CARD.json has all.
SHOWN_LABELS = 50


def decision_parts(decision: DecisionData, *, several: bool) -> Iterator[str]:
    """Headings, sentences and tables."""
    yield "## Decisions"
    yield " ".join(_sentences(decision, several=several))
    if not (decision.abstained or decision.mean_cost is not None or any(label.threshold for label in decision.labels)):
        yield from _calibration(decision)  # which is all that it does
        return
    rows = [_label_row(label) for label in decision.labels[:SHOWN_LABELS]]
    yield table(["label", "threshold", "precision", "recall", "given to"], rows, kinds="tnnnn")
    if len(decision.labels) > SHOWN_LABELS:
        yield f"The first {SHOWN_LABELS} of {len(decision.labels):,} labels; `MODEL_CARD.json` has all."
    yield from _calibration(decision)


def _sentences(decision: DecisionData, *, several: bool) -> Iterator[str]:
    yield "Settings `decision.*` below say how it was chosen on the eval split."
    if decision.accuracy is not None:
        right = "have all labels right" if several else "are right"
        abstain = (
            f"{percent(decision.abstained)} of the answers abstain; of the others"
            if decision.abstained
            else "of all answers"
        )
        yield f"On the test split, {abstain} {percent(decision.accuracy)} {right}."
    if decision.mean_cost is not None:
        most_probable = number(decision.mean_cost_of_most_probable)
        yield f"An answer costs {number(decision.mean_cost)} on average; the most probable label would {most_probable}."


def _label_row(label: LabelDecision) -> list[str]:
    threshold = label.threshold
    shown = "–" if threshold is None else "never" if threshold >= NEVER else number(threshold)
    given = "–" if label.decided is None else percent(label.decided)
    return [code(label.label), shown, number(label.precision), number(label.recall), given]


def _calibration(decision: DecisionData) -> Iterator[str]:
    if (calibration := decision.calibration) is None:
        return
    yield "### Calibration"
    weights = ", and takes the class weights of the training out again" if decision.class_weights_taken_out else ""
    yield f"The exported model divides the network's logits by {decision.temperature:.4g}{weights}."
    rows = [
        ["expected calibration error", number(calibration.error_before), number(calibration.error_after)],
        ["loss (cross-entropy, nats)", number(calibration.loss_before), number(calibration.loss_after)],
    ]
    yield table(["on the test split", "before", "after"], rows, kinds="tnn")


def number(value: float | None) -> str:
    """A figure with four digits.

    >>> number(0.25), number(None)
    ('0.2500', '–')
    """
    return "–" if value is None else f"{value:.4f}"
