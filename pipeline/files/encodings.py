"""Blocks of a text in any encoding of Python's -> the same text in UTF-8.

Bytes that are not valid in the encoding become bytes that are not valid in UTF-8. So the row that holds them is
rejected, and no character is put in their place.
"""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

from pipeline.errors import DamagedFileError, UserError

UTF8: Final = ("utf-8", "utf-8-sig")
# Encodings that tell the order of their bytes by a mark, and the marks.
_MARKED: Final = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
# A lone surrogate, which no text in UTF-8 has.
_INVALID: Final = "\udcff"
_HANDLER: Final = "textrecords.invalid"


def check_mark(first: bytes, encoding: str, *, path: str) -> None:
    """Checks that a file begins with the mark that its encoding needs.

    Raises:
      UserError: it does not.
    """
    marks = _MARKED.get(encoding)
    if marks is not None and first and not first.startswith(marks):
        raise UserError(
            f"input.encoding: {path} has no byte order mark of {encoding}; set {encoding}-le or {encoding}-be"
        )


def decoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    r"""Blocks of a text in `encoding`, a codec of Python -> blocks in UTF-8.

    Raises:
      DamagedFileError: the text ends within a character.

    >>> b"".join(decoded([b"caf\xe9"], "latin-1")), b"".join(decoded([b"\x81a"], "cp1252"))
    (b'caf\xc3\xa9', b'\xed\xb3\xbfa')
    """
    codecs.register_error(_HANDLER, _invalid)
    decoder = codecs.getincrementaldecoder(encoding)(_HANDLER)
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    decoder.errors = "strict"
    try:
        rest = decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"the file ends within a character of {encoding}") from error
    yield rest.encode("utf-8", "surrogatepass")


def _invalid(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _INVALID, error.end
