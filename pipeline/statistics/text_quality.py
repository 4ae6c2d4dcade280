r"""Texts -> how many of them have markup, damaged characters, other scripts, odd white space: pure functions of Arrow.

    html               a tag, as `text.strip_html` knows it
    mojibake           U+FFFD, or UTF-8 that was read as Latin-1 or Windows-1252 and so has, of what was one character:
                         `Ã` or `Â` and U+0080 to U+00BF (`Ã©`), `â` and `€` or U+0080, and a third (`â€™`),
                         `ð` and `Ÿ` or U+009F (`ðŸ˜€`), or twice `Ð` or `Ñ` and a second half (`Ð¿Ñ€`)
    non_latin          more letters of other scripts than of the Latin one, counted by the first bytes of UTF-8
    glued_white_space  white space other than U+0020 that `text.filters` leaves in the text
    invisible          zero-width spaces, word joiners, U+FEFF, soft hyphens

A regular expression costs 2 ms a MB. So of a large input only a sample of the texts is examined. Keys choose the
sample, so it depends on the texts' content alone. The results of parts add up.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records.keys import is_sampled, key_halves, sort_key
from pipeline.records_folder.text_findings import QualityFinding, QualitySummary
from pipeline.text.characters import TAG, UNICODE_WHITE_SPACE

# Arrow matches bytes as if they were Latin-1: \xc3\x83 is the UTF-8 of Ã.
_SECOND = r"(?:\xc2[\x80-\xbf]|[\xc5\xc6\xcb][\x80-\xbf]|\xe2(?:\x80[\x90-\xbf]|\x82\xac|\x84\xa2))"
_MOJIBAKE = "|".join([
    r"\xef\xbf\xbd",
    r"\xc3[\x82\x83]\xc2[\x80-\xbf]",
    rf"\xc3\xa2(?:\xe2\x82\xac|\xc2\x80){_SECOND}",
    rf"\xc3\xb0(?:\xc5\xb8|\xc2\x9f){_SECOND}",
    rf"(?:\xc3[\x90\x91]{_SECOND}){{2}}",
])  # fmt: skip
# Not the joiners U+200C and U+200D: emoji, Persian and the scripts of India are spelt with them.
_INVISIBLE = r"\xc2\xad|\xe2\x80\x8b|\xe2\x81\xa0|\xef\xbb\xbf"
_NOT_ASCII = r"[\x80-\xff]"

# Sampled texts are examined when this many bytes are buffered. A sample has more bytes only if the input is compressed
# or has many duplicates: a sample is chosen by content, so it has all copies of a text. Otherwise it is examined once,
# at the end.
_BUFFER_BYTES = 4 << 20

_MAX_EXAMPLES = 3
_EXAMPLE_CHARACTERS = 80

# +1 for the first byte of a Latin letter, -1 for that of a letter of another script. 0 for bytes that decide nothing:
# those of signs (U+0080 to U+00BF, U+2000 to U+2FFF), 0xF0 (emoji and rare ideographs) and 0xEF (variants of letters).
_LATIN = {*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1), *range(0xC3, 0xCA)}
_OTHERS = {*range(0xCD, 0xE2), *range(0xE3, 0xEE)}
_SCRIPT = np.array([(byte in _LATIN) - (byte in _OTHERS) for byte in range(256)], np.int8).tobytes()
# Few texts have a letter of another script. Counting the letters of all texts would take 9 ms a MB.
_OTHER_SCRIPT = "[" + "".join(rf"\x{byte:02x}" for byte in sorted(_OTHERS)) + "]"
# U+1E00 to U+1EFF are Latin too; Vietnamese has many of them.
_LATIN_EXTENDED = (0xE1, range(0xB8, 0xBC))


class QualityCount(NamedTuple):
    """How many texts have a quality, and the first of them by sort key, as (sort key, excerpt)."""

    texts: int
    examples: tuple[tuple[bytes, str], ...]


class TextQuality(NamedTuple):
    """The qualities of some texts. rows: all texts; sampled_rows: those examined; counts: by the names above."""

    rows: int = 0
    sampled_rows: int = 0
    counts: Mapping[str, QualityCount] = {}


class QualityOptions(NamedTuple):
    """How texts are examined. share: of all texts, which are the sample; filters: the setting `text.filters`."""

    share: float
    filters: str


def examine(texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray, *, filters: str) -> TextQuality:
    """Texts and their keys, [rows] -> their qualities; filters: the setting `text.filters`.

    >>> texts = pa.array(["a <b>bold</b> word".encode(), "cafÃ©".encode()], pa.large_binary())
    >>> keys = pa.array([bytes(16), bytes(16)], pa.large_binary())
    >>> [(name, count.texts) for name, count in examine(texts, keys, filters="").counts.items() if count.texts]
    [('html', 1), ('mojibake', 1)]
    """
    is_wide = pc.match_substring_regex(texts, _NOT_ASCII)
    wide_texts, wide_keys = texts.filter(is_wide), keys.filter(is_wide)
    has_other_script = pc.match_substring_regex(wide_texts, _OTHER_SCRIPT)
    mixed_texts, mixed_keys = wide_texts.filter(has_other_script), wide_keys.filter(has_other_script)
    is_non_latin = pa.array(_latin_surplus(mixed_texts) < 0)
    counts = {
        "html": _count_matching(texts, keys, TAG),
        "mojibake": _count_matching(wide_texts, wide_keys, _MOJIBAKE),
        "non_latin": _count(mixed_texts.filter(is_non_latin), mixed_keys.filter(is_non_latin), None),
        "glued_white_space": _count_matching(texts, keys, _glued_pattern(filters)),
        "invisible": _count_matching(wide_texts, wide_keys, _INVISIBLE),
    }
    return TextQuality(len(texts), len(texts), counts)


class QualityAccumulator:
    """Buffers the sampled texts of batches and examines them once 4 MB are buffered, or at the end.

    Of a large input a batch has 25 sampled texts. Examining each batch took a hundred calls to Arrow and NumPy, which
    were 4% of the time of a row.
    """

    def __init__(self, options: QualityOptions) -> None:
        self._options = options
        self._rows = 0
        self._buffer: list[tuple[pa.LargeBinaryArray, pa.LargeBinaryArray]] = []
        self._parts: list[TextQuality] = []

    def add(self, texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray) -> None:
        """Adds a batch, [rows]; texts outside the sample may be null."""
        self._rows += len(texts)
        sampled = pa.array(is_sampled(keys, self._options.share))
        self._buffer.append((texts.filter(sampled), keys.filter(sampled)))
        if sum(texts.nbytes for texts, _ in self._buffer) > _BUFFER_BYTES:
            self._examine_buffer()

    def result(self) -> TextQuality:
        """The qualities of the sample; `rows` counts all texts."""
        self._examine_buffer()
        return merge(self._parts)._replace(rows=self._rows)

    def _examine_buffer(self) -> None:
        if self._buffer:
            texts, keys = (pa.concat_arrays(arrays) for arrays in zip(*self._buffer, strict=True))
            self._buffer = []
            self._parts.append(examine(texts, keys, filters=self._options.filters))


def merge(parts: Iterable[TextQuality]) -> TextQuality:
    """The qualities of all parts together."""
    rows = sampled_rows = 0
    counts: dict[str, QualityCount] = {}
    for part in parts:
        rows += part.rows
        sampled_rows += part.sampled_rows
        for name, count in part.counts.items():
            before = counts.get(name, QualityCount(0, ()))
            examples = _first_examples({*before.examples, *count.examples})
            counts[name] = QualityCount(before.texts + count.texts, examples)
    return TextQuality(rows, sampled_rows, counts)


def quality_summary(quality: TextQuality, *, wordless: int) -> QualitySummary:
    """The quality in the manifest; `wordless`: texts without a token, of all rows."""
    is_all = quality.sampled_rows == quality.rows
    findings = {
        name: _finding(count.texts, quality.sampled_rows, exact=is_all, examples=[text for _, text in count.examples])
        for name, count in quality.counts.items()
    }
    findings["empty_after_cleaning"] = _finding(wordless, quality.rows, exact=True, examples=[])
    return QualitySummary(rows=quality.rows, sampled_rows=quality.sampled_rows, findings=findings)


def _finding(count: int, of: int, *, exact: bool, examples: list[str]) -> QualityFinding:
    share = round(count / max(of, 1), 6)
    return QualityFinding(count=count, of=of, share=share, exact=exact, examples=examples)


def _glued_pattern(filters: str) -> str:
    """Matches white space other than U+0020 that is not among the filters."""
    left = [character for character in UNICODE_WHITE_SPACE if character != " " and character not in filters]
    return "|".join("".join(rf"\x{byte:02x}" for byte in character.encode()) for character in left) or r"[^\x00-\xff]"


def _latin_surplus(texts: pa.LargeBinaryArray) -> npt.NDArray[np.int32]:
    """The number of Latin letters minus that of letters of other scripts, int32 [rows]. No text may be empty."""
    contents = texts.to_pylist()
    content = b"".join(contents)
    scores = np.frombuffer(bytearray(content.translate(_SCRIPT)), np.int8)
    text = np.frombuffer(content, np.uint8)
    lead, seconds = _LATIN_EXTENDED
    leads = np.flatnonzero(text[:-1] == lead)
    scores[leads[np.isin(text[leads + 1], seconds)]] = 1
    starts = np.cumsum([0, *map(len, contents)])[:-1]
    return np.add.reduceat(scores, starts, dtype=np.int32)


def _count_matching(texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray, pattern: str) -> QualityCount:
    matches = pc.match_substring_regex(texts, pattern)
    return _count(texts.filter(matches), keys.filter(matches), pattern)


def _count(texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray, pattern: str | None) -> QualityCount:
    halves = key_halves(keys)
    order = np.lexsort((halves[:, 0], halves[:, 1]))
    is_new = np.concatenate([[True], (np.diff(halves[order], axis=0) != 0).any(axis=1)])[: len(order)]
    first = pa.array(order[is_new][:_MAX_EXAMPLES])
    texts, keys = texts.take(first), keys.take(first)
    offsets = pc.find_substring_regex(texts, pattern).to_pylist() if pattern else [0] * len(texts)
    excerpts = (_excerpt_at(text, offset) for text, offset in zip(texts.to_pylist(), offsets, strict=True))
    examples = ((sort_key(key), excerpt) for key, excerpt in zip(keys.to_pylist(), excerpts, strict=True))
    return QualityCount(len(halves), _first_examples(examples))


def _excerpt_at(text: bytes, offset: int) -> str:
    """At most _EXAMPLE_CHARACTERS whole characters around an offset in a text."""
    half = _EXAMPLE_CHARACTERS // 2
    before = text[max(offset - 4 * half, 0) : offset].decode(errors="ignore")[-half:]
    return before + text[offset : offset + 4 * half].decode(errors="ignore")[:half]


def _first_examples(examples: Iterable[tuple[bytes, str]]) -> tuple[tuple[bytes, str], ...]:
    return tuple(sorted(examples)[:_MAX_EXAMPLES])
