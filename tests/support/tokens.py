"""Both routes from texts to tokens, as tests ask them: the TensorFlow graph, and bytes and NumPy."""

import itertools
from collections.abc import Callable

import pyarrow as pa
import tensorflow as tf

from pipeline.config.settings import TextSettings
from pipeline.text import graph
from pipeline.text.fast_tokenizer import make_tokenizer
from pipeline.text.token_batch import TokenBatch

TokensOf = Callable[[list[str], TextSettings], list[list[str]]]


def in_the_graph(texts: list[str], text_settings: TextSettings) -> list[list[str]]:
    found = graph.tokenize(tf.constant([one.encode() for one in texts], tf.string), text_settings)
    return [[token.decode() for token in tokens] for tokens in found.to_list()]


def tokenized_once(texts: list[str], text_settings: TextSettings) -> list[list[str]]:
    found = tokenized_of([one.encode() for one in texts], text_settings)
    tokens = [found.distinct[number].as_py().decode() for number in found.indices.tolist()]
    return [tokens[begin:end] for begin, end in itertools.pairwise(found.row_splits.tolist())]


def tokenized_of(texts: list[bytes], text_settings: TextSettings) -> TokenBatch:
    tf.config.run_functions_eagerly(True)  # to trace a graph for each example would take minutes
    try:
        return make_tokenizer(text_settings)(pa.array(texts, pa.large_binary()))
    finally:
        tf.config.run_functions_eagerly(False)


def escaped(token: str) -> str:
    """A token as files write it."""
    return token.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
