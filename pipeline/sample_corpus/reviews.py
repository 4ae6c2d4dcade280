"""(seed, first row, count) -> labelled reviews. Row i is a function of the seed and i alone."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.sample_corpus.grammar import NOTHING, Floats, Grammar, Ints, Pieces, Uniforms, compile_grammar, expand
from pipeline.sample_corpus.opinions import FOREIGN, OPINIONS
from pipeline.sample_corpus.spelling import Forms, all_forms, join
from pipeline.sample_corpus.stories import OPENINGS, STORIES
from pipeline.sample_corpus.subjects import NAMES, PARTS, SUBJECTS
from pipeline.sample_corpus.words import COMMON, PRAISE_AND_BLAME, SYLLABLES, TITLES

BLOCK = 1024  # rows that share a stream of random numbers
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string()), ("label", pa.string())])
LABELS = ("positive", "negative")

MEDIAN_WORDS, SPREAD = 75.0, 0.72  # of the log-normal lengths
WORDS_A_SENTENCE, WORDS_AROUND = 10.0, 15.0  # around: the opening, the verdict and the closing
OPINION_RATE = 0.65  # of the sentences between opening and verdict; the others tell a story
TURN_RATE, MIXED_RATE = 0.15, 0.05  # reviews that change their mind; reviews that can't make it up until the verdict
STRAY_RATE = 0.08  # opinions against the drift of their review
NOISE_RATE = 0.03  # labels that are wrong
DUPLICATE_RATE, ABROAD_RATE, BRIEF_RATE, BLANK_RATE = 0.01, 0.01, 0.004, 0.003
LOWER_RATE, SHOUTED_RATE = 0.04, 0.01


@dataclass(frozen=True)
class Plan:
    """What each review of a block will be, [reviews]: everything but its words."""

    sign: Ints
    subject: Ints
    sentences: Ints  # between opening and verdict
    turn: Ints  # the sentence that turns the review round; `sentences` where none does
    mixed: npt.NDArray[np.bool_]
    whole: Ints  # the rule that is the whole review; NOTHING where it has sentences


@cache
def tables() -> tuple[Grammar, Forms]:
    """The compiled grammar, once a process."""
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
    """The random numbers of a block, made from the generator's raw bits, which NumPy promises not to change."""
    bits = np.random.PCG64(np.random.SeedSequence([seed, block]))
    return lambda count: (bits.random_raw(count) >> np.uint64(11)) * 2.0**-53


def block_of_reviews(seed: int, block: int) -> pa.RecordBatch:
    """Rows [block * BLOCK, (block + 1) * BLOCK)."""
    grammar, table = tables()
    uniforms = uniforms_of(seed, block)
    plan = make_plan(grammar, uniforms)
    pieces = expand(grammar, outline(grammar, plan, uniforms), subject=plan.subject, uniforms=uniforms)
    texts = _typed_carelessly(join(table, pieces, reviews=BLOCK, uniforms=uniforms), uniforms(BLOCK))
    source = _sources(uniforms(BLOCK), uniforms(BLOCK))
    sign = plan.sign[source] ^ (uniforms(BLOCK) < NOISE_RATE)
    ids = [f"review-{row:09d}" for row in range(block * BLOCK, (block + 1) * BLOCK)]
    columns = [pa.array(ids), texts.take(pa.array(source)), pa.array(LABELS).take(pa.array(sign))]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def make_plan(grammar: Grammar, uniforms: Uniforms) -> Plan:
    """Draw the label, the subject, the length and the shape of each review of a block."""
    words = MEDIAN_WORDS * np.exp(SPREAD * _normal(uniforms(BLOCK), uniforms(BLOCK)))
    sentences = np.maximum(np.rint((words - WORDS_AROUND) / WORDS_A_SENTENCE), 0).astype(np.int64)
    shape, tail, kind = uniforms(BLOCK), uniforms(BLOCK), uniforms(BLOCK)
    after_turn = 1 + (tail * 3).astype(np.int64)
    turns = (shape < TURN_RATE) & (sentences > after_turn)
    bounds = np.cumsum([BLANK_RATE, BRIEF_RATE, ABROAD_RATE])
    wholes = np.array([grammar.symbols[name] for name in ("blank", "brief", "all_abroad")] + [NOTHING])
    return Plan(
        sign=(uniforms(BLOCK) * 2).astype(np.int64),
        subject=(uniforms(BLOCK) * len(SUBJECTS)).astype(np.int64),
        sentences=sentences,
        turn=np.where(turns, sentences - after_turn, sentences),
        mixed=(shape >= TURN_RATE) & (shape < TURN_RATE + MIXED_RATE),
        whole=wholes[np.searchsorted(bounds, kind, side="right")],
    )


def outline(grammar: Grammar, plan: Plan, uniforms: Uniforms) -> Pieces:
    """The rules each review starts from: opening, sentences, verdict, closing; some of them left out."""
    slots = plan.sentences + 3
    review = np.repeat(np.arange(BLOCK), slots)
    place = np.arange(len(review)) - np.repeat(np.cumsum(slots) - slots, slots) - 1  # opening -1, first sentence 0
    sentences, turn, mixed = plan.sentences[review], plan.turn[review], plan.mixed[review]
    number, stray = uniforms(len(review)), uniforms(len(review))
    turned = turn < sentences
    rules: list[tuple[npt.NDArray[np.bool_], str, float | Floats]] = [
        (place == -1, "opening", 0.6),
        (place == sentences + 1, "closing", 0.2),
        (place == sentences, "verdict", np.where(turned | mixed | (sentences < 3), 1.0, 0.8)),
        (place == turn, "turn", 1.0),
        (number < OPINION_RATE, "praise", 1.0),
    ]
    symbol = np.select(
        [where for where, _, _ in rules],
        [np.where(number < rate, grammar.symbols[name], NOTHING) for _, name, rate in rules],
        grammar.symbols["story"],
    )
    against = np.where(mixed, 0.5, np.where(turned & (place < turn), 1 - STRAY_RATE, STRAY_RATE))
    body = (place >= 0) & (place < sentences) & (place != turn)
    whole = plan.whole[review]
    symbol = np.where(whole == NOTHING, symbol, np.where(place == -1, whole, NOTHING))
    return Pieces(symbol, plan.sign[review] ^ (body & (stray < against)), review)


def _normal(first: Floats, second: Floats) -> Floats:
    """Two uniform numbers -> a normal one (Box-Muller)."""
    normal: Floats = np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second)
    return normal


def _typed_carelessly(texts: pa.StringArray, number: Floats) -> pa.StringArray:
    """Some reviewers use no capitals, some nothing else."""
    lower, shouted = number < LOWER_RATE, number > 1 - SHOUTED_RATE
    texts = pc.replace_with_mask(texts, pa.array(lower), pc.utf8_lower(texts.filter(pa.array(lower))))
    return pc.replace_with_mask(texts, pa.array(shouted), pc.utf8_upper(texts.filter(pa.array(shouted))))


def _sources(number: Floats, earlier: Floats) -> Ints:
    """The row of the block that each row takes its text from: itself, or for duplicates an earlier one."""
    row = np.arange(len(number))
    return np.where(number < DUPLICATE_RATE, (earlier * row).astype(np.int64), row)
