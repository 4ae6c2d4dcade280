"""Fingerprints of tokens: equal for equal tokens and only for them, from the graph and from the fast route."""

import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.load import load
from pipeline.statistics.fingerprints import NO_TOKENS, fingerprints
from pipeline.text.fast_sequences import Features, feature_function
from pipeline.text.hashing import unknown_hashes
from pipeline.text.token_batch import split_rows

KNOWN = {"a": 1, "b": 2}

# tokens of two texts, whether they count as equal; 'a' and 'b' are words, others are unknown; records hold 3 ids
EQUAL = [
    ("a b", "a b", True),
    ("a b", "b a", False),
    ("a x", "a x", True),
    ("a x", "a y", False),
    ("a x", "a x x", False),
    ("x y", "y x", True),  # the place of unknown words is not looked at
    ("a", "a a", False),
    ("a x b", "x a b", True),
    ("b a a b", "a a a b", True),  # known words that truncation cuts off are counted alone
    ("a a a b", "a a b", False),
    ("x", "", False),
]


def columns_in_the_graph(texts: list[str], _: Path) -> Features:
    tokens = [one.split() for one in texts]
    word_ids = [[KNOWN.get(token, 0) for token in text] for text in tokens]
    flat = tf.constant([number for text in word_ids for number in text], tf.int64)
    cut = [[number for number in text if number][-3:] for text in word_ids]
    return {
        "ids": np.array([[0] * (3 - len(text)) + text for text in cut], np.int64),
        "token_count": np.array([len(text) for text in word_ids], np.int64),
        "known_count": np.array([sum(number > 0 for number in text) for text in word_ids], np.int64),
        "unknown_hash": unknown_hashes(tf.ragged.constant(tokens, dtype=tf.string), flat).numpy(),
    }


def columns_of_tokenized(texts: list[str], folder: Path) -> Features:
    path = folder / f"{uuid.uuid4().hex}.tsv"
    path.write_text("".join(f"{number}\t{word}\t1\n" for word, number in KNOWN.items()))
    tokenized = split_rows([one.encode() for one in texts])
    return feature_function(load(None, {"sequence.max_length": "3"}), str(path))(tokenized)


@pytest.mark.parametrize("columns_of", [columns_in_the_graph, columns_of_tokenized])
@pytest.mark.parametrize(("first", "second", "equal"), EQUAL)
def test_fingerprints_are_equal_for_equal_tokens(
    first: str, second: str, equal: bool, columns_of: Callable[[list[str], Path], Features], tmp_path: Path
) -> None:
    columns = columns_of([first, second], tmp_path)
    result = fingerprints(
        columns["ids"],
        token_counts=columns["token_count"].astype(np.int64),
        known_counts=columns["known_count"].astype(np.int64),
        unknown=columns["unknown_hash"].astype(np.int64),
    )
    assert (result[0] == result[1]) == equal
    assert [number == NO_TOKENS for number in result] == [not text for text in (first, second)]
