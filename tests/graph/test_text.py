"""pipeline.text.graph against tf_keras's Tokenizer and pad_sequences, and against Python's str, over all of Unicode."""

import itertools
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer, text_to_word_sequence

from pipeline.config.load import load
from pipeline.config.settings import KERAS_FILTERS, SequenceSettings, TextSettings
from pipeline.contract import Oov, first_word_id, kept_words
from pipeline.text import graph
from pipeline.text.fast_sequences import transformer
from pipeline.text.fast_tokenizer import tokenizer
from pipeline.text.normalization import plain_pattern
from pipeline.text.token_batch import Tokenized
from pipeline.vocabulary import count_tables
from pipeline.vocabulary.analyzer import count_batch, numbered_lines
from pipeline.vocabulary.count_words import count_words
from tests.conftest import REPOSITORY

# Capital letters of Unicode 14 (Python 3.11 and later), whose small letters the ICU within TensorFlow does not know
# yet; it leaves them as they are. All other characters have the same lower case in both.
YOUNGER_THAN_ICU = {0x2C2F, 0xA7C0, 0xA7D0, 0xA7D6, 0xA7D8, *range(0x10570, 0x10596)} - {0x1057B, 0x1058B, 0x10593}

# What goes wrong if anything does: separators, case that depends on neighbours, combining marks, regular expressions,
# escapes.
AWKWARD = (
    " \t\n\v\f\r\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\u200d\ufeff\ufffd"
    "ΣσςΑαİIıißẞſKÅǅǈ'\u0301\u0307\u0345.,-]^[\\&<>|nrtAaBb0９日本\U00010400\U0001e921\U0001f600\U000e0001\U0010ffff"
)
CHARACTERS = st.sampled_from(AWKWARD) | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0" + "".join(map(chr, YOUNGER_THAN_ICU))
)
TEXTS = st.text(CHARACTERS, max_size=40)
TokensOf = Callable[[list[str], TextSettings], list[list[str]]]
FILTERS = st.just(KERAS_FILTERS) | st.just("") | st.text(CHARACTERS, max_size=6)


def in_the_graph(texts: list[str], text_settings: TextSettings) -> list[list[str]]:
    found = graph.tokenize(tf.constant([one.encode() for one in texts], tf.string), text_settings)
    return [[token.decode() for token in tokens] for tokens in found.to_list()]


def tokenized_once(texts: list[str], text_settings: TextSettings) -> list[list[str]]:
    found = tokenized_of([one.encode() for one in texts], text_settings)
    tokens = [found.words[number].as_py().decode() for number in found.numbers.tolist()]
    return [tokens[begin:end] for begin, end in itertools.pairwise(found.row_splits.tolist())]


def tokenized_of(texts: list[bytes], text_settings: TextSettings) -> Tokenized:
    tf.config.run_functions_eagerly(True)  # to trace a graph for each example would take minutes
    try:
        return tokenizer(text_settings)(pa.array(texts, pa.large_binary()))
    finally:
        tf.config.run_functions_eagerly(False)


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
]


@pytest.mark.parametrize("text_settings", SOME_SETTINGS)
@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), max_size=8))
def test_text_tokenized_once_has_the_graphs_tokens(text_settings: TextSettings, texts: list[bytes]) -> None:
    expected = graph.tokenize(tf.constant(texts, tf.string), text_settings).to_list()
    found = tokenized_of(texts, text_settings)
    words = found.words.to_pylist()
    tokens = [words[number] for number in found.numbers.tolist()]
    assert [tokens[begin:end] for begin, end in itertools.pairwise(found.row_splits.tolist())] == expected
    assert list(dict.fromkeys(tokens)) == words


# Ruled lines, whose spaces behind spaces are left out before words are numbered, and other texts; the tokens.
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


def spelt(token: str) -> str:
    """A token as files spell it."""
    return token.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def ids_in_the_graph(
    texts: list[str], *, text_settings: TextSettings, sequence: SequenceSettings, top_words: int, oov: Oov, folder: Path
) -> list[list[int]]:
    """What the job does of it in TFT's graph, without a job: counts texts, writes the vocabulary, looks up, pads."""
    tokens = graph.tokenize(tf.constant([one.encode() for one in texts], tf.string), text_settings)
    table = count_tables.count_table(
        [column.numpy() for column in count_batch(tokens, tf.range(len(texts), dtype=tf.int64))]
    )
    kept = count_tables.top(table, words=kept_words(top_words, oov), min_count=1)
    path = folder / uuid.uuid4().hex
    path.write_bytes(numbered_lines(kept, first_id=first_word_id(oov)) or b"1\t\t0\n")
    word_ids = tokens.with_flat_values(graph.word_table(str(path)).lookup(tokens.flat_values))
    return graph.pad(graph.sequences(word_ids, oov=oov).known, sequence).numpy().tolist()


