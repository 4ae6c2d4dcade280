"""The metrics of a training -> one sentence on a model of word counts alone, to compare the LSTM with."""

from trainer.evaluation.metrics import Metrics


def word_counts_line(metrics: Metrics, *, has_ngrams: bool) -> str | None:
    """The sentence; None if there is nothing to compare. The LSTM's interval says whether they differ beyond chance.

    has_ngrams: the metrics are of LSTM and n-grams joined, which says nothing of the LSTM alone.
    """
    figures = metrics["word_counts"]
    if figures is None:
        return None
    if "subset_accuracy" in metrics:
        name, own, other = "subset accuracy", metrics["subset_accuracy"], figures["subset_accuracy"]
        low, high = metrics["subset_accuracy_interval"]
    else:
        name, own, other = "accuracy", metrics["accuracy"], figures["accuracy"]
        low, high = metrics["accuracy_interval"]
    learnt, texts = figures["learnt_from"], figures["train_texts"]
    of_some = f", learnt from {learnt:,} of {texts:,} texts" if learnt < texts else ""
    model = "joined model" if has_ngrams else "LSTM"
    told = f"A model of word counts alone (TF-IDF, logistic regression{of_some}) has {name} {other:.3f}"
    if _is_decided_otherwise(metrics):
        return f"{told}. The {model} has {own:.3f} as it decides (thresholds or costs), so the two do not compare."
    if other < low:
        return f"{told}: the {model}'s {own:.3f} is better by {own - other:.3f}."
    if other > high:
        return f"{told}, more than the {model}'s {own:.3f}: this task needs no LSTM, or the LSTM is not trained well."
    return f"{told}, the {model} {own:.3f}: the difference may be chance, and the simpler model may do."


def _is_decided_otherwise(metrics: Metrics) -> bool:
    """Whether thresholds or costs decide the LSTM's labels. They give up accuracy for what they are set for."""
    decision = metrics["decision"]
    if decision is None:
        return False
    has_thresholds = any(price["threshold"] is not None for price in decision["per_label"].values())
    return has_thresholds or decision["mean_cost"] is not None
