"""What listing an archive gives: its files, what is no file, and what can't be read of it."""

from typing import NamedTuple

from pipeline.errors import UserError
from pipeline.files.member import Member


class Link(NamedTuple):
    """A name in an archive that stands for another name in it; is_relative: to the folder of the link."""

    name: str
    target: str
    is_relative: bool


class Listing(NamedTuple):
    """The files of an archive by name, in no order; the links; names of what is neither; what is wrong with the rest.

    damage: None, if the archive is whole.
    """

    files: dict[str, Member]
    links: list[Link]
    others: list[str]
    damage: str | None


def add_file(files: dict[str, Member], name: str, member: Member, *, archive: str) -> None:
    """Adds a file to those of an archive.

    Raises:
      UserError: there is one of its name; which of the two is meant nobody knows.
    """
    if name in files:
        raise UserError(
            f"input.path: {archive} holds two files of the name {name}; unpack it, rename one and give the folder"
        )
    files[name] = member


def clean_name(name: str) -> str:
    """A name as an archive has it -> the path below the archive; nothing is unpacked, so .. is a name as any other.

    >>> clean_name("./aclImdb//train/pos/0_9.txt"), clean_name("/data/a.csv"), clean_name("../a.csv")
    ('aclImdb/train/pos/0_9.txt', 'data/a.csv', '../a.csv')
    """
    if "//" not in name and "./" not in name and not name.startswith("/"):
        return name
    return "/".join(part for part in name.split("/") if part not in ("", "."))