def ids_once(
    texts: list[str], *, text_settings: TextSettings, sequence: SequenceSettings, top_words: int, oov: Oov, folder: Path
) -> list[list[int]]:
    """The same as it is done where texts are tokenized once."""
    found = tokenized_of([one.encode() for one in texts], text_settings)
    table = count_words(found, rows=len(texts), position=0)
    kept = count_tables.top(table, words=kept_words(top_words, oov), min_count=1)
    path = folder / f"{uuid.uuid4().hex}.tsv"
    path.write_bytes(numbered_lines(kept, first_id=first_word_id(oov)) or b"1\t\t0\n")
    config = load(None, {"vocabulary.oov": oov}).model_copy(update={"sequence": sequence})
    tf.config.run_functions_eagerly(True)
    try:
        return transformer(config, str(path))(found)["ids"].tolist()
    finally:
        tf.config.run_functions_eagerly(False)


@EACH_ROUTE
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), filters=FILTERS, lower=st.booleans())
def test_text_tokens_are_kerass(tokens_of: TokensOf, texts: list[str], filters: str, lower: bool) -> None:
    expected = [
        [spelt(token) for token in text_to_word_sequence(one, filters=filters, lower=lower, split=" ")] for one in texts
    ]
    assert tokens_of(texts, TextSettings(split="space", filters=filters, lowercase=lower)) == expected


@EACH_ROUTE
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), filters=FILTERS, lower=st.booleans())
def test_text_tokens_are_pythons_split(tokens_of: TokensOf, texts: list[str], filters: str, lower: bool) -> None:
    spaces = str.maketrans(dict.fromkeys(filters, " "))
    expected = [[spelt(token) for token in (one.lower() if lower else one).translate(spaces).split()] for one in texts]
    assert tokens_of(texts, TextSettings(split="whitespace", filters=filters, lowercase=lower)) == expected


@pytest.mark.parametrize("ids_of", [ids_in_the_graph, ids_once])
@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=8),
    num_words=st.none() | st.integers(3, 12),
    filters=FILTERS,
    lower=st.booleans(),
    char_level=st.booleans(),
    has_oov_token=st.booleans(),
    maxlen=st.integers(1, 12),
    padding=st.sampled_from(["pre", "post"]),
    truncating=st.sampled_from(["pre", "post"]),
)
def test_text_ids_are_kerass(
    tmp_path_factory: pytest.TempPathFactory,
    ids_of: Callable[..., list[list[int]]],
    texts: list[str],
    num_words: int | None,
    filters: str,
    lower: bool,
    char_level: bool,
    has_oov_token: bool,
    maxlen: int,
    padding: str,
    truncating: str,
) -> None:
    # With a space in it, no token can be the one that stands for unknown words.
    oov_token = "un known" if has_oov_token else None
    keras = Tokenizer(num_words=num_words, filters=filters, lower=lower, char_level=char_level, oov_token=oov_token)
    keras.fit_on_texts(texts)
    expected = pad_sequences(keras.texts_to_sequences(texts), maxlen, padding=padding, truncating=truncating)
    found = ids_of(
        texts,
        # Keras applies no filters to characters.
        text_settings=TextSettings(
            split="character" if char_level else "space", filters="" if char_level else filters, lowercase=lower
        ),
        sequence=SequenceSettings(max_length=maxlen, padding=padding, truncating=truncating),
        top_words=num_words or 2**31 - 1,
        oov="token" if has_oov_token else "drop",
        folder=tmp_path_factory.getbasetemp(),
    )
    assert found == expected.tolist()


@EACH_ROUTE
def test_text_every_character_is_lowered_and_split_as_python_does(tokens_of: TokensOf) -> None:
    characters = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    texts = [f"A{character}b" for character in characters]
    found = tokens_of(texts, TextSettings(filters=""))
    expected = [[spelt(token) for token in one.lower().split()] for one in texts]
    differ = {ord(character) for character, one, other in zip(characters, found, expected, strict=True) if one != other}
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
    # language -> what ICU itself makes of `I Ì` there, which shows that the language is in force.
    alone = {"tr_TR.UTF-8": r"'\u0131 \xec'", "lt_LT.UTF-8": r"'i i\u0307\u0300'", "C": r"'i \xec'"}
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
    found = {language: process.communicate()[0].strip() for language, process in running.items()}
    ours = r"'i i\u0307 \xec \xed \u0129 \u012f j\u0300'"
    assert found == {language: f"{ours} {icus}" for language, icus in alone.items()}


@EACH_ROUTE
def test_text_of_megabytes(tokens_of: TokensOf) -> None:
    long = "Good film!\u00a0" * 200_000
    (tokens,) = tokens_of([long], TextSettings())
    assert tokens == ["good", "film"] * 200_000


@EACH_ROUTE
@pytest.mark.parametrize("split", ["whitespace", "space", "character"])
def test_text_of_an_empty_batch(split: str, tokens_of: TokensOf) -> None:
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
