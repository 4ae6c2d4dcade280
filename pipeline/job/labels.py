"""Labels of the train split -> the list whose index a record holds.

Labels that are all whole numbers are in the order of their values, others in the order of their UTF-8 bytes: the same
order whatever the order of the rows. With two labels the second is the one whose probability the model gives.
"""

import re
from collections.abc import Iterable

import apache_beam as beam

from pipeline.job.read import MOST_LABELS

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")


def label_order(labels: Iterable[str]) -> list[str]:
    """The labels, each once, in their order.

    >>> label_order(["10", "9", "10"]), label_order(["pos", "neg"]), label_order(["10", "9", "x"])
    (['9', '10'], ['neg', 'pos'], ['10', '9', 'x'])
    """
    distinct = set(labels)
    if all(_WHOLE_NUMBER.fullmatch(label) for label in distinct):
        return sorted(distinct, key=int)
    return sorted(distinct, key=str.encode)


class MergeLabels(beam.CombineFn):
    """Lists of labels -> one ordered list; beyond MOST_LABELS, which nobody wants to train on, not all are kept."""

    def create_accumulator(self) -> set[str]:
        """No label."""
        return set()

    def add_input(self, accumulator: set[str], element: list[str]) -> set[str]:
        """Adds a list."""
        if len(accumulator) <= MOST_LABELS:
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
        return label_order(accumulator)
