"""The keys of the groups of rows (`split.group_column`) -> how many groups there are, and how large they are.

A sketch holds the groups of the smallest keys, with their rows. Keys are hashes, so these are a random part of the
groups, and of few groups all. A group that is among the smallest of the whole is among the smallest of each part that
has it. So sketches of parts add up, and the result does not depend on the parts.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.manifest import GroupsSummary
from pipeline.support.arrays import Int64s

# Groups of a sketch: 8 kB. The number of more groups is right within 10%.
SIZE: Final = 512


class GroupSketch(NamedTuple):
    """The groups of the smallest keys. keys: uint64 [groups], rising; rows: int64 [groups]."""

    keys: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
    rows: Int64s = np.empty(0, np.int64)


NO_GROUPS: Final = GroupSketch()


def sketch(keys: npt.NDArray[np.uint64]) -> GroupSketch:
    """The key of each row's group, [rows] -> their sketch.

    >>> sketch(np.array([7, 5, 7], np.uint64)).rows.tolist()
    [1, 2]
    """
    distinct, rows = np.unique(keys, return_counts=True)
    return GroupSketch(distinct[:SIZE], rows[:SIZE].astype(np.int64))


def merge(parts: Sequence[GroupSketch]) -> GroupSketch:
    """The sketch of all parts together."""
    parts = [NO_GROUPS, *parts]
    keys = np.concatenate([part.keys for part in parts])
    distinct, places = np.unique(keys, return_inverse=True)
    rows = np.zeros(len(distinct), np.int64)
    np.add.at(rows, places, np.concatenate([part.rows for part in parts]))
    return GroupSketch(distinct[:SIZE], rows[:SIZE])


def groups_summary(sketched: GroupSketch) -> GroupsSummary | None:
    """The groups in the manifest; None: there are none."""
    number = len(sketched.keys)
    if not number:
        return None
    is_exact = number < SIZE
    # Of uniform keys, the one of this rank is where its share of all groups ends.
    estimate = number if is_exact else round((SIZE - 1) / (int(sketched.keys[-1]) / 2**64))
    return GroupsSummary(groups=estimate, exact=is_exact, largest=int(sketched.rows.max()))
