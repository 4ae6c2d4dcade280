"""What a look at all rows decided on the rows of a task group, in the form that travels with it (job/survey.py)."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.records.survey import Strata, UInt64s
from pipeline.sources.tasks import TaskGroup
from pipeline.support.arrays import Flags, Int64s


class Decisions(NamedTuple):
    """What was decided on single rows, by their positions, int64, rising; all other rows stay as they are.

    left_out: rows that `split.duplicates` leaves out. moved: rows whose text belongs to another label than theirs;
    strata_of_moved: the number of its stratum. strata: where `split.stratify` cuts each stratum.
    """

    left_out: Int64s
    moved: Int64s
    strata_of_moved: UInt64s
    strata: Strata | None

    def is_left_out(self, rows: pa.RecordBatch) -> Flags:
        """Marks rows of a batch that are left out."""
        return _places(rows, self.left_out)[1]

    def with_moved(self, numbers: UInt64s, rows: pa.RecordBatch) -> UInt64s:
        """The numbers of the strata of a batch's rows, with those of moved rows replaced."""
        place, is_moved = _places(rows, self.moved)
        numbers = numbers.copy()
        numbers[is_moved] = self.strata_of_moved[place[is_moved]]
        return numbers


class SurveyedGroup(NamedTuple):
    """A task group, and what was decided on its rows."""

    group: TaskGroup
    decisions: Decisions


def surveyed(element: TaskGroup | SurveyedGroup) -> tuple[TaskGroup, Decisions | None]:
    """What a step of reading gets -> the task group, and what was decided on its rows, if all rows were looked at."""
    return element if isinstance(element, SurveyedGroup) else (element, None)


def _places(rows: pa.RecordBatch, positions: Int64s) -> tuple[Int64s, Flags]:
    """Where the position of each row is among rising positions, int64 [rows], and whether it is one of them."""
    if not len(positions):
        return np.zeros(rows.num_rows, np.int64), np.zeros(rows.num_rows, np.bool_)
    own = rows["position"].to_numpy()
    place = np.minimum(np.searchsorted(positions, own), len(positions) - 1)
    return place, positions[place] == own
