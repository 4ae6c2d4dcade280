"""A path, glob or folder -> the files that it names, those of archives as if they were unpacked.

    reviews.zip, downloads, downloads/*.zip    of each archive all files
    reviews.zip/train, reviews.zip/*.csv       the files in it that are named so

A link in an archive is another name of a file in it. An archive whose files lie unpacked beside it is left out. A table
in an archive that has a log is refused: the libraries that read its log need the folder.
"""

import logging
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import xxhash

from pipeline.errors import UserError
from pipeline.files.archive_listing import Listing, clean_name
from pipeline.files.archives import archives_in, is_archive, list_archive
from pipeline.files.hidden import HIDDEN, is_hidden_below
from pipeline.files.local import FileInfo, Files
from pipeline.files.member import LOST, Member
from pipeline.files.table_marks import table_of
from pipeline.sources.left_out import UNPACKED
from pipeline.sources.losses import refusal
from pipeline.sources.schema import DAMAGED, LostRest

# To list a larger archive may take a second or more.
_LARGE_BYTES: Final = 32 << 20
_LAST_ENDINGS: Final = re.compile(r"(\.tar)?\.[^./]+$", re.IGNORECASE)
_GLOB_PARTS: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|[^*?\[]+|\[")
# Of files of a table's log that are not hidden.
_LOG_ENDINGS: Final = (".metadata.json", ".metadata.json.gz", "/version-hint.text")
_NOT_A_FILE: Final = "it is a link or a device in an archive, and no file"

_logger = logging.getLogger(__name__)


def match_with_archives(path: str, files: Files) -> list[FileInfo]:
    """The files that an entry of input.path names, sorted by path.

    Of a damaged archive the files that are whole are among them, and the archive itself with the member LOST.

    Raises:
      UserError: an archive can't be read, or holds what can't be read.
    """
    matched = files.match(path)
    if matched:
        return list(_with_members(matched, files))
    for archive_path, within in archives_in(path):
        archives = [file for file in files.match(archive_path) if within and _is_readable_archive(file)]
        if archives:
            return [member for archive in archives for member in _named(within, archive, files)]
    return []


def goes_into_archives(path: str) -> bool:
    """Whether a path may name files in archives one by one, or a folder in one.

    >>> goes_into_archives("in/a.zip/*.csv"), goes_into_archives("in/*.zip")
    (True, False)
    """
    return any(within for _, within in archives_in(path))


def check_archives(listed: Iterable[FileInfo], files: Files, *, has_setting: bool) -> None:
    """Checks that no archive is damaged, as far as its list of files shows; has_setting: see `losses.refusal`.

    Raises:
      UserError: one is.
    """
    for file in listed:
        if file.member == LOST:
            damage = list_archive(file.path, files).damage or ""
            raise refusal(LostRest(file.path, 0, 0, DAMAGED, damage), has_setting=has_setting)


def _is_readable_archive(file: FileInfo) -> bool:
    return is_archive(file.path) and not file.problem and not file.left_out


def _with_members(matched: Sequence[FileInfo], files: Files) -> Iterator[FileInfo]:
    archives = {file.path for file in matched if _is_readable_archive(file)}
    if not archives:
        yield from matched
        return
    plain = {file.path: file.size for file in matched if file.path not in archives}
    for file in matched:
        if file.path not in archives:
            yield file
            continue
        members = _members(file, files)
        if _is_unpacked(file, members, plain):
            yield FileInfo(file.path, 0, left_out=UNPACKED)
        else:
            _check_no_table(members, members, archive=file.path)
            yield from members


def _is_unpacked(archive: FileInfo, members: Sequence[FileInfo], plain: dict[str, int]) -> bool:
    """Whether the files of an archive lie beside it, so that they are read already.

    Raises:
      UserError: only some of them do, or they differ.
    """
    visible = [file for file in members if not file.left_out and not file.problem]
    for place in (archive.path.rpartition("/")[0], _LAST_ENDINGS.sub("", archive.path)):
        below = f"{place}/" if place else ""
        unpacked = {file.path: f"{below}{file.path[len(archive.path) + 1 :]}" for file in visible}
        beside = [file for file in visible if unpacked[file.path] in plain]
        if beside and all(plain.get(unpacked[file.path]) == file.size for file in visible):
            return True
        if beside:
            raise UserError(
                f"input.path: {archive.path} and {unpacked[beside[0].path]} lie in one folder, and that is one of the "
                "archive's files; name the files or the archive"
            )
    return False


def _named(within: str, archive: FileInfo, files: Files) -> list[FileInfo]:
    """The files of an archive that a path in it names: a file, a folder or a glob."""
    members = _members(archive, files)
    above = f"{archive.path}/{clean_name(within)}"
    exact = [file for file in members if file.path == above]
    if exact:
        return [replace(file, left_out="") for file in exact]
    named = [file for file in members if file.path.startswith(f"{above}/")]
    if not named:
        # A folder that the glob names stands for all files in it.
        matches = re.compile(f"(?:{_expression(clean_name(within))})(?:/.*)?", re.DOTALL).fullmatch
        named = [file for file in members if file.archive and matches(file.path[len(archive.path) + 1 :])]
    _check_no_table(named, members, archive=archive.path)
    return named + [file for file in members if file.member is LOST]


def _check_no_table(named: Iterable[FileInfo], members: Iterable[FileInfo], *, archive: str) -> None:
    """Checks that no file is one of a table of Delta, Iceberg or Hudi: only the log says which of its files count.

    named: files that are going to be read. members: all files of the archive.

    Raises:
      UserError: one is.
    """
    logs = (file.path for file in members if file.left_out or file.path.endswith(_LOG_ENDINGS))
    tables = {table for table in map(table_of, logs) if table is not None}
    for table in tables:
        if any(file.path.startswith(f"{table.path}/") for file in named):
            raise UserError(
                f"input.path: {table.path} is a table of {table.kind} in an archive; unpack {archive} and give the "
                "table's folder"
            )


def _expression(pattern: str) -> str:
    """A glob within an archive -> a regular expression; * and ? match no slash, and **/ any folders.

    >>> [bool(re.fullmatch(_expression("**/[!a]*.csv"), name)) for name in ("b.csv", "in/deep/b.csv", "in/a.csv")]
    [True, True, False]
    """
    meanings = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = []
    for part in _GLOB_PARTS.findall(pattern):
        if part.startswith("[") and len(part) > 1:
            parts.append("[" + part[1:].replace("\\", "\\\\").replace("!", "^", part.startswith("[!")))
        else:
            parts.append(meanings.get(part) or re.escape(part))
    return "".join(parts)


def _members(archive: FileInfo, files: Files) -> list[FileInfo]:
    """The files of an archive, sorted by path."""
    if archive.size > _LARGE_BYTES:
        _logger.info("listing the files of %s", archive.path)
    listing = list_archive(archive.path, files)
    found = {name: _file(archive, name, member) for name, member in {**listing.files, **_linked(listing)}.items()}
    for name in (*listing.others, *(link.name for link in listing.links)):
        path = f"{archive.path}/{name}"
        if name not in found:
            found[name] = FileInfo(path, 0, problem=_NOT_A_FILE, left_out=_left_out(archive, name))
    nested = next((file.path for file in found.values() if not file.left_out and is_archive(file.path)), None)
    if nested is not None:
        raise UserError(f"input.path: {nested} is an archive in an archive; unpack {archive.path} and give the folder")
    if listing.damage is not None:
        found[""] = FileInfo(archive.path, 0, archive.stamp, archive=archive.path, member=LOST)
    return [found[name] for name in sorted(found)]


def _file(archive: FileInfo, name: str, member: Member) -> FileInfo:
    # Two names of one place in an archive are one file; so are those of an archive that has two names itself.
    identity = -xxhash.xxh3_64_intdigest(f"{archive.identity or archive.path}:{member.offset}".encode())
    return FileInfo(
        f"{archive.path}/{name}", member.size, archive.stamp, left_out=_left_out(archive, name), identity=identity,
        archive=archive.path, member=member,
    )  # fmt: skip


def _left_out(archive: FileInfo, name: str) -> str:
    return HIDDEN if is_hidden_below(f"{archive.path}/{name}", archive.path) else ""


def _linked(listing: Listing) -> dict[str, Member]:
    """The files that links name: of a link to a folder all files in it, of a link that leads nowhere none."""
    linked: dict[str, Member] = {}
    for name, target, is_relative in listing.links:
        place = posixpath.join(posixpath.dirname(name), target) if is_relative else clean_name(target)
        place = posixpath.normpath(place)
        if place in listing.files:
            linked[name] = listing.files[place]
        else:
            below = (file for file in listing.files if file.startswith(f"{place}/"))
            linked.update({f"{name}{file[len(place) :]}": listing.files[file] for file in below})
    return linked
