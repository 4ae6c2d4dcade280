"""pipeline.text.graph against tf_keras's Tokenizer and pad_sequences, and against Python's str, over all of Unicode."""

import itertools
import os
import string
import subprocess
import sys
import unicodedata
import uuid
from pathlib import Path
from typing import Literal

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tf_keras.preprocessing.text import text_to_word_sequence

from pipeline.config.settings import TextSettings
from pipeline.text import graph
from pipeline.text.normalization import plain_pattern
from tests.support.paths import REPOSITORY
from tests.support.texts import FILTERS, TEXTS, YOUNGER_THAN_ICU
from tests.support.tokens import TokensOf, escaped, in_the_graph, tokenized_of, tokenized_once

EACH_ROUTE = pytest.mark.parametrize("tokens_of", [in_the_graph, tokenized_once])


# Pieces of texts that are no UTF-8, that the graph must see whole, and that it may see word by word.
PIECES = [
    b"\0", b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f", b"\xc3", b"\xc0\x80", b"\xf4\x90\x80\x80",
    *map(str.encode, [
        "A\u03a3", "A\u03a3.\u03a3\u0391", ".", "'", "<b>", "</b", ">", "\\", "\r", "\u00c9t\u00c9", "\u00e9",
        "a\u00a0b", "\u2028", "\u212a", "\u0130", "\u0307", "\U0010ffff", "good", "film", " ", " ", "-" * 30,
        "\u0391\u0301\u03a3",
    ]),
]  # fmt: skip
SOME_SETTINGS = [
    TextSettings(),
    TextSettings(split="whitespace", strip_html=True),
    TextSettings(split="space", filters="", lowercase=False),
    TextSettings(split="whitespace", filters="k\u00e9\u03c3"),
    TextSettings(punctuation=".'\\-", strip_html=True),
    TextSettings(split="space", filters="", punctuation="<>.", lowercase=False),
]


@pytest.mark.parametrize("text_settings", SOME_SETTINGS)
@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), max_size=8))
def test_text_tokenized_once_has_the_graphs_tokens(text_settings: TextSettings, texts: list[bytes]) -> None:
    expected = graph.tokenize(tf.constant(texts, tf.string), text_settings).to_list()
    result = tokenized_of(texts, text_settings)
    words = result.distinct.to_pylist()
    tokens = [words[number] for number in result.indices.tolist()]
    assert [tokens[begin:end] for begin, end in itertools.pairwise(result.row_splits.tolist())] == expected
    assert list(dict.fromkeys(tokens)) == words


# Ruled lines, whose spaces after spaces are left out before tokens are encoded, and other texts; the tokens.
RULES = [
    ("-----a-----\n--\n-----b a--", ["a", "b", "a"]), ("----------", []), ("", []), (" a ", ["a"]),
    ("b a b", ["b", "a", "b"]), ("-a--------", ["a"]), ("c", ["c"]),
]  # fmt: skip


def test_text_tokenized_once_of_ruled_lines() -> None:
    for texts in (
        RULES,
        RULES[:1],
        RULES[1:3],
        RULES[3:5],
        RULES[4:],
        [*RULES[:4], *[("a b, c", ["a", "b", "c"])] * 9],
    ):
        assert tokenized_once([graph for graph, _ in texts], TextSettings()) == [tokens for _, tokens in texts]


@EACH_ROUTE
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), filters=FILTERS, lower=st.booleans())
def test_text_tokens_are_kerass(tokens_of: TokensOf, texts: list[str], filters: str, lower: bool) -> None:
    expected = [
        [escaped(token) for token in text_to_word_sequence(one, filters=filters, lower=lower, split=" ")]
        for one in texts
    ]
    assert tokens_of(texts, TextSettings(split="space", filters=filters, lowercase=lower)) == expected


@EACH_ROUTE
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), filters=FILTERS, lower=st.booleans())
def test_text_tokens_are_pythons_split(tokens_of: TokensOf, texts: list[str], filters: str, lower: bool) -> None:
    spaces = str.maketrans(dict.fromkeys(filters, " "))
    expected = [
        [escaped(token) for token in (one.lower() if lower else one).translate(spaces).split()] for one in texts
    ]
    assert tokens_of(texts, TextSettings(split="whitespace", filters=filters, lowercase=lower)) == expected


@EACH_ROUTE
@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=8), filters=FILTERS, lower=st.booleans(),
    punctuation=st.sets(st.sampled_from(string.punctuation), max_size=5).map("".join),
)  # fmt: skip
def test_text_punctuation_is_pythons_translate(
    tokens_of: TokensOf, texts: list[str], filters: str, lower: bool, punctuation: str
) -> None:
    written = str.maketrans(dict.fromkeys(filters, " ") | {mark: f" {mark} " for mark in punctuation})
    expected = [
        [escaped(token) for token in (one.lower() if lower else one).translate(written).split()] for one in texts
    ]
    chosen = TextSettings(filters=filters, lowercase=lower, punctuation=punctuation)
    assert tokens_of(texts, chosen) == expected


