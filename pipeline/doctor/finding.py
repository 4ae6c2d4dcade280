"""What a check found: the common currency of the checks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from pipeline.errors import UserError

# ok: as it should be. note: can't be told from here. warning: may be meant. error: the job would fail or be refused.
Level = Literal["ok", "note", "warning", "error"]


class Finding(NamedTuple):
    """One line of the report; `about` is the setting, the option or the part of the job that it is about."""

    level: Level
    about: str
    text: str


@contextmanager
def mistakes_as(findings: list[Finding], about: str) -> Iterator[None]:
    """Within it a UserError becomes a finding, under the setting that its message begins with."""
    try:
        yield
    except UserError as error:
        head, colon, rest = str(error).partition(": ")
        is_named = bool(colon) and " " not in head
        findings.append(Finding("error", head, rest) if is_named else Finding("error", about, str(error)))
