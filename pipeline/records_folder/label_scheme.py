"""What the labels of a records folder, or of a model, are: their names, and how many of them a text may have."""

import math
import re
from typing import Final, NamedTuple

from pipeline.config.input_settings import LabelKind

_NUMBER: Final = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


def label_value(label: str) -> float | None:
    """The number that an ordinal label is; None: it is no finite number in decimal digits.

    >>> [label_value(label) for label in ("4", "2.5", "-1e3", "4 stars", "nan", "1e999", "1_0")]
    [4.0, 2.5, -1000.0, None, None, None, None]
    """
    value = float(label) if _NUMBER.fullmatch(label) else math.inf
    return value if math.isfinite(value) else None


class LabelScheme(NamedTuple):
    """The labels.

    names: in the order of their indices. several: whether a text has a list of labels, and not one of them.
    kind: `ordinal` labels are numbers, in the order of their values.
    """

    names: tuple[str, ...]
    several: bool = False
    kind: LabelKind = "nominal"

    @property
    def outputs(self) -> int:
        """Numbers that the model's last layer gives: one for two labels, otherwise one a label.

        >>> LabelScheme(("neg", "pos")).outputs, LabelScheme(("a", "b", "c")).outputs
        (1, 3)
        >>> LabelScheme(("a", "b"), several=True).outputs
        2
        """
        return 1 if len(self.names) == 2 and not self.several else len(self.names)

    @property
    def has_rating(self) -> bool:
        """Whether scores have an expected value: the labels are numbers, and a text has one of them.

        >>> LabelScheme(("1", "2"), kind="ordinal").has_rating, LabelScheme(("1", "2")).has_rating
        (True, False)
        """
        return self.kind == "ordinal" and not self.several

    def values(self) -> list[float]:
        """The numbers that ordinal labels are.

        >>> LabelScheme(("1", "2.5"), kind="ordinal").values()
        [1.0, 2.5]
        """
        return [float(name) for name in self.names]
