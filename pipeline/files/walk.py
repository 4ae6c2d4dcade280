"""A folder or a glob of this machine -> the paths of the files below it, and those that are left out, with the reason.

Links to folders are followed. A link is not followed that leads to a folder above itself, which would never end. Nor is
a link followed that is met below another link and leads to a folder that is read already: so the number of folders that
are listed is bounded by the square of their number. What is hidden (see hidden.py) is named, but its sizes are not
asked for.
"""

import errno
import fnmatch
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from pipeline.files.hidden import HIDDEN, WILDCARD, is_hidden, is_hidden_below, literal_parts, spells_hidden

LOOP: Final = "loop"
ANY_DEPTH: Final = "**"


class Found(NamedTuple):
    """A file, or what can't be listed.

    path: begins as the folder or glob does. entry: saves a system call. left_out: HIDDEN, LOOP (a link to a folder), or
    empty. problem: why a folder can't be listed; empty: it is a file.
    """

    path: str
    entry: os.DirEntry[str] | None = None
    left_out: str = ""
    problem: str = ""


# What is in a folder, and whether it is a folder or a link to one.
_Entry = tuple[os.DirEntry[str], bool]


class _Folder(NamedTuple):
    """A folder of a tree. entries: what is in it; they must be read to the end before the next folder is asked for."""

    path: str
    is_hidden: bool
    entries: Iterator[_Entry]


def files_below(folder: str) -> Iterator[Found]:
    """All files below a folder, at any depth, in no order; a million take some seconds.

    Raises:
      PermissionError: a folder may not be listed; hidden ones are not looked into then.
    """
    for inside in _folders(folder):
        if isinstance(inside, Found):
            yield inside
            continue
        for entry, is_folder in inside.entries:
            hidden = inside.is_hidden or is_hidden(entry.name)
            if hidden and (not is_folder or entry.is_symlink()):
                yield Found(_join(inside.path, entry.name), None, HIDDEN)
            elif not is_folder:
                yield Found(_join(inside.path, entry.name), entry)


def files_matching(pattern: str) -> Iterator[Found]:
    """The files that a glob names, and all files below the folders that it names; some may come twice.

    `**` is a part of the path of its own, and stands for any number of folders. A hidden file that only a wildcard
    matches is left out. A folder in which the glob has to look and may not is a Found with a problem.
    """
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    first = literal_parts(parts)
    root = ("/" if pattern.startswith("/") else "") + "/".join(parts[:first])
    yield from _matching(root or ".", parts[first:], hidden=False)


def _matching(folder: str, parts: Sequence[str], *, hidden: bool) -> Iterator[Found]:
    """What is named by the parts of a pattern in a folder."""
    if not parts:
        yield from _named(folder, hidden=hidden)
        return
    part, *rest = parts
    if not os.path.isdir(folder):
        return
    if part == ANY_DEPTH:
        yield from _matching_at_any_depth(folder, rest, hidden=hidden)
    elif not WILDCARD.search(part):
        if os.access(folder, os.X_OK):
            yield from _matching(_join(folder, part), rest, hidden=hidden)
        else:
            yield _unreadable(folder)
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield _unreadable(folder)
    else:
        with os.scandir(folder) as entries:
            listed = ((entry, _is_folder(entry)) for entry in entries)
            yield from _matching_entries(folder, listed, parts, hidden=hidden)


def _matching_at_any_depth(folder: str, parts: Sequence[str], *, hidden: bool) -> Iterator[Found]:
    if parts in ([], ["*"]):
        yield from _named(folder, hidden=hidden)
        return
    wildcard = WILDCARD.search(parts[0]) and parts[0] != ANY_DEPTH
    for inside in _folders(folder, is_glob=True):
        if isinstance(inside, Found):
            if inside.problem:  # a link that leads back names nothing that is lost
                yield inside
        elif wildcard:
            yield from _matching_entries(inside.path, inside.entries, parts, hidden=hidden or inside.is_hidden)
        else:
            deque(inside.entries, maxlen=0)
            yield from _matching(inside.path, parts, hidden=hidden or inside.is_hidden)


