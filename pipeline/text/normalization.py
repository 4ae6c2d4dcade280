"""Raw texts -> normalized texts, as tensors: string [batch] -> string [batch].

A normalized text is valid UTF-8 without NUL, in lower case if the settings say so, with a space at each separator, and
before and after each character of `text.punctuation`.

In ASCII, a byte always becomes the same byte. That is a look-up in a table, for the whole batch at once. Texts with an
odd byte, or a capital or a separator beyond ASCII, take the slow way first; one regular expression selects them.
"""

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.config.settings import TextSettings
from pipeline.text.characters import TAG, separators

# Odd characters, which no plain text has: NUL and halves of surrogate pairs. RE2 treats a range that ends at U+10FFFF
# as "any non-ASCII byte", which would accept overlong encodings. So U+10FFFF itself counts as odd.
_ODD = r"\x00\x{d800}-\x{dfff}\x{10ffff}"
# What has a lower case: letters, title-case letters, Roman numerals and circled letters.
_CAPITALS = r"\p{Lu}\p{Lt}\x{2160}-\x{216f}\x{24b6}-\x{24cf}"

_SIGMA = r"\x{3a3}"
_LETTERS = r"A-Za-z\x{386}\x{388}-\x{38a}\x{38c}\x{38e}-\x{3a1}\x{3a4}-\x{3a9}\x{3ac}-\x{3ce}"

# ICU lowers these by the rules of the machine's language: with LANG=tr_TR 'I' becomes a dotless i, with lt_LT a dot is
# added below an accent. So we map them before ICU sees them, and a text has the same ids on every machine.
_LANGUAGE_DEPENDENT = {
    "\u0130": "i\u0307", "\u00cc": "\u00ec", "\u00cd": "\u00ed", "\u0128": "\u0129", "\u012e": "\u012f",
}  # fmt: skip

_END = "\0"  # ends each text of a batch; no text contains it at that step


def normalize(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    """Raw string [batch] -> normalized string [batch].

    >>> normalize(tf.constant(["Not bad, NOT bad!", ""]), TextSettings()).numpy().tolist()
    [b'not bad  not bad ', b'']
    >>> normalize(tf.constant(["Not bad!"]), TextSettings(punctuation="!")).numpy().tolist()
    [b'not bad ! ']
    """
    text = _change_unless(text, plain_pattern(settings), lambda others: _to_plain(others, settings))
    if settings.strip_html:
        text = tf.strings.regex_replace(text, TAG, " ")
    text = _translate(text, settings)
    if settings.punctuation:
        text = tf.strings.regex_replace(text, f"([{re.escape(settings.punctuation)}])", r" \1 ")
    return text


def plain_pattern(settings: TextSettings) -> str:
    """Matches the texts that the table of bytes alone normalizes: 1.6 ms a MB; the others take 6.5 ms a MB."""
    not_plain = _ODD + _ranges(_wide_separators(settings))
    if settings.lowercase:
        return f"(?:[A-Z]|[^{not_plain}{_CAPITALS}])*"
    return f"[^{not_plain}]*"


def context_free_pattern(settings: TextSettings) -> str:
    """Matches the tokens whose normal form does not depend on their neighbours in the text.

    These are valid UTF-8, and a letter follows each capital sigma. The lower case of a last sigma depends on whether a
    letter follows after full stops and apostrophes, and these may be separators (Unicode's SpecialCasing, Final_Sigma).
    """
    others = f"[^{_ODD}{_SIGMA}]"
    return f"(?:{others}|{_SIGMA}+[{_LETTERS}])*" if settings.lowercase else f"[^{_ODD}]*"


def _to_plain(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    """Any texts -> texts that plain_pattern matches."""
    if settings.lowercase:
        text = tf.strings.lower(text)  # ASCII alone, so that ICU sees no 'I'
    # Few texts are invalid. To repair one takes ICU 21 ms a MB, to find it takes RE2 2 ms a MB.
    text = _change_unless(text, f"[^{_ODD}]*", _repair)
    if settings.lowercase:
        for capital, small in _LANGUAGE_DEPENDENT.items():
            text = tf.strings.regex_replace(text, capital, small)
        text = tf.strings.lower(text, encoding="utf-8")
    wide = _wide_separators(settings)
    return tf.strings.regex_replace(text, f"[{_ranges(wide)}]", " ") if wide else text


def _repair(text: tf.Tensor) -> tf.Tensor:
    """NUL -> a space, invalid UTF-8 -> U+FFFD."""
    text = tf.strings.regex_replace(text, r"\x00", " ")  # first, because ICU's operations end a text at NUL
    return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")


def _change_unless(text: tf.Tensor, pattern: str, change: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Changes the texts that do not match the pattern."""
    others = tf.where(tf.logical_not(tf.strings.regex_full_match(text, pattern)))
    return tf.tensor_scatter_nd_update(text, others, change(tf.gather_nd(text, others)))


def _translate(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    """Looks every byte up in byte_table, two bytes at a time: 3.4 ms a MB, on any number of threads.

    Lower case and a regular expression for the separators take 6.1 ms a MB, and 13 on each of two threads. A regular
    expression locks its automaton at every match, and all threads that run a graph share it.
    """
    with tf.device("CPU:0"):  # strings are in its memory; their bytes must not be copied to a GPU and back
        whole = tf.strings.reduce_join(text, separator=_END)
        # One more _END after the last text, or two, so that the number of bytes is even.
        whole = tf.strings.join([whole, tf.gather([_END + _END, _END], tf.strings.length(whole) % 2)])
        pairs = tf.gather(_pairs(settings), tf.cast(tf.io.decode_raw(whole, tf.uint16), tf.int32))
        # TensorFlow has no operation from numbers to a string of their bytes. But a serialized TensorProto ends with
        # them.
        size = tf.strings.length(whole)
        whole = tf.strings.substr(tf.io.serialize_tensor(pairs), -size, size)
        return tf.raw_ops.StringSplit(input=[whole], delimiter=_END, skip_empty=False).values[: tf.size(text)]


def byte_table(settings: TextSettings) -> npt.NDArray[np.uint8]:
    """What each byte becomes in a text without tags that `plain_pattern` matches, uint8 [256].

    >>> byte_table(TextSettings())[[ord("A"), ord("!"), 200]].tolist() == [ord("a"), ord(" "), 200]
    True
    """
    table = np.arange(256, dtype=np.uint8)
    for character in separators(settings):
        if ord(character) < 128:
            table[ord(character)] = ord(" ")
    if settings.lowercase:  # lower case comes before the separators, so a capital among these has no effect
        table[ord("A") : ord("Z") + 1] = table[ord("a") : ord("z") + 1]
    return table


def _pairs(settings: TextSettings) -> npt.NDArray[np.int16]:
    """What each two bytes become, as one number: int16 [65536].

    Not uint16: TensorFlow would take 0.1 s to write them into a graph, one number at a time.
    """
    pairs = np.arange(65536, dtype=np.uint16)
    return byte_table(settings)[pairs.view(np.uint8)].view(np.int16)


def _wide_separators(settings: TextSettings) -> list[str]:
    return sorted(character for character in separators(settings) if ord(character) > 127)


def _ranges(characters: list[str]) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in characters)
