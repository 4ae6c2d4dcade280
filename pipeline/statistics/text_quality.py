r"""Texts -> how many of them hold markup, damaged characters, other scripts, odd white space: pure functions of Arrow.

    html               a tag, as `text.strip_html` knows it
    mojibake           U+FFFD, or UTF-8 that was read as Latin-1 or Windows-1252 and so has, of what was one character:
                         `Ã` or `Â` and U+0080 to U+00BF (`Ã©`), `â` and `€` or U+0080, and a third (`â€™`),
                         `ð` and `Ÿ` or U+009F (`ðŸ˜€`), or twice `Ð` or `Ñ` and a second half (`Ð¿Ñ€`)
    non_latin          more letters of other scripts than of the Latin one, told by the lead bytes of UTF-8
    glued_white_space  white space other than U+0020 that `text.filters` leaves in the text
    invisible          zero-width spaces, word joiners, U+FEFF, soft hyphens

Expressions cost 2 ms a MB each, so of a large input only a share of the texts is looked at, chosen by key: which ones
depends on their content alone. What is found in parts adds up.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records.keys import is_sampled, key_halves, sort_key
from pipeline.records_folder.manifest import QualityFinding, QualitySummary
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

# Of chosen texts; more than all there are, unless the input is packed or repeats itself.
_WAITING_BYTES = 4 << 20

_EXAMPLES = 3
_EXAMPLE_CHARACTERS = 80

# +1 for a Latin letter's first byte, -1 for one of another script. U+0080 to U+00BF and U+2000 to U+2FFF are signs,
# 0xF0 begins emoji as well as rare ideographs, 0xEF forms of known letters: none of these says anything.
_LATIN = {*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1), *range(0xC3, 0xCA)}
_OTHERS = {*range(0xCD, 0xE2), *range(0xE3, 0xEE)}
_SCRIPT = np.array([(byte in _LATIN) - (byte in _OTHERS) for byte in range(256)], np.int8).tobytes()
# Few texts hold a letter of another script, and to weigh all of them takes 9 ms a MB.
_OTHER_SCRIPT = "[" + "".join(rf"\x{byte:02x}" for byte in sorted(_OTHERS)) + "]"
# U+1E00 to U+1EFF are Latin again: Vietnamese is full of them.
_LATIN_EXTENDED = (0xE1, range(0xB8, 0xBC))


class Found(NamedTuple):
    """Texts with a quality: how many, and (place in the shuffled order, snippet) of the first of them."""

    texts: int
    examples: tuple[tuple[bytes, str], ...]


class Quality(NamedTuple):
    """What part of the texts is like. rows: all of them; looked_at: those that were chosen."""

    rows: int = 0
    looked_at: int = 0
    found: Mapping[str, Found] = {}


class Look(NamedTuple):
    """How texts are looked at: which share of them, and what `text.filters` takes out."""

    share: float
    filters: str


def look(texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray, *, filters: str) -> Quality:
    """Texts and their keys, [rows] -> what they are like; filters: `text.filters`.

    >>> texts = pa.array(["a <b>bold</b> word".encode(), "cafÃ©".encode()], pa.large_binary())
    >>> keys = pa.array([bytes(16), bytes(16)], pa.large_binary())
    >>> [(name, some.texts) for name, some in look(texts, keys, filters="").found.items() if some.texts]
    [('html', 1), ('mojibake', 1)]
    """
    others = pc.match_substring_regex(texts, _NOT_ASCII)
    other_texts, other_keys = texts.filter(others), keys.filter(others)
    has_foreign = pc.match_substring_regex(other_texts, _OTHER_SCRIPT)
    mixed_texts, mixed_keys = other_texts.filter(has_foreign), other_keys.filter(has_foreign)
    is_foreign = pa.array(_letters(mixed_texts) < 0)
    found = {
        "html": _matching(texts, keys, TAG),
        "mojibake": _matching(other_texts, other_keys, _MOJIBAKE),
        "non_latin": _found(mixed_texts.filter(is_foreign), mixed_keys.filter(is_foreign), None),
        "glued_white_space": _matching(texts, keys, _glued(filters)),
        "invisible": _matching(other_texts, other_keys, _INVISIBLE),
    }
    return Quality(len(texts), len(texts), found)


class Looker:
    """Looks at the texts that are chosen among those of some batches, when some MB wait or all are there: of a large
    input a batch has 25 of them, for which a hundred calls to Arrow and NumPy took 4% of a row's time."""

    def __init__(self, how: Look) -> None:
        self._how = how
        self._rows = 0
        self._waiting: list[tuple[pa.LargeBinaryArray, pa.LargeBinaryArray]] = []
        self._parts: list[Quality] = []

    def add(self, texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray) -> None:
        """Takes in a batch; texts, [rows], may be null where they are not chosen."""
        self._rows += len(texts)
        chosen = pa.array(is_sampled(keys, self._how.share))
        self._waiting.append((texts.filter(chosen), keys.filter(chosen)))
        if sum(texts.nbytes for texts, _ in self._waiting) > _WAITING_BYTES:
            self._look()

    def result(self) -> Quality:
        """What those that were chosen are like."""
        self._look()
        return add(self._parts)._replace(rows=self._rows)

    def _look(self) -> None:
        if self._waiting:
            texts, keys = (pa.concat_arrays(arrays) for arrays in zip(*self._waiting, strict=True))
            self._waiting = []
            self._parts.append(look(texts, keys, filters=self._how.filters))


