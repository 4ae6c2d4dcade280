"""training.class_weight + the train rows' counts -> the weight of each label in the loss; no arrays of rows.

One label a text: a row counts as often as its label's weight says. Several labels: the weight multiplies the part of
the loss that says that a text has the label, as `pos_weight` of tf.nn.weighted_cross_entropy_with_logits. The part of
the texts without it has the weight 1.
"""

from pipeline.config.decision_settings import ClassWeight
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import SplitSummary
from trainer.decision.checks import check_class_weight


def class_weights(setting: ClassWeight, scheme: LabelScheme, train: SplitSummary) -> list[float] | None:
    """The weight of each label, in their order; None without the setting.

    train: the train split's rows by label, or the sums of their weights, are what `balanced` is computed from:

        one label a text     total / (labels x rows of the label), as scikit-learn's compute_class_weight
        several labels       rows without the label / rows with it

    Labels that a mapping leaves out weigh 1, and with `balanced` labels that no train row has, or with several labels
    each of them.

    Raises:
      UserError: the setting names a label that is none of the labels.

    >>> train = SplitSummary(rows=100, labels={"ham": 99, "spam": 1}, shards=[])
    >>> class_weights("balanced", LabelScheme(("ham", "spam")), train)
    [0.5050505050505051, 50.0]
    >>> class_weights({"spam": 20.0}, LabelScheme(("ham", "spam")), train)
    [1.0, 20.0]
    >>> class_weights("balanced", LabelScheme(("ham", "spam"), several=True), train)
    [0.010101010101010102, 99.0]
    """
    check_class_weight(setting, scheme)
    if setting == "none":
        return None
    if isinstance(setting, dict):
        return [setting.get(name, 1.0) for name in scheme.names]
    total, by_label = label_weights(scheme, train)
    if scheme.several:
        return [(total - own) / own if 0 < own < total else 1.0 for own in by_label]
    present = sum(own > 0 for own in by_label)
    return [total / (present * own) if own > 0 else 1.0 for own in by_label]


def label_weights(scheme: LabelScheme, train: SplitSummary) -> tuple[float, list[float]]:
    """The rows of the train split and those of each label; of weighted rows the sums of their weights."""
    if train.weights is not None:
        return train.weights.total, [train.weights.labels.get(name, 0.0) for name in scheme.names]
    return float(train.rows), [float(train.labels.get(name, 0)) for name in scheme.names]
