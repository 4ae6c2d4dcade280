"""Damaged files: what `input.damaged` says of them, and the error that names one.

A file is damaged if a part of unknown size can't be read: it is cut, a checksum is wrong, a quote is never closed, or a
row has no end. A last row that can't be read and has no line end shows that the file is cut. One other row that can't
be used is not damage; it is rejected.
"""

from typing import Final

from pipeline.config.input_settings import Damaged
from pipeline.errors import UserError
from pipeline.sources.schema import DAMAGED, TOO_LONG, UNCLOSED_QUOTE, LostRest

REFUSE: Final[Damaged] = "refuse"

_REMEDIES: Final = {
    UNCLOSED_QUOTE: "close it, or double each quote that is part of a text, or set input.quoting to none if all are",
    TOO_LONG: "set input.format if the file is of another format",
    DAMAGED: "get the file anew",
}
_SHOWN_CHARACTERS: Final = 40


def refusal(lost: LostRest, *, has_setting: bool) -> UserError:
    """The error for a damaged file; has_setting: whether the command takes input.damaged, so that it is a remedy.

    >>> str(refusal(LostRest("a.gz", 0, 7, DAMAGED, "it ends early"), has_setting=False))
    'input.path: a.gz: damaged file (it ends early), so it is not known how many rows follow; get the file anew'
    """
    otherwise = ", or set input.damaged to use_what_is_whole" if has_setting else ""
    return UserError(
        f"input.path: {lost.file}: {described(lost)}, so it is not known how many rows follow; "
        f"{_REMEDIES[lost.reason]}{otherwise}"
    )


def described(lost: LostRest) -> str:
    """What is wrong with a file, in a few words.

    >>> described(LostRest("a.csv", 0, 7, UNCLOSED_QUOTE, '"open, and'))
    'unclosed quote in \\'"open, and\\''
    """
    if lost.reason == UNCLOSED_QUOTE:
        return f"{lost.reason} in {lost.why[:_SHOWN_CHARACTERS]!r}"
    return f"{lost.reason} ({lost.why})" if lost.why else lost.reason