def add(parts: Iterable[Quality]) -> Quality:
    """What all parts together are like."""
    rows = looked_at = 0
    found: dict[str, Found] = {}
    for part in parts:
        rows += part.rows
        looked_at += part.looked_at
        for name, some in part.found.items():
            before = found.get(name, Found(0, ()))
            found[name] = Found(before.texts + some.texts, _first({*before.examples, *some.examples}))
    return Quality(rows, looked_at, found)


def quality_summary(quality: Quality, *, wordless: int) -> QualitySummary:
    """The quality in the manifest; `wordless`: texts without a token, of all rows."""
    is_all = quality.looked_at == quality.rows
    findings = {
        name: _finding(some.texts, quality.looked_at, exact=is_all, examples=[text for _, text in some.examples])
        for name, some in quality.found.items()
    }
    findings["empty_after_cleaning"] = _finding(wordless, quality.rows, exact=True, examples=[])
    return QualitySummary(rows=quality.rows, sampled_rows=quality.looked_at, findings=findings)


def _finding(count: int, of: int, *, exact: bool, examples: list[str]) -> QualityFinding:
    share = round(count / max(of, 1), 6)
    return QualityFinding(count=count, of=of, share=share, exact=exact, examples=examples)


def _glued(filters: str) -> str:
    left = [character for character in UNICODE_WHITE_SPACE if character != " " and character not in filters]
    return "|".join("".join(rf"\x{byte:02x}" for byte in character.encode()) for character in left) or r"[^\x00-\xff]"


def _letters(texts: pa.LargeBinaryArray) -> npt.NDArray[np.int32]:
    """Latin letters less letters of other scripts, int32 [rows], of texts none of which is empty."""
    contents = texts.to_pylist()
    content = b"".join(contents)
    scores = np.frombuffer(bytearray(content.translate(_SCRIPT)), np.int8)
    text = np.frombuffer(content, np.uint8)
    lead, seconds = _LATIN_EXTENDED
    leads = np.flatnonzero(text[:-1] == lead)
    scores[leads[np.isin(text[leads + 1], seconds)]] = 1
    starts = np.cumsum([0, *map(len, contents)])[:-1]
    return np.add.reduceat(scores, starts, dtype=np.int32)


def _matching(texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray, pattern: str) -> Found:
    matches = pc.match_substring_regex(texts, pattern)
    return _found(texts.filter(matches), keys.filter(matches), pattern)


def _found(texts: pa.LargeBinaryArray, keys: pa.LargeBinaryArray, pattern: str | None) -> Found:
    halves = key_halves(keys)
    order = np.lexsort((halves[:, 0], halves[:, 1]))
    is_new = np.concatenate([[True], (np.diff(halves[order], axis=0) != 0).any(axis=1)])[: len(order)]
    first = pa.array(order[is_new][:_EXAMPLES])
    texts, keys = texts.take(first), keys.take(first)
    places = pc.find_substring_regex(texts, pattern).to_pylist() if pattern else [0] * len(texts)
    snippets = (_snippet(text, place) for text, place in zip(texts.to_pylist(), places, strict=True))
    ranked = ((sort_key(key), snippet) for key, snippet in zip(keys.to_pylist(), snippets, strict=True))
    return Found(len(halves), _first(ranked))


def _snippet(text: bytes, place: int) -> str:
    """At most _EXAMPLE_CHARACTERS around a place in a text, whole characters."""
    half = _EXAMPLE_CHARACTERS // 2
    before = text[max(place - 4 * half, 0) : place].decode(errors="ignore")[-half:]
    return before + text[place : place + 4 * half].decode(errors="ignore")[:half]


def _first(examples: Iterable[tuple[bytes, str]]) -> tuple[tuple[bytes, str], ...]:
    return tuple(sorted(examples)[:_EXAMPLES])
