"""Texts to ids on both routes, against tf_keras's Tokenizer and pad_sequences."""

import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer

from pipeline.config.load import load
from pipeline.config.settings import SequenceSettings, Side, TextSettings
from pipeline.contract import Oov, first_word_id, max_words
from pipeline.text import graph
from pipeline.text.fast_sequences import feature_function
from pipeline.vocabulary import count_tables
from pipeline.vocabulary.count_words import count_words
from pipeline.vocabulary.merge_counts import ranked_lines
from tests.support.texts import FILTERS, TEXTS
from tests.support.tokens import tokenized_of


def ids_in_the_graph(
    texts: list[str], *, text_settings: TextSettings, sequence: SequenceSettings, top_words: int, oov: Oov, folder: Path
) -> list[list[int]]:
    """What the graph makes of it, with the words counted in Python: writes the vocabulary, looks up, pads."""
    tokens = graph.tokenize(tf.constant([one.encode() for one in texts], tf.string), text_settings)
    counts = Counter(tokens.flat_values.numpy().tolist())  # in order of first occurrence
    zeros, places = [0] * len(counts), range(len(counts))
    table = count_tables.count_table((list(counts), list(counts.values()), zeros, places, zeros))
    kept = count_tables.top(table, words=max_words(top_words, oov), min_count=1)
    path = folder / uuid.uuid4().hex
    path.write_bytes(ranked_lines(kept, first_id=first_word_id(oov)) or b"1\t\t0\n")
    word_ids = tokens.with_flat_values(graph.word_table(str(path)).lookup(tokens.flat_values))
    return graph.pad(graph.sequences(word_ids, oov=oov).known, sequence).numpy().tolist()


def ids_once(
    texts: list[str], *, text_settings: TextSettings, sequence: SequenceSettings, top_words: int, oov: Oov, folder: Path
) -> list[list[int]]:
    """The same as the job does it."""
    found = tokenized_of([one.encode() for one in texts], text_settings)
    table = count_words(found, rows=slice(0, len(texts)), position=0)
    kept = count_tables.top(table, words=max_words(top_words, oov), min_count=1)
    path = folder / f"{uuid.uuid4().hex}.tsv"
    path.write_bytes(ranked_lines(kept, first_id=first_word_id(oov)) or b"1\t\t0\n")
    config = load(None, {"vocabulary.oov": oov}).model_copy(update={"sequence": sequence})
    tf.config.run_functions_eagerly(True)
    try:
        return feature_function(config, str(path))(found)["ids"].tolist()
    finally:
        tf.config.run_functions_eagerly(False)


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
    padding: Side,
    truncating: Side,
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
