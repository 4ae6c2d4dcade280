"""The sections decision and training.class_weight + the labels -> whether they fit, before anything is computed."""

import difflib
from collections.abc import Iterable
from typing import Final

from pipeline.config.decision_settings import ClassWeight, DecisionSettings
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.printable import to_one_line
from pipeline.support.strict_json import shown
from trainer.decision.thresholds import label_rules

# Labels that an error message lists.
_LISTED: Final = 5
_FROM_EVAL: Final = ("best_f1", "precision", "recall")


def check_decision(settings: DecisionSettings, scheme: LabelScheme, *, eval_rows: int) -> None:
    """Refuses decisions that can't be made for these labels.

    eval_rows: rows of the eval split, which thresholds and temperature are chosen on.

    Raises:
      UserError: a label is unknown; several labels have costs or may abstain; a rule needs eval rows, and there are
        none.

    >>> spam = DecisionSettings(threshold={"spam": 0.9})
    >>> check_decision(spam, LabelScheme(("ham", "spma")), eval_rows=100)
    Traceback (most recent call last):
    ...
    pipeline.errors.UserError: decision.threshold: 'spam' is none of the labels; did you mean 'spma'?
    """
    if isinstance(settings.threshold, dict):
        check_labels(settings.threshold, scheme, setting="decision.threshold")
    if settings.costs is not None:
        check_labels(settings.costs, scheme, setting="decision.costs")
        for label, row in settings.costs.items():
            check_labels(row, scheme, setting=f"decision.costs.{to_one_line(label)}")
    if scheme.several:
        _refuse_several(settings)
    if not eval_rows:
        _refuse_without_eval(settings, scheme)


def check_class_weight(weights: ClassWeight, scheme: LabelScheme) -> None:
    """Refuses weights of unknown labels.

    Raises:
      UserError: training.class_weight names a label that is none of the labels.
    """
    if isinstance(weights, dict):
        check_labels(weights, scheme, setting="training.class_weight")


def check_labels(given: Iterable[str], scheme: LabelScheme, *, setting: str) -> None:
    """Refuses the first name that is none of the labels.

    Raises:
      UserError: there is one; the message names the nearest label.
    """
    for label in given:
        if label not in scheme.names:
            nearest = difflib.get_close_matches(label, scheme.names, n=1, cutoff=0.5)
            remedy = f"did you mean {shown(nearest[0])}?" if nearest else f"they are {_listed(scheme.names)}"
            raise UserError(f"{setting}: {shown(label)} is none of the labels; {remedy}")


def _listed(names: tuple[str, ...]) -> str:
    """
    >>> _listed(("a", "b")), _listed(tuple("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(to_one_line(name) for name in names[:_LISTED]) + more


def _refuse_several(settings: DecisionSettings) -> None:
    if settings.costs is not None:
        raise UserError(
            "decision.costs: a text may have several labels, and each is decided on its own; set decision.threshold of "
            "the label to (cost of a false alarm) / (cost of a false alarm + cost of a miss)"
        )
    if settings.abstain_below is not None:
        raise UserError(
            f"decision.abstain_below is {settings.abstain_below:g}, but a text may have several labels, and none of "
            "them is an answer too; set decision.threshold, or leave it null"
        )


def _refuse_without_eval(settings: DecisionSettings, scheme: LabelScheme) -> None:
    from_eval = next((rule for rule in label_rules(settings, scheme) if rule.kind in _FROM_EVAL), None)
    if from_eval is not None:
        setting, value, instead = "threshold", from_eval.text, "a score from 0 to 1"
    elif settings.calibrate != "none":
        setting, value, instead = "calibrate", settings.calibrate, "none"
    else:
        return
    raise UserError(
        f"decision.{setting} is {value}, which is chosen on the eval split, but there are no eval rows; give "
        f"split.eval a share and make the records again, or set decision.{setting} to {instead}"
    )
