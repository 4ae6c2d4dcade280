"""Counts of lists of labels -> what the manifest says of labels that texts have together."""

from collections.abc import Sequence

from pipeline.records_folder.record_files import LabelSet, LabelSetsSummary
from pipeline.statistics.split_statistics import SplitStatistics

_LISTED = 20


def label_sets_summary(train: SplitStatistics, *, labels: Sequence[str]) -> LabelSetsSummary:
    """The lists of labels of the train split; labels: by index.

    >>> from collections import Counter
    >>> train = SplitStatistics(rows=4, sets=Counter({(0, 1): 2, (): 1}))
    >>> summary = label_sets_summary(train, labels=["a", "b"])
    >>> summary.exact, summary.most_frequent[0]
    (False, LabelSet(labels=['a', 'b'], rows=2))
    """
    by_rows = sorted(train.sets, key=lambda own: (-train.sets[own], own))
    counted = train.sets.total()
    return LabelSetsSummary(
        sampled_rows=counted,
        exact=counted == train.rows,
        distinct=len(by_rows),
        most_frequent=[
            LabelSet(labels=[labels[index] for index in own], rows=train.sets[own]) for own in by_rows[:_LISTED]
        ],
    )
