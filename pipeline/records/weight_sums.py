"""Weights of rows -> their exact sums, which are the same however rows are batched, and in whatever order.

Sums of floating-point numbers depend on their order, and bundles come in any order. A float32 is a whole number of
2**-149, so sums of weights are whole numbers too, and those of squares are whole numbers of 2**-298. Python's integers
hold them exactly; they add up like other counts, and are rounded once, when they become a number of the manifest.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from pipeline.support.arrays import Float32s, Int64s

_UNIT_BITS: Final = 149
# A float32 is mantissa * 2**exponent, with a whole mantissa below 2**24.
_MANTISSA_BITS: Final = 24


class WeightSums(NamedTuple):
    """Sums of the weights of rows.

    total: in units of 2**-149. squares: of their squares, in units of 2**-298. labels: by label index, as `total`.
    """

    total: int = 0
    squares: int = 0
    labels: Mapping[int, int] = {}


NO_WEIGHTS: Final = WeightSums()


class WeightNumbers(NamedTuple):
    """The same as floating-point numbers, each the nearest to its sum."""

    total: float
    squares: float
    labels: dict[int, float]


def weight_sums(weights: Float32s, *, rows: Int64s, labels: Int64s) -> WeightSums:
    """The sums of float32 [rows]. rows, labels: [pairs], a row and a label that it has.

    >>> weights = np.array([0.1, 0.2, 4], np.float32)
    >>> numbers(weight_sums(weights, rows=np.array([0, 1, 2]), labels=np.array([1, 1, 0]))).labels
    {0: 4.0, 1: 0.30000000447034836}
    """
    fractions, exponents = np.frexp(weights.astype(np.float64))
    mantissas = (fractions * 2.0**_MANTISSA_BITS).astype(np.int64)
    exponents = exponents.astype(np.int64) - _MANTISSA_BITS
    one = np.zeros(len(weights), np.int64)
    low = 2**_MANTISSA_BITS - 1
    squares = mantissas * mantissas
    # A square has 48 bits. In two halves 2**39 of them add up within 63.
    halves = _sums(squares >> _MANTISSA_BITS, 2 * exponents + _MANTISSA_BITS, one, 2 * _UNIT_BITS)
    halves.update(_sums(squares & low, 2 * exponents, one, 2 * _UNIT_BITS))
    total = _sums(mantissas, exponents, one, _UNIT_BITS)
    return WeightSums(total[0], halves[0], _sums(mantissas[rows], exponents[rows], labels, _UNIT_BITS))


def merge(parts: Iterable[WeightSums]) -> WeightSums:
    """The sums of all parts.

    >>> merge([WeightSums(1, 2, Counter({0: 1})), WeightSums(1, 1, Counter({0: 1}))])
    WeightSums(total=2, squares=3, labels=Counter({0: 2}))
    """
    total = squares = 0
    labels: Counter[int] = Counter()
    for part in parts:
        total += part.total
        squares += part.squares
        labels.update(part.labels)
    return WeightSums(total, squares, labels)


def numbers(sums: WeightSums) -> WeightNumbers:
    """The sums as numbers; labels in rising order.

    >>> numbers(WeightSums(3 << 149, 5 << 298))
    WeightNumbers(total=3.0, squares=5.0, labels={})
    """
    unit = 1 << _UNIT_BITS
    # Division of integers rounds once, to the nearest number.
    return WeightNumbers(
        sums.total / unit,
        sums.squares / (unit * unit),
        {label: sums.labels[label] / unit for label in sorted(sums.labels)},
    )


def _sums(mantissas: Int64s, exponents: Int64s, groups: Int64s, unit_bits: int) -> Counter[int]:
    """Numbers mantissa * 2**exponent, [numbers] -> by group the sum of its numbers, in units of 2**-unit_bits."""
    found: Counter[int] = Counter()
    for exponent in np.unique(exponents).tolist():
        of_exponent = exponents == exponent
        distinct, index = np.unique(groups[of_exponent], return_inverse=True)
        sums = np.zeros(len(distinct), np.int64)
        np.add.at(sums, index, mantissas[of_exponent])
        shift = exponent + unit_bits
        for group, total in zip(distinct.tolist(), sums.tolist(), strict=True):
            # Of numbers below 2**-126 the mantissa ends with the zeros that are shifted out.
            found[group] += total << shift if shift >= 0 else total >> -shift
    return found
