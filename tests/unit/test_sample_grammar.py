"""The sample's notation for rules, and its spelling: small grammars whose texts were worked out by hand."""

import numpy as np
import pytest

from pipeline.sample_corpus.grammar import BLAME, PRAISE, Floats, Symbols, Uniforms, compile_grammar, expand
from pipeline.sample_corpus.spelling import all_forms, forms, join

SUBJECTS = ("film", "book")


def always(number: float) -> Uniforms:
    return lambda count: np.full(count, number)


def in_turn(*numbers: float) -> Uniforms:
    """The numbers one after the other, for rules that are asked one at a time."""
    left = list(numbers)

    def uniforms(count: int) -> Floats:
        return np.array([left.pop(0) for _ in range(count)])

    return uniforms


def texts_of(
    rules: dict[str, str], *, sign: int = PRAISE, subjects: list[int] | None = None, uniforms: Uniforms | None = None
) -> list[str]:
    """What the rule "start" gives for one review of each subject, without typos."""
    grammar = compile_grammar(rules, subjects=SUBJECTS)
    subject = np.array(subjects or [0])
    reviews = np.arange(len(subject))
    start = Symbols(np.full(len(subject), grammar.symbols["start"]), np.full(len(subject), sign), reviews)
    pieces = expand(grammar, start, subject=subject, uniforms=uniforms or always(0.0))
    table = all_forms(grammar.fragments)
    return join(table, pieces, reviews=len(subject), uniforms=always(0.99)).to_pylist()


GOOD_OR_BAD = {"good+": "good", "good-": "bad"}

# rules, to praise or to blame, text
NOTATION = [
    ({"start": "fine"}, PRAISE, "Fine"),
    ({"start": "it was {good}", **GOOD_OR_BAD}, PRAISE, "It was good"),
    ({"start": "it was {good}", **GOOD_OR_BAD}, BLAME, "It was bad"),
    ({"start": "it was not {~good}", **GOOD_OR_BAD}, PRAISE, "It was not bad"),
    ({"start": "it was not {~good}", **GOOD_OR_BAD}, BLAME, "It was not good"),
    ({"start": "{~not}", "not": "not {~good}", **GOOD_OR_BAD}, PRAISE, "Not good"),  # turned twice
    ({"start": "{very}{end}", "very": "2 * () | very_", "end": "good"}, PRAISE, "Good"),
    ({"start": "one¶¶two"}, PRAISE, "One\n\ntwo"),
    ({"start": "by {^name}", "name": "{head}{end}", "head": "lo", "end": "ka"}, PRAISE, "By Loka"),
    ({"start": "one. {two}", "two": "two"}, PRAISE, "One. Two"),
    ({"start": "one.{two}", "two": "two"}, PRAISE, "One.two"),
    ({"start": "a {thing} and a {other}", "thing": "owl", "other": "cat"}, PRAISE, "An owl and a cat"),
    ({"start": "a {^thing}", "thing": "owl"}, PRAISE, "An Owl"),
    ({"start": "a {thing}", "thing": "university"}, PRAISE, "A university"),  # a vowel that does not sound like one
    ({"start": '"how {word}!"', "word": "fine"}, PRAISE, '"How fine!"'),
]


@pytest.mark.parametrize(("rules", "sign", "expected"), NOTATION)
def test_sample_grammar_notation(rules: dict[str, str], sign: int, expected: str) -> None:
    assert texts_of(rules, sign=sign) == [expected]


def test_sample_grammar_prefers_the_list_of_the_subject() -> None:
    rules = {"start": "the {part}", "part": "thing", "part/book": "prose"}
    assert texts_of(rules, subjects=[0, 1]) == ["The thing", "The prose"]


def test_sample_grammar_keeps_what_is_chosen_once() -> None:
    rules = {"start": "{@hero} met {@hero} and {other}", "@hero": "{name}", "other": "{name}", "name": "1 * {a} | {b}"}
    rules |= {"a": "Ann", "b": "Bob"}
    # Hero: {name}, {b}. Then the review asks for {other}, {name} and {a}.
    numbers = in_turn(0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert texts_of(rules, uniforms=numbers) == ["Bob met Bob and Ann"]


@pytest.mark.parametrize(("number", "expected"), [
    (0.00, "film"), (0.54, "film"),  # weights 240, 120 and 80 of 440: up to 0.545 ...
    (0.55, "movie"), (0.81, "movie"),  # ... up to 0.818 ...
    (0.82, "picture"), (0.999, "picture"),
])  # fmt: skip
def test_sample_grammar_ranks_a_list_of_bare_words(number: float, expected: str) -> None:
    rules = {"start": "the {thing}", "thing": "film | movie | picture"}
    assert texts_of(rules, uniforms=always(number)) == [f"The {expected}"]


@pytest.mark.parametrize(("number", "expected"), [(0.74, "The one"), (0.76, "The two")])
def test_sample_grammar_obeys_weights(number: float, expected: str) -> None:
    rules = {"start": "the {thing}", "thing": "3 * one | two"}
    assert texts_of(rules, uniforms=always(number)) == [expected]


def test_sample_grammar_names_a_missing_rule() -> None:
    with pytest.raises(KeyError, match="nobody"):
        compile_grammar({"start": "{nobody}"}, subjects=SUBJECTS)


# fragment, its four typos: two letters swapped, one dropped, one doubled, one beside the right key
TYPOS = [
    ("kettle ", ["kettel ", "kettl ", "keettle ", "krttle "]),
    ("the kettle was ", ["the kettel was ", "the kettl was ", "the keettle was ", "the krttle was "]),
    ("the owl ", ["the owl "] * 4),  # short words are right
    ("非常好", ["非常好"] * 4),
]


@pytest.mark.parametrize(("text", "expected"), TYPOS)
def test_sample_spelling_typos(text: str, expected: list[str]) -> None:
    assert forms(text)[4:] == expected


def test_sample_spelling_starts_each_review_and_keeps_empty_ones() -> None:
    table = all_forms(("", "\0", "one ", "two"))
    nobody = np.zeros(4, np.int64)
    pieces = Symbols(np.array([2, 3, 2, 3]), nobody, np.array([0, 0, 2, 2]))
    assert join(table, pieces, reviews=4, uniforms=always(0.99)).to_pylist() == ["One two", "", "One two", ""]
