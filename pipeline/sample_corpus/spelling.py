"""The fragments of many reviews -> their texts, with capital letters, "a" or "an", and some typos."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.sample_corpus.grammar import CAPITAL, Symbols, Uniforms

TYPO_RATE = 0.008  # of the fragments with a word of 4 letters or more: about one typo in 250 words
_ENDS_SENTENCE = re.compile(r"([.!?…]\s|<br />|\n)$")
_VOWEL = re.compile(r"[aeio](?<!one)|u(?!ni|s[ei])", re.IGNORECASE)
_ARTICLE = re.compile(r"\b([Aa])( )$")
_INITIAL = re.compile(r"^[\"'(“]*\w")
_LONG_WORD = re.compile(r"\b[a-z]{4,}\b")
_NEXT_KEY = str.maketrans("abcdefghijklmnopqrstuvwxyz", "svxfrghjoklknmpowtdyibecux")
FORMS = 8  # of each fragment: plain, with a capital, with "an", with both, and with one of four typos
PLAIN, UPPER, AN, TYPOS = 0, 1, 2, 4


@dataclass(frozen=True)
class Forms:
    """Every fragment in every form: form f of fragment i is `texts[i * FORMS + f]`."""

    texts: pa.StringArray
    ends_sentence: npt.NDArray[np.bool_]  # [fragments], as the next three
    vowel: npt.NDArray[np.bool_]
    article: npt.NDArray[np.bool_]
    long_word: npt.NDArray[np.bool_]


def all_forms(fragments: tuple[str, ...]) -> Forms:
    """The forms of each fragment."""
    plain = ["" if number == CAPITAL else text for number, text in enumerate(fragments)]
    return Forms(
        texts=pa.array([form for text in plain for form in forms(text)], pa.string()),
        ends_sentence=np.array([bool(_ENDS_SENTENCE.search(text)) for text in plain]),
        vowel=np.array([bool(_VOWEL.match(text)) for text in plain]),
        article=np.array([bool(_ARTICLE.search(text)) for text in plain]),
        long_word=np.array([bool(_LONG_WORD.search(text)) for text in plain]),
    )


def forms(text: str) -> list[str]:
    """The eight forms of one fragment.

    >>> forms("by a ")
    ['by a ', 'By a ', 'by an ', 'By an ', 'by a ', 'by a ', 'by a ', 'by a ']
    >>> forms("lamp")[4:]
    ['lapm', 'lam', 'laamp', 'lsmp']
    """
    an = _ARTICLE.sub(r"\1n\2", text)
    return [text, _capital(text), an, _capital(an), *(_typo(text, kind) for kind in range(4))]


def _capital(text: str) -> str:
    return _INITIAL.sub(lambda match: match[0].upper(), text)


def _typo(text: str, kind: int) -> str:
    """A typo in the last word of four letters or more. kind: two letters swapped, one dropped, one doubled, the next key."""
    words = list(_LONG_WORD.finditer(text))
    if not words:
        return text
    at = words[-1].start() + (1 if kind > 1 else len(words[-1][0]) - 2)
    two = text[at : at + 2]
    wrong = (two[::-1], two[:1], two[:1] + two, two[0].translate(_NEXT_KEY) + two[1:])[kind]
    return text[:at] + wrong + text[at + 2 :]


def join(table: Forms, fragments: Symbols, *, reviews: int, uniforms: Uniforms) -> pa.StringArray:
    """Fragments in reading order -> a text for each review, [reviews]."""
    fragment, review = fragments.symbol, fragments.review
    after_end = np.append(True, table.ends_sentence[fragment[:-1]] | (review[1:] != review[:-1]))
    is_mark = fragment == CAPITAL
    upper = after_end | np.append(False, is_mark[:-1])
    fragment, review, upper = fragment[~is_mark], review[~is_mark], upper[~is_mark]
    before_vowel = np.append(table.vowel[fragment[1:]] & (review[1:] == review[:-1]), False)
    an = table.article[fragment] & before_vowel
    number = uniforms(len(fragment))
    typo = (number < TYPO_RATE) & table.long_word[fragment] & ~upper & ~an
    kind = TYPOS + (number * (4 / TYPO_RATE)).astype(np.int64)
    form = np.where(typo, kind, UPPER * upper + AN * an)
    texts = table.texts.take(pa.array(fragment * FORMS + form))
    ends = np.cumsum(np.bincount(review, minlength=reviews))
    lists = pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), texts)
    return pc.utf8_trim_whitespace(pc.binary_join(lists, ""))
