"""Numbers -> how the report prints them."""

# Narrow and not broken at the end of a line.
_SPACE = "\u202f"
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def number(value: float) -> str:
    """A count, with thousands set apart.

    >>> number(25000)
    '25,000'
    """
    return f"{value:,.0f}"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent; what is not all or nothing never reads as if it were.

    >>> [share(part, 10_000).replace("\u202f", " ") for part in (0, 1, 616, 9_999, 10_000)]
    ['0 %', '<0.1 %', '6.2 %', '>99.9 %', '100 %']
    >>> share(0, 0)
    '–'
    """
    if not whole:
        return "–"
    percent = 100 * part / whole
    if percent in (0, 100):
        return f"{percent:.0f}{_SPACE}%"
    if percent < 0.1:
        return f"<0.1{_SPACE}%"
    return f">99.9{_SPACE}%" if percent > 99.9 else f"{percent:.1f}{_SPACE}%"


def plural(value: int, noun: str) -> str:
    """A count of something.

    >>> plural(1, "row"), plural(2500, "row")
    ('1 row', '2,500 rows')
    """
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def size(value: int) -> str:
    """A number of bytes.

    >>> size(15_000_695).replace("\u202f", " "), size(12).replace("\u202f", " ")
    ('15.0 MB', '12 bytes')
    """
    amount = float(value)
    for unit in _UNITS[:-1]:
        if amount < 1000:
            break
        amount /= 1000
    else:
        unit = _UNITS[-1]
    return f"{amount:.0f}{_SPACE}{unit}" if unit == "bytes" else f"{amount:.1f}{_SPACE}{unit}"


def round_up(value: int) -> int:
    """The next number of two digits and zeros, which is how people choose settings.

    >>> round_up(7), round_up(861), round_up(12345)
    (7, 870, 13000)
    """
    step = 10 ** max(len(str(value)) - 2, 0)
    return -(-value // step) * step
