"""Rules in a small notation -> tables; start symbols of many reviews -> fragments of text, for all reviews at once.

A grammar is a dict from rule names to alternatives, one a line or separated by `|`:

    "remark":  3 * {part} was {very}{good}      weight 3; rules in braces are replaced by their text
               {part} was not {~good}           `~` swaps praise and blame
    "very":    5 * () | very_ | truly_          `()` is nothing; `_` is a space at either end, `¶` a new line
    "good+":   superb | fine                    the list for praise; "good-" is the one for blame
    "part/film": the plot | the acting          the list for one subject
    "@hero":   {^syllable}{ending}              `@`: chosen once for each review; `^`: with a capital letter

A list of bare words without weights is ranked: the second word is half as frequent as the first, the third a third as
frequent, as in any language (Zipf's law).
An `@` rule may use only `@` rules above it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Uniforms = Callable[[int], Floats]

NOTHING, CAPITAL = 0, 1  # fragments 0 and 1: no text, and "the next fragment takes a capital letter"
PRAISE, BLAME = 0, 1
SIGNS = ("+", "-")
TOP_WEIGHT = 240  # of the first word of a ranked list: the longest lists have 100 words, so the last still weighs 2
_FIELD = re.compile(r"\{([~^]*)(@?\w+)\}")
_WEIGHT = re.compile(r"(\d+) \* ")


@dataclass(frozen=True)
class Grammar:
    """A compiled grammar. A symbol below 0 is rule `-1 - symbol`; any other is the number of a fragment of text."""

    fragments: tuple[str, ...]
    symbols: Mapping[str, int]
    once: Ints  # the symbols of the `@` rules
    first: Ints  # [rules, signs, subjects]: the index of the first alternative ...
    count: Ints  # ... and the number of alternatives, each repeated by its weight; 0 for an `@` rule that is chosen
    start: Ints  # [alternatives]: the index in `body` of its first symbol ...
    length: Ints  # ... and the number of its symbols
    body: Ints
    swap: Ints  # as long as `body`: 1 where praise and blame are swapped


@dataclass(frozen=True)
class Symbols:
    """Symbols in reading order, each with its sign (praise or blame) and the number of its review."""

    symbol: Ints
    sign: Ints
    review: Ints


def alternatives(rule: str) -> list[tuple[int, str]]:
    """Split the text of a rule into (weight, template) pairs.

    >>> alternatives("2 * () | very_")
    [(2, ''), (1, 'very ')]
    >>> alternatives("film | movie | picture")
    [(240, 'film'), (120, 'movie'), (80, 'picture')]
    """
    pairs = []
    for alternative in re.split(r"[\n|]", rule):
        template = alternative.strip()
        if not template:
            continue
        weight = _WEIGHT.match(template)
        if weight:
            template = template[weight.end() :]
        template = "" if template == "()" else re.sub(r"^_|_$", " ", template).replace("¶", "\n")
        pairs.append((int(weight[1]) if weight else 1, template))
    if any(weight > 1 or "{" in template for weight, template in pairs):
        return pairs
    return [(TOP_WEIGHT // rank, template) for rank, (_, template) in enumerate(pairs, start=1)]


def compile_grammar(rules: Mapping[str, str], *, subjects: Sequence[str]) -> Grammar:
    """Turn rules into tables. Raises KeyError for a rule that is used and not there."""
    names = list(dict.fromkeys(re.split(r"[+/-]", key)[0] for key in rules))
    symbols = {name: -1 - number for number, name in enumerate(names)}
    fragments = {"": NOTHING, "\0": CAPITAL}
    body: list[tuple[int, int]] = []
    choices: list[tuple[int, int]] = []  # the start and length of each alternative, repeated by its weight
    spans: dict[str, tuple[int, int]] = {}
    for key, rule in rules.items():
        before = len(choices)
        for weight, template in alternatives(rule):
            parts = _parse(template, symbols, fragments)
            choices += [(len(body), len(parts))] * weight
            body += parts
        spans[key] = (before, len(choices) - before)
    table = np.array([[[spans[_key(spans, name, s, of)] for of in subjects] for s in SIGNS] for name in names])
    return Grammar(
        fragments=tuple(fragments),
        symbols=symbols,
        once=np.array([symbol for name, symbol in symbols.items() if name.startswith("@")], np.int64),
        first=table[..., 0],
        count=table[..., 1],
        start=np.array([start for start, _ in choices]),
        length=np.array([length for _, length in choices]),
        body=np.array([symbol for symbol, _ in body]),
        swap=np.array([swap for _, swap in body]),
    )


def _key(keys: Mapping[str, object], name: str, sign: str, subject: str) -> str:
    """The most specific rule of a name: for the subject, else for the sign, else for all."""
    return next(key for key in (f"{name}/{subject}", f"{name}{sign}", name) if key in keys)


def _parse(template: str, symbols: Mapping[str, int], fragments: dict[str, int]) -> list[tuple[int, int]]:
    """Template -> (symbol, swap) pairs; a new fragment gets the next number."""
    parts: list[tuple[int, int]] = []
    position = 0
    for field in _FIELD.finditer(template):
        literal = template[position : field.start()]
        if literal:
            parts.append((fragments.setdefault(literal, len(fragments)), 0))
        if "^" in field[1]:
            parts.append((CAPITAL, 0))
        parts.append((symbols[field[2]], int("~" in field[1])))
        position = field.end()
    if template[position:] or not parts:
        parts.append((fragments.setdefault(template[position:], len(fragments)), 0))
    return parts


def expand(grammar: Grammar, symbols: Symbols, *, subject: Ints, uniforms: Uniforms) -> Symbols:
    """Replaces each rule by one of its alternatives until only fragments are left; empty ones are dropped.

    subject: of each review, [reviews]; uniforms(n): n random numbers in [0, 1).
    The `@` rules are expanded first, once for each review. The result becomes one more alternative of the rule.
    """
    reviews = np.arange(len(subject))
    for symbol in grammar.once:
        roots = Symbols(np.full(len(reviews), symbol), np.zeros_like(reviews), reviews)
        chosen = _fill(grammar, roots, subject=subject, uniforms=uniforms)
        length = np.bincount(chosen.review, minlength=len(reviews))
        first = grammar.first.copy()
        first[-1 - symbol] = len(grammar.start)
        count = grammar.count.copy()
        count[-1 - symbol] = 0
        grammar = replace(
            grammar,
            first=first,
            count=count,
            start=np.append(grammar.start, np.cumsum(length) - length + len(grammar.body)),
            length=np.append(grammar.length, length),
            body=np.append(grammar.body, chosen.symbol),
            swap=np.append(grammar.swap, np.zeros_like(chosen.symbol)),
        )
    return _fill(grammar, symbols, subject=subject, uniforms=uniforms)


def _fill(grammar: Grammar, symbols: Symbols, *, subject: Ints, uniforms: Uniforms) -> Symbols:
    """Replaces all rules, one pass for each level of nesting. A chosen rule has one alternative for each review."""
    while (rules := np.flatnonzero(symbols.symbol < 0)).size:
        review = symbols.review[rules]
        place = (-1 - symbols.symbol[rules], symbols.sign[rules], subject[review])
        count = grammar.count[place]
        offset = np.where(count > 0, (uniforms(len(rules)) * count).astype(np.int64), review)
        symbols = _replace(grammar, symbols, rules, grammar.first[place] + offset)
    text = symbols.symbol != NOTHING
    return Symbols(symbols.symbol[text], symbols.sign[text], symbols.review[text])


def _replace(grammar: Grammar, symbols: Symbols, rules: Ints, choice: Ints) -> Symbols:
    """Replaces rules by the symbols of the alternatives that were drawn for them."""
    length = np.ones(len(symbols.symbol), np.int64)
    length[rules] = grammar.length[choice]
    symbol = np.repeat(symbols.symbol, length)
    sign = np.repeat(symbols.sign, length)
    filled = _spans((np.cumsum(length) - length)[rules], length[rules])
    source = _spans(grammar.start[choice], grammar.length[choice])
    symbol[filled] = grammar.body[source]
    sign[filled] ^= grammar.swap[source]
    return Symbols(symbol, sign, np.repeat(symbols.review, length))


def _spans(start: Ints, length: Ints) -> Ints:
    """Positions start[0], start[0] + 1, ..., then those of start[1], and so on.

    >>> _spans(np.array([7, 2]), np.array([2, 3])).tolist()
    [7, 8, 2, 3, 4]
    """
    shift = start - (np.cumsum(length) - length)
    positions: Ints = np.repeat(shift, length) + np.arange(int(length.sum()))
    return positions
