"""The result of a check, and user errors turned into such results."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from pipeline.errors import UserError

# ok: as it should be. note: can't be checked from here. warning: may be intended. error: the job would fail or be
# refused.
Level = Literal["ok", "note", "warning", "error"]


class Finding(NamedTuple):
    """One line of the report; about: a setting, an option or a part of the job."""

    level: Level
    about: str
    text: str


@contextmanager
def errors_as_findings(findings: list[Finding], about: str) -> Iterator[None]:
    """Within it, a UserError becomes a finding about the setting that its message names first, or else `about`."""
    try:
        yield
    except UserError as error:
        head, colon, rest = str(error).partition(": ")
        is_named = bool(colon) and " " not in head
        findings.append(Finding("error", head, rest) if is_named else Finding("error", about, str(error)))
