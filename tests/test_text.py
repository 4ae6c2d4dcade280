"""text.py against oracles that we did not write: tf_keras's Tokenizer and pad_sequences, and Python's own str."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer

from pipeline import text
from pipeline.config import KERAS_FILTERS, SequenceSettings, TextSettings

# Capitals of Unicode 14 to 16, which TensorFlow's ICU (Unicode 13) does not know yet and Python's str.lower may:
# Glagolitic, Latin Extended-D, Vithkuqi and Garay.
NEWER = {0x2C2F, 0xA7C0, 0xA7CB, 0xA7CC, 0xA7D0, 0xA7D6, 0xA7D8, 0xA7DA, 0xA7DC, *range(0x10570, 0x10596),
         *range(0x10D50, 0x10D66)}  # fmt: skip
ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}

# Every plane; no NUL, which is our one difference from Keras, no surrogates, which are no text, and no characters that
# one of the two Unicode versions does not have.
CHARACTERS = st.characters(
    codec="utf-8", exclude_characters="".join(map(chr, {0, *NEWER})), exclude_categories=["Cn", "Cs"]
)
WORDS = st.sampled_from(
    ["the", "The", "film", "good", "İ", "ΑΣ", "ß", "a\rb", "x\u00a0y", "\u3000", "\U00010400", "<b>"]
)
TEXTS = st.lists(st.one_of(WORDS, st.text(CHARACTERS, max_size=6)), max_size=8).map(" ".join)


def spelt(token: str) -> str:
    """A token as vocabulary.tsv spells it."""
    return "".join(ESCAPES.get(character, character) for character in token)


def tokens_of(texts: list[str], chosen: TextSettings) -> list[list[str]]:
    found = text.tokenize(tf.constant([line.encode() for line in texts]), chosen).to_list()
    return [[token.decode() for token in row] for row in found]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=5),
    lower=st.booleans(),
    filters=st.sampled_from([KERAS_FILTERS, "", "aeiou", "-]^\\[", "éΣ\r\u00a0"]),
    top_words=st.integers(3, 12),
    length=st.integers(1, 7),
    padding=st.sampled_from(["pre", "post"]),
    truncating=st.sampled_from(["pre", "post"]),
    oov=st.sampled_from(["drop", "token"]),
    character=st.booleans(),
)
def test_text_gives_kerass_ids(
    texts: list[str],
    lower: bool,
    filters: str,
    top_words: int,
    length: int,
    padding: str,
    truncating: str,
    oov: str,
    character: bool,
) -> None:
    filters = "" if character else filters  # Keras filters words alone
    keras = Tokenizer(
        num_words=top_words, filters=filters, lower=lower, char_level=character,
        oov_token="<unknown>" if oov == "token" else None,
    )  # fmt: skip
    keras.fit_on_texts(texts)
    expected = pad_sequences(keras.texts_to_sequences(texts), length, padding=padding, truncating=truncating)
    split = "character" if character else "space"
    tokens = text.tokenize(tf.constant(texts), TextSettings(lowercase=lower, filters=filters, split=split))
    known = {word: number for word, number in keras.word_index.items() if number < top_words and word != "<unknown>"}
    lines = sorted((number, spelt(word)) for word, number in known.items())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vocabulary.tsv"
        file.write_bytes("".join(f"{number}\t{word}\t1\n" for number, word in lines).encode() or b"9\t \t1\n")
        word_ids = tokens.with_flat_values(text.word_table(str(file)).lookup(tokens.flat_values))
    chosen = SequenceSettings(max_length=length, padding=padding, truncating=truncating)
    found = text.pad(text.sequences(word_ids, oov=oov).known, chosen)
    assert found.numpy().tolist() == expected.tolist()


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5), filters=st.sampled_from([KERAS_FILTERS, "", "xyz"]))
def test_text_splits_at_pythons_white_space(texts: list[str], filters: str) -> None:
    table = str.maketrans(dict.fromkeys(filters, " "))
    expected = [[spelt(token) for token in line.lower().translate(table).split()] for line in texts]
    assert tokens_of(texts, TextSettings(filters=filters)) == expected


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=40))
def test_text_takes_any_bytes(content: bytes) -> None:
    (tokens,) = text.tokenize(tf.constant([content]), TextSettings(filters="")).to_list()
    assert all(token.decode() and not any(mark in token for mark in b"\0\t\n\r ") for token in tokens)


def test_text_lower_case_of_every_character() -> None:
    characters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    chosen = TextSettings(filters="", split="character")
    found = [spelt("".join(row)) for row in tokens_of([f"a{character}" for character in characters], chosen)]
    differing = [
        character
        for character, lowered in zip(characters, found, strict=True)
        if lowered != spelt(spelt(f"a{character}".lower()))
    ]
    assert [hex(ord(character)) for character in differing if ord(character) not in NEWER] == []


@pytest.mark.parametrize("language", ["C", "tr_TR.UTF-8", "lt_LT.UTF-8", "az_AZ.UTF-8"])
def test_text_lower_case_is_the_same_in_every_language(language: str) -> None:
    program = (
        "import tensorflow as tf\nfrom pipeline import text\nfrom pipeline.config import TextSettings\n"
        "lines = ['I İ Ì Í Ĩ Į J̀ I\u0307 Į̀']\n"
        "print(ascii(text.tokenize(tf.constant(lines), TextSettings()).to_list()[0]))"
    )
    environment = {**os.environ, "LANG": language, "LC_ALL": language}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    expected = [word.encode() for word in "I İ Ì Í Ĩ Į J̀ I\u0307 Į̀".lower().split()]
    assert done.stdout == f"{expected!a}\n"


@pytest.mark.parametrize("text_count", [0, 1])
def test_text_takes_an_empty_batch(text_count: int) -> None:
    tokens = text.tokenize(tf.constant([""] * text_count, shape=[text_count], dtype=tf.string), TextSettings())
    assert tokens.nrows() == text_count
    word_ids = tokens.with_flat_values(tf.zeros([0], tf.int64))
    assert text.pad(text.sequences(word_ids, oov="drop").known, SequenceSettings(max_length=4)).shape == (text_count, 4)
