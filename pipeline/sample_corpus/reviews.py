"""(seed, block) -> the labelled reviews of the block. Row i depends on the seed and i alone."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.sample_corpus.grammar import NOTHING, Floats, Grammar, Ints, Symbols, Uniforms, compile_grammar, expand
from pipeline.sample_corpus.opinions import FOREIGN, OPINIONS
from pipeline.sample_corpus.spelling import Forms, all_forms, join
from pipeline.sample_corpus.stories import OPENINGS, STORIES
from pipeline.sample_corpus.subjects import NAMES, PARTS, SUBJECTS
from pipeline.sample_corpus.words import COMMON, PRAISE_AND_BLAME, SYLLABLES, TITLES

BLOCK_ROWS = 1024  # rows that share a stream of random numbers
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string()), ("label", pa.string())])
LABELS = ("positive", "negative")

# Lengths in words are log-normal.
MEDIAN_WORDS, SPREAD = 75.0, 0.72
WORDS_A_SENTENCE = 10.0
WORDS_AROUND = 15.0  # in the opening, the verdict and the closing together
# Rates are shares of the reviews, except the next and STRAY_RATE.
OPINION_RATE = 0.65  # of the sentences between opening and verdict; the others are part of a story
TURN_RATE = 0.15  # reviews that change their mind
MIXED_RATE = 0.05  # reviews without an opinion until the verdict
STRAY_RATE = 0.08  # opinions that contradict their review
NOISE_RATE = 0.03  # wrong labels
DUPLICATE_RATE, ABROAD_RATE, BRIEF_RATE, BLANK_RATE = 0.01, 0.01, 0.004, 0.003
LOWER_RATE, SHOUTED_RATE = 0.04, 0.01


@dataclass(frozen=True)
class Shapes:
    """The reviews of a block without their words, [reviews] each."""

    sign: Ints
    subject: Ints
    sentences: Ints  # between opening and verdict
    turn: Ints  # the sentence at which the review changes its mind; `sentences` if none
    mixed: npt.NDArray[np.bool_]
    whole: Ints  # the rule for the whole review; NOTHING if it has sentences


@cache
def tables() -> tuple[Grammar, Forms]:
    """The compiled grammar and the forms of its fragments, made once in a process."""
    rules = {
        **PRAISE_AND_BLAME,
        **COMMON,
        **SYLLABLES,
        **TITLES,
        **NAMES,
        **PARTS,
        **OPINIONS,
        **FOREIGN,
        **OPENINGS,
        **STORIES,
    }
    grammar = compile_grammar(rules, subjects=SUBJECTS)
    return grammar, all_forms(grammar.fragments)


def uniforms_of(seed: int, block: int) -> Uniforms:
    """The random numbers of a block, from the raw bits of the generator: NumPy guarantees that they never change."""
    bits = np.random.PCG64(np.random.SeedSequence([seed, block]))
    return lambda count: (bits.random_raw(count) >> np.uint64(11)) * 2.0**-53


def block_of_reviews(seed: int, block: int) -> pa.RecordBatch:
    """Rows [block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)."""
    grammar, table = tables()
    uniforms = uniforms_of(seed, block)
    shapes = draw_shapes(grammar, uniforms)
    fragments = expand(grammar, outline(grammar, shapes, uniforms), subject=shapes.subject, uniforms=uniforms)
    texts = _with_odd_case(join(table, fragments, reviews=BLOCK_ROWS, uniforms=uniforms), uniforms(BLOCK_ROWS))
    source = _sources(uniforms(BLOCK_ROWS), uniforms(BLOCK_ROWS))
    sign = shapes.sign[source] ^ (uniforms(BLOCK_ROWS) < NOISE_RATE)
    ids = [f"review-{row:09d}" for row in range(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)]
    columns = [pa.array(ids), texts.take(pa.array(source)), pa.array(LABELS).take(pa.array(sign))]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def draw_shapes(grammar: Grammar, uniforms: Uniforms) -> Shapes:
    """Draws label, subject, length and course of each review of a block."""
    words = MEDIAN_WORDS * np.exp(SPREAD * _normal(uniforms(BLOCK_ROWS), uniforms(BLOCK_ROWS)))
    sentences = np.maximum(np.rint((words - WORDS_AROUND) / WORDS_A_SENTENCE), 0).astype(np.int64)
    shape, tail, kind = uniforms(BLOCK_ROWS), uniforms(BLOCK_ROWS), uniforms(BLOCK_ROWS)
    after_turn = 1 + (tail * 3).astype(np.int64)
    turns = (shape < TURN_RATE) & (sentences > after_turn)
    bounds = np.cumsum([BLANK_RATE, BRIEF_RATE, ABROAD_RATE])
    wholes = np.array([grammar.symbols[name] for name in ("blank", "brief", "all_abroad")] + [NOTHING])
    return Shapes(
        sign=(uniforms(BLOCK_ROWS) * 2).astype(np.int64),
        subject=(uniforms(BLOCK_ROWS) * len(SUBJECTS)).astype(np.int64),
        sentences=sentences,
        turn=np.where(turns, sentences - after_turn, sentences),
        mixed=(shape >= TURN_RATE) & (shape < TURN_RATE + MIXED_RATE),
        whole=wholes[np.searchsorted(bounds, kind, side="right")],
    )


def outline(grammar: Grammar, shapes: Shapes, uniforms: Uniforms) -> Symbols:
    """The rules that each review starts from: opening, sentences, verdict, closing; some are left out."""
    slots = shapes.sentences + 3
    review = np.repeat(np.arange(BLOCK_ROWS), slots)
    place = np.arange(len(review)) - np.repeat(np.cumsum(slots) - slots, slots) - 1  # opening -1, first sentence 0
    sentences, turn, mixed = shapes.sentences[review], shapes.turn[review], shapes.mixed[review]
    number, stray = uniforms(len(review)), uniforms(len(review))
    changes_mind = turn < sentences
    rules: list[tuple[npt.NDArray[np.bool_], str, float | Floats]] = [
        (place == -1, "opening", 0.6),
        (place == sentences + 1, "closing", 0.2),
        (place == sentences, "verdict", np.where(changes_mind | mixed | (sentences < 3), 1.0, 0.8)),
        (place == turn, "turn", 1.0),
        (number < OPINION_RATE, "praise", 1.0),
    ]
    symbol = np.select(
        [where for where, _, _ in rules],
        [np.where(number < rate, grammar.symbols[name], NOTHING) for _, name, rate in rules],
        grammar.symbols["story"],
    )
    against = np.where(mixed, 0.5, np.where(changes_mind & (place < turn), 1 - STRAY_RATE, STRAY_RATE))
    body = (place >= 0) & (place < sentences) & (place != turn)
    whole = shapes.whole[review]
    symbol = np.where(whole == NOTHING, symbol, np.where(place == -1, whole, NOTHING))
    return Symbols(symbol, shapes.sign[review] ^ (body & (stray < against)), review)


def _normal(first: Floats, second: Floats) -> Floats:
    """Two uniform numbers -> a normal one (Box-Muller)."""
    normal: Floats = np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second)
    return normal


def _with_odd_case(texts: pa.StringArray, number: Floats) -> pa.StringArray:
    """Some reviews in lower case, some in capitals."""
    lower, shouted = number < LOWER_RATE, number > 1 - SHOUTED_RATE
    texts = pc.replace_with_mask(texts, pa.array(lower), pc.utf8_lower(texts.filter(pa.array(lower))))
    return pc.replace_with_mask(texts, pa.array(shouted), pc.utf8_upper(texts.filter(pa.array(shouted))))


def _sources(number: Floats, earlier: Floats) -> Ints:
    """The row whose text each row has: its own, or for duplicates an earlier one of the block."""
    row = np.arange(len(number))
    return np.where(number < DUPLICATE_RATE, (earlier * row).astype(np.int64), row)
