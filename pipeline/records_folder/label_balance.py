"""A manifest -> how its labels are divided: shares, the effective sample size, and lines and advice about them."""

from collections.abc import Iterator

from pipeline.records_folder.label_scheme import label_value
from pipeline.records_folder.manifest import Manifest, SplitSummary
from pipeline.records_folder.record_files import SplitWeights

# Above this there is advice: rows of the most frequent label / rows of the least frequent one. Chosen, not measured.
_MAX_RATIO = 5
# A label is rare if it has less than this share of the training rows, and less than half of what a label has on
# average: of 30 labels nearly all have less than 5%.
_RARE_SHARE = 0.05
_OF_MEAN = 0.5
# A person reads no more lists of labels than these in a line.
_LISTED_SETS = 6


def effective_rows(weights: SplitWeights) -> float:
    """How many rows of one weight give averages that are as exact: (sum of weights)**2 / sum of squares, Kish's
    effective sample size (Survey Sampling, 1965).

    >>> effective_rows(SplitWeights(total=4, squares=10, labels={}))
    1.6
    """
    return weights.total**2 / weights.squares if weights.squares else 0.0


def share_of_label(part: SplitSummary, label: str) -> float:
    """The share of a split's rows that have a label, 0 to 1; with weights that of their sum."""
    if part.weights is not None:
        return part.weights.labels.get(label, 0.0) / part.weights.total if part.weights.total else 0.0
    return part.labels.get(label, 0) / part.rows if part.rows else 0.0


def label_lines(manifest: Manifest) -> list[str]:
    """Lines about weights, several labels and ordinal labels of the training rows; none: they have none of these."""
    train, form = manifest.splits["train"], manifest.record
    lines = []
    if form.several_labels:
        mean = sum(train.labels.values()) / max(train.rows, 1)
        share = train.no_labels / max(train.rows, 1)
        lines.append(
            f"a training row has {mean:.2f} labels on average; {train.no_labels:,} ({share:.1%}) have none of them"
        )
    if form.label_kind == "ordinal":
        values = {label: label_value(label) or 0.0 for label in manifest.labels}
        mean = sum(values[label] * share_of_label(train, label) for label in manifest.labels)
        lines.append(f"the labels are numbers with an order; the mean of the training rows is {mean:.3g}")
    if train.weights is not None:
        lines.append(
            f"with their weights the {train.rows:,} training rows tell as much as {effective_rows(train.weights):,.0f} "
            "rows of one weight (effective sample size)"
        )
    return lines


def set_lines(manifest: Manifest) -> list[str]:
    """A line with the lists of labels that most training rows have; none: a row has one label."""
    sets = manifest.label_sets
    if sets is None or not sets.most_frequent:
        return []
    shown = [f"{' + '.join(each.labels) or 'none'} ({each.rows:,})" for each in sets.most_frequent[:_LISTED_SETS]]
    more = f" and {sets.distinct - len(shown):,} more" if sets.distinct > len(shown) else ""
    of = "" if sets.exact else f", of {sets.sampled_rows:,} rows that were counted"
    return [f"labels together: {', '.join(shown)}{more}{of}"]


def balance_sentences(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Advice on labels of which one is much rarer than others: (setting, sentence)."""
    train = manifest.splits["train"]
    if len(train.labels) < 2:
        return
    shares = {label: share_of_label(train, label) for label in train.labels}
    most, least = max(shares, key=lambda label: shares[label]), min(shares, key=lambda label: shares[label])
    if shares[least] < min(_RARE_SHARE, _OF_MEAN * sum(shares.values()) / len(shares)):
        what = "the weight of the training rows" if train.weights is not None else "the training rows"
        training = (manifest.config.model_extra or {}).get("training") or {}
        is_weighted = training.get("class_weight", "none") != "none"
        balanced = "" if is_weighted else "training.class_weight: balanced lets it count as much as the others; "
        yield (
            "training.class_weight",
            (
                f"The label '{least}' has {shares[least]:.1%} of {what}, '{most}' {shares[most]:.1%}; accuracy will "
                f"flatter. {balanced}decision.threshold says from which score on it is the answer."
            ),
        )
        return
    rows = train.labels
    most, least = max(rows, key=lambda label: rows[label]), min(rows, key=lambda label: rows[label])
    if rows[most] > _MAX_RATIO * max(rows[least], 1) and not manifest.record.several_labels:
        yield (
            "input.label_column",
            (f"The label '{most}' has {rows[most]:,} training rows, '{least}' {rows[least]:,}; accuracy will flatter."),
        )
