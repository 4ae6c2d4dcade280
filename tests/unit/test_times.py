"""pipeline.config.times and pipeline.sources.formats.times: what a time is, and where it stands among others."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.times import instant
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.times import MISSING, NOT_INTEGER, NOT_ISO, integer_times, iso_times
from pipeline.sources.formats.validation import excerpt_of_columns

DAY = 86_400_000_000
# text -> microseconds from 1970, None: not a time
INSTANTS = [
    ("1970-01-01", 0),
    ("1970-01-02T00:00", DAY),
    ("1970-01-02 00:00:01Z", DAY + 1_000_000),
    ("1970-01-02 00:00:01.5 UTC", DAY + 1_500_000),  # as BigQuery writes it
    ("1970-01-01t01:00:00+01:00", 0),
    ("1970-01-01T01:00:00+0100", 0),
    ("1969-12-31T23:00-01", 0),
    ("1970-01-01T00:00:00,000001", 1),
    ("1970-01-01T00:00:00.0000019", 1),
    ("1970-01", 0),
    ("1969-12-31T23:59:59.999999", -1),
    ("2024-02-29", 1_709_164_800_000_000),
    ("2023-02-29", None),
    ("1970-01-01T24:00", None),
    ("1970-01-01T23:59:60", None),
    ("1970", None),  # an integer
    ("19700101", None),
    ("01/02/1970", None),
    ("1970-1-1", None),
    ("1970-01-01T", None),
    ("1970-01-01+01:00", None),
    (" 1970-01-01", None),
    ("\u0661970-01-01", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), INSTANTS)
def test_times_instant(text: str, expected: int | None) -> None:
    assert instant(text) == expected


@given(st.datetimes(timezones=st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
def test_times_instant_is_what_python_makes_of_its_own_iso_format(time: datetime) -> None:
    difference = time - datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert instant(time.isoformat()) == difference // timedelta(microseconds=1)


# column -> times of ISO 8601, reasons
COLUMNS = [
    (pa.array([1, -1, None], pa.date32()), [DAY, -DAY, None], {2: MISSING}),
    (pa.array([DAY // 1000, None], pa.date64()), [DAY, None], {1: MISSING}),
    (pa.array([1, None], pa.timestamp("s", "Europe/Berlin")), [1_000_000, None], {1: MISSING}),  # stored as UTC
    (pa.array([1], pa.timestamp("ms")), [1000], {}),
    (pa.array([-1, 1999], pa.timestamp("ns")), [-1, 1], {}),  # rounded down, before 1970 too
    (pa.array([2**62, -(2**62)], pa.timestamp("s")), [9_223_372_036_854_000_000, -9_223_372_036_854_000_000], {}),
    (pa.array(["1970-01-02", "", "x", None]), [DAY, None, None, None], {1: MISSING, 2: NOT_ISO, 3: MISSING}),
    (pa.array(["1970-01-02", "1970-01-02"]).dictionary_encode(), [DAY, DAY], {}),
    (pa.array([b"1970-01-02 ", b"\xff"]), [DAY, None], {1: NOT_ISO}),
    (pa.nulls(1), [None], {0: MISSING}),
    ([date(1970, 1, 2), datetime(1970, 1, 2, 1, tzinfo=timezone(timedelta(hours=1))), 7],
     [DAY, DAY, None], {2: NOT_ISO}),
    ([float("nan"), True, ["1970-01-02"]], [None] * 3, {0: MISSING, 1: NOT_ISO, 2: NOT_ISO}),
]  # fmt: skip


@pytest.mark.parametrize(("column", "expected", "reasons"), COLUMNS, ids=lambda value: str(value)[:30])
def test_times_iso(column: pa.Array | list[object], expected: list[int | None], reasons: dict[int, str]) -> None:
    times, problems = iso_times(column)
    assert times.type == pa.int64()
    assert (times.to_pylist(), problems) == (expected, reasons)


# value -> integer, or the reason
INTEGERS = [
    (2024, 2024),
    ("2024", 2024),
    (b" -5\n", -5),
    (2024.0, 2024),
    (2**63 - 2, 2**63 - 2),
    (2**63 - 1, NOT_INTEGER),  # stands for "never"
    ("9" * 30, NOT_INTEGER),
    (2024.5, NOT_INTEGER),
    (float("inf"), NOT_INTEGER),
    (1e300, NOT_INTEGER),
    ("2024-01-01", NOT_INTEGER),
    ("\u00b2", NOT_INTEGER),
    ("1_000", NOT_INTEGER),
    ("-", NOT_INTEGER),
    (True, NOT_INTEGER),
    (date(2024, 1, 1), NOT_INTEGER),
    ("", MISSING),
    (None, MISSING),
    (float("nan"), MISSING),
    (Decimal("sNaN"), MISSING),
    (Decimal("2024.0"), 2024),
    (Decimal("Infinity"), NOT_INTEGER),
]


@pytest.mark.parametrize(("value", "expected"), INTEGERS, ids=lambda value: repr(value)[:30])
def test_times_integers(value: object, expected: int | str) -> None:
    times, problems = integer_times([value])
    is_integer = isinstance(expected, int)
    assert (times.to_pylist(), problems) == ([expected if is_integer else None], {} if is_integer else {0: expected})


def test_times_integers_of_arrow() -> None:
    assert integer_times(pa.array([1, 2**63], pa.uint64()))[0].to_pylist() == [1, None]
    assert integer_times(pa.array([3, None], pa.float32()))[0].to_pylist() == [3, None]
    times, problems = integer_times(pa.array(np.array([2**62, 0]), pa.timestamp("s", "Nowhere/Atall")))
    assert (times.null_count, problems) == (2, {0: NOT_INTEGER, 1: NOT_INTEGER})


def test_times_of_a_rejected_row_are_shown_as_far_as_python_goes() -> None:
    names = ColumnNames("t", id="day", time="day")
    columns = {"text": pa.array(["a"]), "time": pa.array([2**62], pa.timestamp("s")), "id": pa.array([0], pa.date32())}
    shown = excerpt_of_columns(names, columns, 0)
    assert shown == '{"day": "<timestamp[s]>", "t": "a"}'
