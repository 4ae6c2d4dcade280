"""A JSON array, `[{"text": ...}, {"text": ...}]` -> the bytes of its elements, without the whole in memory.

Only strings, brackets and commas are looked at here; the elements are parsed one by one. So an element that is not JSON
makes all that follows doubtful: a quote that is missing turns strings inside out. Then the file counts as damaged.

A row's place is the offset of the first byte after the comma before it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from pipeline.errors import DamagedFileError, RejectedRowError
from pipeline.files.text_stream import ReadSizes
from pipeline.sources.formats.chunks import Chunk, RowEnd, whole_rows
from pipeline.sources.formats.json_objects import parse_object
from pipeline.sources.schema import BROKEN_JSON, INVALID_UTF8, excerpt

# Bytes that are looked at together. Up to 150 bytes are needed for each of them, of brackets alone.
SEGMENT_BYTES: Final = 256 << 10

# The first character tells an array; spaces before it may be as many as this.
BEGIN_BYTES: Final = 64 << 10

# How an array begins, as far as it is there; and the first characters that tell whether it is one.
_ARRAY: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\[[ \t\r\n]*(?:[{\]]|$)")
_CHARACTER: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*(?:[^\[ \t\r\n]|\[[ \t\r\n]*[^ \t\r\n])")

_SHOWN_CHARACTERS: Final = 40
_SPACE: Final = b" \t\r\n"
_QUOTE, _COMMA, _OPEN, _CLOSE = 1, 2, 3, 4
# What each byte is, as bytes.translate takes it.
_KINDS: Final = bytes(
    {34: _QUOTE, 44: _COMMA, 91: _OPEN, 93: _CLOSE, 123: _OPEN, 125: _CLOSE}.get(n, 0) for n in range(256)
)
_NO_BACKSLASH: Final = re.compile(rb"[^\\]")


class Elements(NamedTuple):
    """Where elements end: offsets of the commas after them; and of the bracket that ends the array (-1: not there)."""

    commas: list[int]
    end: int


def is_array(head: bytes) -> bool:
    r"""Whether a file of text that begins so is an array of objects. Lines of other arrays are lines.

    >>> [is_array(head) for head in (b'\xef\xbb\xbf\n [{"text": "a"}]', b"[ ]", b"[", b'["text", "label"]', b"{}")]
    [True, True, True, False, False]
    """
    return _ARRAY.match(head) is not None


def looked_at(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a text, up to BEGIN_BYTES if they are blank; and all blocks, as they were."""
    begin: list[bytes] = []
    damage = None
    try:
        for block in blocks:
            begin.append(block)
            head = b"".join(begin)
            if len(head) >= BEGIN_BYTES or _CHARACTER.match(head):
                break
    except DamagedFileError as error:
        damage = error

    def all_blocks() -> Iterator[bytes]:
        yield from begin
        if damage is not None:
            raise damage
        yield from blocks

    return b"".join(begin), all_blocks()


def parse_element(data: bytes) -> dict[str, Any]:
    """The object that an element is.

    Raises:
      RejectedRowError: it is another value, has too many values, or a byte that is not UTF-8.
      DamagedFileError: it is not JSON.
    """
    try:
        return parse_object(data)
    except RejectedRowError as error:
        if not (str(error) == BROKEN_JSON or (str(error) == INVALID_UTF8 and _is_broken(data))):
            raise
        shown = excerpt(data.lstrip(_SPACE))[:_SHOWN_CHARACTERS]
        raise DamagedFileError(f"an element of its array, {shown!r}, is not JSON") from error


def _is_broken(data: bytes) -> bool:
    """Whether bytes that are not UTF-8 would not be JSON even if they were."""
    try:
        parse_object(data.decode("utf-8", "replace").encode())
    except RejectedRowError as error:
        return str(error) == BROKEN_JSON
    return False


def element_ends(data: bytes) -> Elements:
    """Where the elements end in bytes that begin with one.

    >>> element_ends(b'{"a": "1,2"}, [3, 4], 5] ')
    Elements(commas=[12, 20], end=23)
    """
    commas: list[int] = []
    depth, in_string = 0, False
    begin = 0
    while begin < len(data):
        # No segment ends after a backslash, so what it stands before is in the same one.
        other = _NO_BACKSLASH.search(data, begin + SEGMENT_BYTES)
        stop = other.end() if other else len(data)
        kinds = np.frombuffer(_without_escapes(data[begin:stop]).translate(_KINDS), np.uint8)
        places = np.flatnonzero(kinds)
        kinds = kinds[places]
        strings = np.cumsum(kinds == _QUOTE) + in_string
        is_outside = strings % 2 == 0
        steps = np.where(is_outside, (kinds == _OPEN).astype(np.int64) - (kinds == _CLOSE), 0)
        depths = depth + np.cumsum(steps)
        ends = np.flatnonzero(depths < 0)
        last = int(ends[0]) if ends.size else len(places)
        commas += (begin + places[:last][(is_outside & (kinds == _COMMA) & (depths == 0))[:last]]).tolist()
        if ends.size:
            return Elements(commas, begin + int(places[last]))
        if places.size:
            depth, in_string = int(depths[-1]), bool(strings[-1] % 2)
        begin = stop
    return Elements(commas, -1)


def _without_escapes(data: bytes) -> bytes:
    r"""As many bytes, without backslashes and the quotes after them. Bytes are replaced from the left, so by pairs.

    >>> _without_escapes(rb'"a\"b\\", "c\\\"d"')
    b'"a__b__", "c____d"'
    """
    return data.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in data else data


def array_chunks(blocks: Iterable[bytes], *, sizes: ReadSizes) -> Iterator[Chunk]:
    """Chunks of whole elements, as `whole_rows` gives them; spaces stand for what is before the first element."""
    return whole_rows(_from_first_element(blocks), _last_end, sizes=sizes)


def _last_end(data: bytes) -> RowEnd:
    found = element_ends(data)
    if found.end >= 0:
        return RowEnd(found.end + 1)
    return RowEnd(found.commas[-1] + 1 if found.commas else 0)


def _from_first_element(blocks: Iterable[bytes]) -> Iterator[bytes]:
    is_before = True
    for block in blocks:
        if is_before:
            bracket = block.find(b"[")
            is_before = bracket < 0
            yield b" " * (bracket + 1) + block[bracket + 1 :] if bracket >= 0 else b" " * len(block)
        else:
            yield block


class ArrayReader:
    """Takes the chunks of an array apart, and knows whether the array has ended."""

    def __init__(self) -> None:
        self._has_ended = False
        self._has_elements = False

    def elements(self, chunk: Chunk) -> Iterator[tuple[int, bytes]]:
        """Each element, and its place.

        Raises:
          DamagedFileError: after the last element, if other bytes follow.
        """
        data = chunk.data
        start = 0
        if not self._has_ended:
            found = element_ends(data)
            self._has_ended = found.end >= 0
            ends = [*found.commas, found.end] if self._has_ended else found.commas
            for end in ends:
                element = data[start:end]
                if end != found.end or self._has_elements or element.strip(_SPACE):
                    yield chunk.offset + start, element
                self._has_elements = True
                start = end + 1
        if data[start:].strip(_SPACE):
            raise DamagedFileError("other bytes follow the array" if self._has_ended else "the file ends in an element")

    def check_end(self) -> None:
        """Checks, at the end of a file, that the array has ended.

        Raises:
          DamagedFileError: it has not.
        """
        if not self._has_ended:
            raise DamagedFileError("the file ends before its array does")