def kind_of(character: str) -> tuple[bool, bool, str]:
    return character.lower() != character, character.isspace(), unicodedata.category(character)


@EACH_ROUTE
def test_text_every_character_is_lowered_and_split_as_python_does(tokens_of: TokensOf) -> None:
    characters = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    # One kind in a text: an odd character or a capital sends its whole text to ICU, which would hide what is beside it.
    kinds = [list(same) for _, same in itertools.groupby(sorted(characters, key=kind_of), kind_of)]
    parts = [kind[first : first + 256] for kind in kinds for first in range(0, len(kind), 256)]
    texts = [" ".join(f"A{character}b" for character in part) for part in parts]
    differ = set()
    for text, result in zip(texts, tokens_of(texts, TextSettings(filters="")), strict=True):
        expected = [escaped(token) for token in text.lower().split()]
        differ |= {ord(one[1]) for one, other in zip(result, expected, strict=True) if one != other}
    # A Python as old as the ICU, 3.10, does not know them either.
    assert differ in (YOUNGER_THAN_ICU, set())


def test_text_lower_case_passes_by_only_what_icu_would_leave() -> None:
    every = [chr(code).encode("utf-8", "surrogatepass") for code in range(sys.maxunicode + 1)]
    ends = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)  # of the ranges of a second and later byte
    broken = [bytes([lead, *rest]) for lead in range(128, 256) for rest in itertools.product(ends, ends, ends)]
    small = tf.strings.lower([b"a" + one for one in every + broken])
    settings = TextSettings(split="space")
    passes = tf.boolean_mask(small, tf.strings.regex_full_match(small, plain_pattern(settings)))
    assert passes.numpy().tolist() == tf.strings.lower(passes, encoding="utf-8").numpy().tolist()
    assert all(one.decode() and b"\0" not in one for one in passes.numpy().tolist())
    # What has a small form, or none to speak of (NUL, surrogates, U+10FFFF), is all that is held back of the valid.
    valid = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    unchanged = {b"a" + one.encode() for one in valid if one.lower() == one} - {b"a\0", b"a\xf4\x8f\xbf\xbf"}
    # Mathematical capitals and the like are capitals without a small form.
    assert len(unchanged - set(passes.numpy().tolist())) < 1000


def test_text_is_the_same_whatever_the_language_of_the_machine() -> None:
    program = """
import tensorflow as tf
from pipeline.config.settings import TextSettings
from pipeline.text.graph import tokenize
(tokens,) = tokenize(tf.constant(["I \\u0130 \\u00cc \\u00cd \\u0128 \\u012e J\\u0300"]), TextSettings()).to_list()
print(ascii(b" ".join(tokens).decode()), ascii(tf.strings.lower("I \\u00cc", encoding="utf-8").numpy().decode()))
"""
    # language -> what ICU itself makes of `I Ì` there, which shows that the language is in force. All other
    # tests of this file run in the machine's own language.
    alone = {"tr_TR.UTF-8": r"'\u0131 \xec'", "lt_LT.UTF-8": r"'i i\u0307\u0300'"}
    running = {
        language: subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=REPOSITORY,
            env={**os.environ, "LC_ALL": language, "LANG": language, "PYTHONUTF8": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for language in alone
    }
    result = {language: process.communicate()[0].strip() for language, process in running.items()}
    ours = r"'i i\u0307 \xec \xed \u0129 \u012f j\u0300'"
    assert result == {language: f"{ours} {icus}" for language, icus in alone.items()}


@EACH_ROUTE
def test_text_of_megabytes(tokens_of: TokensOf) -> None:
    long = "Good film!\u00a0" * 200_000
    (tokens,) = tokens_of([long], TextSettings())
    assert tokens == ["good", "film"] * 200_000


@EACH_ROUTE
@pytest.mark.parametrize("split", ["whitespace", "space", "character"])
def test_text_of_an_empty_batch(split: Literal["whitespace", "space", "character"], tokens_of: TokensOf) -> None:
    assert tokens_of([], TextSettings(split=split)) == []


def test_text_graph_reads_the_vocabulary_once(tmp_path: Path) -> None:
    path = tmp_path / uuid.uuid4().hex
    path.write_bytes(b"1\tgood\t2\n")

    @tf.function
    def look_up(words: tf.Tensor) -> tf.Tensor:
        return graph.word_table(str(path)).lookup(words)

    first = look_up(tf.constant(["good", "bad"])).numpy().tolist()
    path.unlink()
    assert [first, look_up(tf.constant(["bad", "good"])).numpy().tolist()] == [[1, 0], [0, 1]]
