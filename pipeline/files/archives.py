"""Archives by name: which files are archives, and what a path within one means.

reviews.zip, aclImdb_v1.tar.gz       all files of the archive, as if it were the folder that it unpacks to
reviews.zip/a.csv, x.tar/train/*     some of them; messages name files so too
"""

from typing import Final

from pipeline.files.archive_listing import Listing
from pipeline.files.local import Files, open_file
from pipeline.files.tar_archive import list_tar
from pipeline.files.text_stream import COMPRESSIONS
from pipeline.files.zip_archive import list_zip

ZIP_ENDING: Final = ".zip"
TAR_ENDINGS: Final = (".tar", *(f".tar.{ending}" for ending in COMPRESSIONS), ".tgz", ".tbz", ".tbz2", ".txz", ".tzst")

_ENDINGS: Final = (ZIP_ENDING, *TAR_ENDINGS)


def is_archive(path: str) -> bool:
    """Whether a file's name says that it is an archive.

    >>> is_archive("aclImdb_v1.TAR.gz"), is_archive("yelp_review_full_csv.tgz"), is_archive("reviews.csv.gz")
    (True, True, False)
    """
    return path.lower().endswith(_ENDINGS)


def archives_in(path: str) -> list[tuple[str, str]]:
    """A path -> the ways to read it as an archive, or a glob of archives, and the path within, the shortest first.

    >>> archives_in("in/a.zip/train/*.csv"), archives_in("in/*.tar/b.zip"), archives_in("in/a.csv")
    ([('in/a.zip', 'train/*.csv')], [('in/*.tar', 'b.zip'), ('in/*.tar/b.zip', '')], [])
    """
    parts = path.rstrip("/").split("/")
    return [
        ("/".join(parts[:number]), "/".join(parts[number:]))
        for number in range(1, len(parts) + 1)
        if is_archive(parts[number - 1])
    ]


def list_archive(path: str, files: Files) -> Listing:
    """The files of an archive.

    Raises:
      UserError: it is none, it can't be read, or it holds what can't be read; the message says what helps.
    """
    with open_file(files, path) as file:
        return list_zip(file, path) if path.lower().endswith(ZIP_ENDING) else list_tar(file, path)
