"""Raw texts -> clean ones, as tensors: string [batch] in, string [batch] out, valid UTF-8 without NUL, in lower case
if asked for, a space wherever tokens are divided.

Of ASCII, a byte always becomes the same byte: that is a look-up in a table, for the whole batch at once. What one
expression finds to hold more (an odd byte, a capital or a separator beyond ASCII) goes the careful way before.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.config.settings import TextSettings
from pipeline.text.characters import TAG, separators

# What no plain text holds, by RE2's exact ranges: NUL, and halves of surrogate pairs. With U+10FFFF RE2 would take the
# range for "anything beyond ASCII", and let overlong forms pass; so that one is taken for odd as well.
_ODD = r"\x00\x{d800}-\x{dfff}\x{10ffff}"
# The letters and title letters, and the two rows of signs, that have a small form.
_CAPITALS = r"\p{Lu}\p{Lt}\x{2160}-\x{216f}\x{24b6}-\x{24cf}"

_SIGMA = r"\x{3a3}"
_LETTERS = r"A-Za-z\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{3a1}\x{3a4}-\x{3a9}\x{3ac}-\x{3ce}"

# ICU lowers these by the rules of the machine's language: under LANG=tr_TR 'I' becomes a dotless i, under lt_LT a dot
# is added below an accent. Mapped by ourselves, before ICU sees them, a text has the same ids on every machine.
_LANGUAGE_DEPENDENT = {
    "\u0130": "i\u0307", "\u00cc": "\u00ec", "\u00cd": "\u00ed", "\u0128": "\u0129", "\u012e": "\u012f",
}  # fmt: skip

_END = "\0"  # between the texts of a batch: none holds it by then


def clean(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    """String [batch] as it came -> string [batch].

    >>> clean(tf.constant(["Not bad, NOT bad!", ""]), TextSettings()).numpy().tolist()
    [b'not bad  not bad ', b'']
    """
    text = _unless(text, plain_pattern(settings), lambda others: _carefully(others, settings))
    if settings.strip_html:
        text = tf.strings.regex_replace(text, TAG, " ")
    return _translated(text, settings)


def plain_pattern(settings: TextSettings) -> str:
    """Matches the texts that the table of bytes alone makes clean: in 1.6 ms a MB, while the others take 6.5."""
    held_back = _ODD + _ranges(_wide_separators(settings))
    if settings.lowercase:
        return f"(?:[A-Z]|[^{held_back}{_CAPITALS}])*"
    return f"[^{held_back}]*"


def lone_pattern(settings: TextSettings) -> str:
    """Matches the words of which `clean` makes alone what it makes of them in a text: well-formed ones, in which each
    capital sigma has a letter behind it. Without one its small form depends on whether a letter follows beyond full
    stops and apostrophes, which may divide words (Unicode's SpecialCasing, Final_Sigma)."""
    others = f"[^{_ODD}{_SIGMA}]"
    return f"(?:{others}|{_SIGMA}+[{_LETTERS}])*" if settings.lowercase else f"[^{_ODD}]*"


def _carefully(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    if settings.lowercase:
        text = tf.strings.lower(text)  # ASCII alone: that takes 'I' out of ICU's hands
    # Few texts are not well-formed, and ICU takes 21 ms a MB to mend one, where RE2 finds out in 2.
    text = _unless(text, f"[^{_ODD}]*", _mended)
    if settings.lowercase:
        for capital, small in _LANGUAGE_DEPENDENT.items():
            text = tf.strings.regex_replace(text, capital, small)
        text = tf.strings.lower(text, encoding="utf-8")
    wide = _wide_separators(settings)
    return tf.strings.regex_replace(text, f"[{_ranges(wide)}]", " ") if wide else text


def _mended(text: tf.Tensor) -> tf.Tensor:
    text = tf.strings.regex_replace(text, r"\x00", " ")  # ICU's operations cut a text at NUL
    return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")


def _unless(text: tf.Tensor, pattern: str, change: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Changes the texts that do not match."""
    others = tf.where(tf.logical_not(tf.strings.regex_full_match(text, pattern)))
    return tf.tensor_scatter_nd_update(text, others, change(tf.gather_nd(text, others)))


def _translated(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    """Every byte looked up, two at a time: 3.4 ms a MB, on any number of threads.

    Lower case and an expression for the separators would take 6.1, and 13 on each of two threads: an expression locks
    its automaton at every match, and all threads that run a graph share it.
    """
    with tf.device("CPU:0"):  # strings are there; the bytes should not travel to a GPU and back
        whole = tf.strings.reduce_join(text, separator=_END)
        # An end behind the last text, and one more where the number of bytes would be odd.
        whole = tf.strings.join([whole, tf.gather([_END + _END, _END], tf.strings.length(whole) % 2)])
        pairs = tf.gather(_pairs(settings), tf.cast(tf.io.decode_raw(whole, tf.uint16), tf.int32))
        # The only way from numbers back to a string that does not print them: a TensorProto ends with their bytes.
        size = tf.strings.length(whole)
        whole = tf.strings.substr(tf.io.serialize_tensor(pairs), -size, size)
        return tf.raw_ops.StringSplit(input=[whole], delimiter=_END, skip_empty=False).values[: tf.size(text)]


def byte_table(settings: TextSettings) -> npt.NDArray[np.uint8]:
    """What becomes of each byte of a text without tags that `plain_pattern` matches, ASCII or not; uint8 [256].

    >>> byte_table(TextSettings())[[ord("A"), ord("!"), 200]].tolist() == [ord("a"), ord(" "), 200]
    True
    """
    table = np.arange(256, dtype=np.uint8)
    for character in separators(settings):
        if ord(character) < 128:
            table[ord(character)] = ord(" ")
    if settings.lowercase:  # before separators are looked for: a capital among them is met by no text
        table[ord("A") : ord("Z") + 1] = table[ord("a") : ord("z") + 1]
    return table


def _pairs(settings: TextSettings) -> npt.NDArray[np.int16]:
    """What becomes of two bytes, as one number: int16 [65536]; TensorFlow writes uint16 into a graph one by one, in
    0.1 s."""
    pairs = np.arange(65536, dtype=np.uint16)
    return byte_table(settings)[pairs.view(np.uint8)].view(np.int16)


def _wide_separators(settings: TextSettings) -> list[str]:
    return sorted(character for character in separators(settings) if ord(character) > 127)


def _ranges(characters: list[str]) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in characters)
