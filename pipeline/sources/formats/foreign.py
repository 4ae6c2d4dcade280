"""The first bytes of a file -> what it is, if it is none that is read here, and the command that makes one of it.

The bytes are those of the content: after gzip, zstd, bzip2 or xz. One table serves all messages about such files.
"""

import re
import shlex
from typing import Final, NamedTuple

from pipeline.errors import UserError

# A tar archive shows what it is in its first block, and the names of a zip's first files come early.
FOREIGN_BYTES: Final = 64 << 10


class Foreign(NamedTuple):
    """A kind of file.

    begins: of the content. kind: what it is. remedy: {plain}, {shell} and {python} stand for the path, quoted for each.
    is_text: whether lines of texts may begin so.
    """

    begins: re.Pattern[bytes]
    kind: str
    remedy: str
    is_text: bool = False


def _foreign(begins: bytes, kind: str, remedy: str, *, is_text: bool = False) -> Foreign:
    return Foreign(re.compile(begins, re.DOTALL), kind, remedy, is_text)


_OFFICE: Final = rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|docProps/|xl/|word/|ppt/)"

# Of several that match, the first counts.
FOREIGN: Final = (
    _foreign(_OFFICE + rb".*?xl/", "an Excel workbook",
             "save its sheet as CSV UTF-8, or: pandas.read_excel({python}).to_csv('reviews.csv', index=False)"),
    _foreign(_OFFICE, "an Office document", "save its text as CSV or as plain text"),
    _foreign(rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "an OpenDocument file",
             "save it as CSV, or as plain text"),
    _foreign(rb"PK\x03\x04.{26}[^/\0]{1,200}?\.npy", "a NumPy archive (.npz)",
             "convert it: save numpy.load({python})'s arrays as the columns of a pandas.DataFrame with to_parquet"),
    _foreign(rb"PK\x03\x04.{26}[^\0]{0,200}?data\.pkl", "a PyTorch file",
             "write its texts and labels to CSV or Parquet"),
    _foreign(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "a zip archive",
             "give it in a file whose name ends in .zip, and it is read"),
    _foreign(rb".{257}ustar[\0 ]", "a tar archive",
             "give it in a file whose name ends in .tar (.tar.gz, .tar.bz2, .tar.xz or .tar.zst if it is compressed), "
             "and it is read"),
    _foreign(rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: 7z x {shell}"),
    _foreign(rb"Rar!\x1a\x07", "a RAR archive", "unpack it: unrar x {shell}"),
    _foreign(rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18", "packed as lz4", "unpack it: lz4 -d {shell}"),
    _foreign(rb"\xff\x06\x00\x00sNaPpY", "packed as snappy", "unpack it: snzip -d {shell}"),
    _foreign(rb"LZIP[\0\x01]", "packed as lzip", "unpack it: lzip -d {shell}"),
    _foreign(rb"\x5d\0\0.\0(?:\xff{8}|.{4}\0{4})", "packed as lzma", "unpack it: xz --format=lzma -d {shell}"),
    _foreign(rb"\x1f[\x9d\xa0]", "packed by compress", "unpack it: gzip -dc {shell} > reviews.csv"),
    _foreign(rb"\x80[\x02-\x05][\x95cK}\](N]", "a Python pickle",
             "if you trust who wrote it: pandas.read_pickle({python}).to_parquet('reviews.parquet')"),
    _foreign(rb"SQLite format 3\0", "a SQLite database",
             "give it as sqlite:///{plain}, and the name of one of its tables in input.table"),
    _foreign(rb"\x89HDF\r\n\x1a\n", "an HDF5 file",
             "convert it: pandas.read_hdf({python}).to_parquet('reviews.parquet')"),
    _foreign(rb"\x93NUMPY", "a NumPy array",
             "convert it: write a pandas.DataFrame with its texts and labels to_parquet"),
    _foreign(rb"RDX[23]\n|[XB]\n\0\0\0[\x02\x03]", "a file of R",
             "convert it in R: write.csv(readRDS({python}), 'reviews.csv', row.names = FALSE); use load for .RData"),
    _foreign(rb"<stata_dta>|[\x71-\x73][\x01\x02]\x01\0", "a Stata file",
             "convert it: pandas.read_stata({python}).to_parquet('reviews.parquet')"),
    _foreign(rb"FEA1", "a Feather file of version 1",
             "write it anew: pyarrow.feather.write_feather(pyarrow.feather.read_table({python}), 'reviews.feather')"),
    _foreign(rb"\$FL[23]@\(#\)", "an SPSS file",
             "convert it: pandas.read_spss({python}).to_parquet('reviews.parquet')"),
    _foreign(rb"\0{12}\xc2\xea\x81\x60", "a SAS file",
             "convert it: pandas.read_sas({python}, 'sas7bdat', encoding='utf-8').to_parquet('reviews.parquet')"),
    _foreign(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document (.xls or .doc)",
             "save it as CSV UTF-8, or as plain text"),
    _foreign(rb"%PDF-", "a PDF", "take its text out: pdftotext {shell}"),
    _foreign(rb"\{\\rtf", "an RTF document", "save it as plain text"),
    _foreign(rb"\0\x05\x16[\0\x07]", "metadata that macOS wrote beside a file", "give the file itself"),
    _foreign(rb"version https://git-lfs\.github\.com/spec/", "a pointer of Git LFS and not the file",
             "fetch the file: git lfs pull", is_text=True),
    _foreign(rb"\s*(?i:<!doctype html|<html)", "a web page",
             "if it should be a data file, the download failed; get it anew", is_text=True),
)  # fmt: skip


def foreign_of(head: bytes) -> Foreign | None:
    r"""What a file whose content begins so is; None: nothing that the table knows.

    >>> foreign_of(b"7z\xbc\xaf\x27\x1c\x00\\x04").kind, foreign_of(b"text,label")
    ('a 7z archive', None)
    """
    return next((foreign for foreign in FOREIGN if foreign.begins.match(head)), None)


def check_foreign(head: bytes, path: str, *, may_be_text: bool = False) -> None:
    r"""Checks that a file is nothing that the table knows.

    head: the first bytes of its content, FOREIGN_BYTES or all. may_be_text: whether each of its lines may be a text.

    Raises:
      UserError: it is; the message has the remedy.

    >>> check_foreign(b"%PDF-1.7", "a b.pdf")
    Traceback (most recent call last):
    pipeline.errors.UserError: input.path: a b.pdf is a PDF; take its text out: pdftotext 'a b.pdf'
    """
    foreign = foreign_of(head)
    if foreign is not None and not (may_be_text and foreign.is_text):
        named = {"{plain}": path, "{shell}": shlex.quote(path), "{python}": repr(path)}
        remedy = re.sub(r"\{\w+\}", lambda match: named[match[0]], foreign.remedy)
        raise UserError(f"input.path: {path} is {foreign.kind}; {remedy}")
