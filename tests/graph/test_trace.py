"""The trace of a text on its way to ids against tf_keras's pad_sequences."""

from typing import Any

import numpy as np
import pytest
from tf_keras.preprocessing.sequence import pad_sequences

from pipeline.config.settings import SequenceSettings
from pipeline.text.trace import trace_tokens


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("oov", ["drop", "token"])
def test_trace_gives_the_rows_of_keras(padding: Any, truncating: Any, oov: Any) -> None:
    draw = np.random.default_rng(0)
    first = 2 if oov == "token" else 1
    words = {name: first + number for number, name in enumerate("abcd")}
    settings = SequenceSettings(max_length=5, padding=padding, truncating=truncating)
    for length in range(12):
        tokens = draw.choice(list("abcdxyz"), length).tolist()
        unknown = [1] if oov == "token" else []
        ids = [id for token in tokens for id in ([words[token]] if token in words else unknown)]
        trace = trace_tokens(tokens, words, oov=oov, sequence=settings)
        (expected,) = pad_sequences([ids], 5, padding=padding, truncating=truncating).tolist()
        assert trace.ids == expected
        assert all(trace.ids[token.place] == token.id for token in trace.tokens if token.place is not None)
        assert [token.token for token in trace.tokens] == tokens
