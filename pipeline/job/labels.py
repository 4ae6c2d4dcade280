"""Labels of the train split -> the ordered list; a record holds the index of its label in it.

If all labels are whole numbers, they are in the order of their values; so are ordinal labels, which are any numbers.
Other labels are in the order of their UTF-8 bytes. The order of the rows does not matter. With two labels, the model
gives the probability of the second.
"""

import re
from collections.abc import Iterable

import apache_beam as beam

from pipeline.config.input_settings import LabelKind
from pipeline.records_folder.label_scheme import label_value

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")


def label_order(labels: Iterable[str], kind: LabelKind = "nominal") -> list[str]:
    """The distinct labels, in their order. Ordinal ones of which one is no number have no order; the run is refused.

    >>> label_order(["10", "9", "10"]), label_order(["pos", "neg"]), label_order(["10", "9", "x"])
    (['9', '10'], ['neg', 'pos'], ['10', '9', 'x'])
    >>> label_order(["2.5", "10", "-1"], "ordinal")
    ['-1', '2.5', '10']
    """
    distinct = set(labels)
    if kind == "ordinal" and all(label_value(label) is not None for label in distinct):
        return sorted(distinct, key=lambda label: (float(label), label))
    if all(_WHOLE_NUMBER.fullmatch(label) for label in distinct):
        return sorted(distinct, key=int)
    return sorted(distinct, key=str.encode)


class MergeLabels(beam.CombineFn):
    """Lists of labels -> one ordered list.

    No label is added to a list of more than `max_labels`: so many labels end the run.
    """

    def __init__(self, max_labels: int, kind: LabelKind = "nominal") -> None:
        self._max_labels = max_labels
        self._kind: LabelKind = kind

    def create_accumulator(self) -> set[str]:
        """No label."""
        return set()

    def add_input(self, accumulator: set[str], element: list[str]) -> set[str]:
        """Adds a list."""
        if len(accumulator) <= self._max_labels:
            accumulator.update(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[set[str]]) -> set[str]:
        """Adds sets."""
        merged: set[str] = set()
        for accumulator in accumulators:
            self.add_input(merged, list(accumulator))
        return merged

    def extract_output(self, accumulator: set[str]) -> list[str]:
        """The list."""
        return label_order(accumulator, self._kind)
