"""A text in ISO 8601 -> a point in time, as one number that can be compared."""

import re
from datetime import datetime, timedelta, timezone
from typing import Final

_ISO: Final = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?:(?P<utc>Z|z|UTC)|(?P<sign>[+-])(?P<zone_hour>\d\d)(?::?(?P<zone_minute>\d\d))?)?)?)?",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)


def instant(text: str) -> int | None:
    """The microseconds from 1970 to a time in ISO 8601; None: the text is not one.

    A month or a day stands for its first moment. A time without a zone is UTC. Digits after the microseconds are left
    out. The forms are the same in every version of Python, unlike those of `datetime.fromisoformat`.

    >>> instant("1970-01-02"), instant("1970-01"), instant("1970-01-01T02:00:00.5+02:00"), instant("2 Jan 1970")
    (86400000000, 0, 500000, None)
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    year, month, day, hour, minute, second = (int(part[name] or first) for name, first in _FIELDS)
    microsecond = int((part["fraction"] or "0").ljust(6, "0")[:6])
    try:
        time = datetime(year, month, day, hour, minute, second, microsecond, timezone.utc)
    except ValueError:  # a day or an hour that does not exist
        return None
    zone = timedelta(hours=int(part["zone_hour"] or 0), minutes=int(part["zone_minute"] or 0))
    return (time - _EPOCH - (-zone if part["sign"] == "-" else zone)) // _MICROSECOND


_FIELDS: Final = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
