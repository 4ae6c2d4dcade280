"""Hits among rows -> the interval in which their share lies with 95 % confidence: a pure function of numbers."""

import math
from typing import Final, NamedTuple

# The 97.5th percentile of the normal distribution: an interval of 95 %.
_Z: Final = 1.959963984540054


class Interval(NamedTuple):
    """From low to high, both from 0 to 1."""

    low: float
    high: float


def wilson(share: float, rows: float) -> Interval | None:
    """The interval of a share that was measured on `rows` rows; None without rows.

        center = (p + z² / 2n) / (1 + z² / n)
        center ± z / (1 + z² / n) * sqrt(p (1 - p) / n + z² / 4n²)

    p is the share, n the number of rows, z 1.96. Unlike p ± 1.96 standard errors it never leaves 0 to 1, and it says
    something where all or no rows are hits. (E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, 1927.)

    rows: with weights the effective sample size, which need not be whole; the interval is then an approximation.

    >>> low, high = wilson(0.8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    >>> wilson(1.0, 3).high, wilson(0.5, 0)
    (1.0, None)
    """
    if not rows:
        return None
    square = _Z * _Z
    center = share + square / (2 * rows)
    reach = _Z * math.sqrt(share * (1 - share) / rows + square / (4 * rows * rows))
    whole = 1 + square / rows
    return Interval(max(0.0, (center - reach) / whole), min(1.0, (center + reach) / whole))
