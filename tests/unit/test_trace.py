"""The trace of a text on its way to ids, every case worked by hand; graph/test_trace.py compares it with Keras."""

from typing import Any

import pytest

from pipeline.config.settings import SequenceSettings
from pipeline.text.trace import trace_tokens, without_padding

WORDS = {"the": 1, "br": 2}
# tokens, oov, truncating -> (token, id) cut off, (token, id) used; two ids fit
CUTS = [
    ("the br",          "drop",  "pre",  [],                            [("the", 1), ("br", 2)]),
    ("the br the",      "drop",  "pre",  [("the", 1)],                  [("br", 2), ("the", 1)]),
    ("the br the",      "drop",  "post", [("the", 1)],                  [("the", 1), ("br", 2)]),
    ("the x br the",    "drop",  "pre",  [("the", 1), ("x", None)],     [("br", 2), ("the", 1)]),
    ("the br x the",    "drop",  "post", [("the", 1)],                  [("the", 1), ("br", 2), ("x", None)]),
    ("x y z the br",    "drop",  "pre",  [],                            [("x", None), ("y", None), ("z", None),
                                                                         ("the", 1), ("br", 2)]),
    ("x br the",        "token", "pre",  [("x", 1)],                    [("br", 2), ("the", 1)]),
    ("",                "drop",  "pre",  [],                            []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "oov", "truncating", "cut", "used"), CUTS)
def test_trace_finds_where_a_text_is_cut(
    text: str, oov: Any, truncating: Any, cut: list[tuple[str, int]], used: list[tuple[str, int]]
) -> None:
    settings = SequenceSettings(max_length=2, truncating=truncating)
    trace = trace_tokens(text.split(), WORDS, oov=oov, sequence=settings)
    assert [(token.token, token.id) for token in trace.cut_tokens] == cut
    assert [(token.token, token.id) for token in trace.used_tokens] == used
    assert trace.unknown == sum(word in {"x", "y", "z"} for word in text.split())
    assert trace.cut_ids == sum(id is not None for _, id in cut)


# tokens, padding, truncating -> the padded row of 4 ids, the place of each token's id in it
PLACES = [
    ("the br",              "pre",  "pre",  [0, 0, 1, 2], [2, 3]),
    ("the br",              "post", "pre",  [1, 2, 0, 0], [0, 1]),
    ("the x br",            "pre",  "post", [0, 0, 1, 2], [2, None, 3]),
    ("the x br",            "post", "post", [1, 2, 0, 0], [0, None, 1]),
    ("the br br br br",     "pre",  "pre",  [2, 2, 2, 2], [None, 0, 1, 2, 3]),
    ("the br br br the",    "post", "post", [1, 2, 2, 2], [0, 1, 2, 3, None]),
    ("the x br br br the",  "pre",  "pre",  [2, 2, 2, 1], [None, None, 0, 1, 2, 3]),
    ("x",                   "pre",  "pre",  [0, 0, 0, 0], [None]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "padding", "truncating", "ids", "places"), PLACES)
def test_trace_finds_the_place_of_each_id(
    text: str, padding: Any, truncating: Any, ids: list[int], places: list[int | None]
) -> None:
    settings = SequenceSettings(max_length=4, padding=padding, truncating=truncating)
    trace = trace_tokens(text.split(), WORDS, oov="drop", sequence=settings)
    assert trace.ids == ids
    assert [token.place for token in trace.tokens] == places
    assert trace.padding == ids.count(0)


# ids, padding -> ids without it
PADDED = [
    ([0, 0, 3, 4], "pre", [3, 4]),
    ([3, 4, 0, 0], "post", [3, 4]),
    ([0, 3, 0], "pre", [3, 0]),  # padding is at one end only
    ([0, 3, 0], "post", [0, 3]),
    ([0, 0], "pre", []),
    ([], "post", []),
]


@pytest.mark.parametrize(("ids", "padding", "expected"), PADDED)
def test_trace_takes_padding_away(ids: list[int], padding: Any, expected: list[int]) -> None:
    assert without_padding(ids, padding=padding) == expected