def _matching_entries(folder: str, entries: Iterable[_Entry], parts: Sequence[str], *, hidden: bool) -> Iterator[Found]:
    """What the parts name, the first of which is a wildcard, among the entries of a folder."""
    part, *rest = parts
    matches = re.compile(fnmatch.translate(part)).match
    for entry, is_folder in entries:
        if not matches(entry.name):
            continue
        path = _join(folder, entry.name)
        is_left_out = hidden or (is_hidden(entry.name) and not spells_hidden(part))
        if is_folder and entry.is_symlink() and _leads_up(path):
            yield Found(path, None, LOOP)
        elif is_folder:
            yield from _matching(path, rest, hidden=is_left_out)
        elif not rest:
            yield Found(path, None, HIDDEN) if is_left_out else Found(path, entry)


def _named(path: str, *, hidden: bool) -> Iterator[Found]:
    """A file that a glob names in full, or all files below such a folder."""
    if os.path.isdir(path):
        for found in files_below(path):
            yield found._replace(left_out=found.left_out or HIDDEN, entry=None) if hidden else found
    elif os.path.lexists(path):
        yield Found(path, None, HIDDEN if hidden else "")


def _folders(root: str, *, is_glob: bool = False) -> Iterator[_Folder | Found]:
    """A folder and all below it. As Found: links that are not followed; with is_glob, folders that can't be listed."""
    walked = [os.path.realpath(root)]
    links: list[str] = []
    yield from _tree(root, links, is_glob=is_glob)
    waiting = deque((link, False) for link in sorted(links))
    while waiting:
        link, is_below_a_link = waiting.popleft()
        target = os.path.realpath(link)
        if _leads_up(link) or (is_below_a_link and any(_is_walked(target, folder) for folder in walked)):
            yield Found(link, None, LOOP)
            continue
        walked.append(target)
        links = []
        yield from _tree(link, links, is_glob=is_glob)
        waiting.extend((nested, True) for nested in sorted(links))


def _tree(root: str, links: list[str], *, is_glob: bool) -> Iterator[_Folder | Found]:
    """A folder and the folders below it; links to folders are added to `links`, unless they are hidden."""
    waiting = [(root, False)]
    while waiting:
        folder, hidden = waiting.pop()
        if is_glob and not hidden and not os.access(folder, os.R_OK | os.X_OK):
            yield _unreadable(folder)
            continue
        try:
            entries = os.scandir(folder)
        except OSError:
            if hidden:
                continue
            raise
        inside: list[tuple[str, bool]] = []
        with entries:
            yield _Folder(folder, hidden, _noting(entries, folder, hidden=hidden, inside=inside, links=links))
        waiting.extend(inside)


def _noting(
    entries: Iterable[os.DirEntry[str]],
    folder: str,
    *,
    hidden: bool,
    inside: list[tuple[str, bool]],
    links: list[str],
) -> Iterator[_Entry]:
    """The entries; those that are folders, and links to folders, are noted."""
    for entry in entries:
        is_folder = _is_folder(entry)
        if is_folder:
            path, is_left_out = _join(folder, entry.name), hidden or is_hidden(entry.name)
            if not entry.is_symlink():
                inside.append((path, is_left_out))
            elif not is_left_out:
                links.append(path)
        yield entry, is_folder


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link that leads nowhere is a file that can't be read."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _leads_up(link: str) -> bool:
    """Whether a link leads to a folder that holds it."""
    return _is_within(os.path.realpath(os.path.dirname(link) or "."), os.path.realpath(link))


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_walked(path: str, folder: str) -> bool:
    """Whether the files of a folder were named when another was read; both paths are real."""
    return _is_within(path, folder) and (path == folder or not is_hidden_below(path, folder.rstrip("/")))


def _join(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}{name}" if folder.endswith("/") else f"{folder}/{name}"


def _unreadable(folder: str) -> Found:
    return Found(folder, problem=os.strerror(errno.EACCES))
