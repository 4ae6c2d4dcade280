"""The settings of a model -> the kinds of n-grams that its texts have.

    run of 1 to n words            model.ngrams: n           "not", "not very", "not very good"
    pair with words between        model.ngram_gaps: g       "not _ good", up to g words between
    word or pair near the end      model.ngram_ending: w     words and pairs that begin among the last w words

An n-gram with something between, or near the end, is another one than the run of the same words. Verdicts stand at the
end of a review. Log loss of n-grams alone on the eval and test parts of five folds of IMDB's training reviews:

    runs of 1 to 3 words, punctuation                              0.2411
    and pairs with a word between; with one or two                 0.2387
    and words and pairs among the last 60                          0.2355
    and both, up to two words between                              0.2315

Pairs with gaps are the skip-grams of D. Guthrie et al., "A closer look at skip-gram modelling", LREC 2006.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.config.settings import ModelSettings

_PAIR = 2


class Kind(NamedTuple):
    """One kind.

    offsets: of its words, from the first one. mark: hashed before its last word, so that kinds with the same words
    differ; None: a run. ending: it begins among so many last words of a text; None: anywhere.
    """

    offsets: tuple[int, ...]
    mark: int | None = None
    ending: int | None = None

    def text(self, words: Sequence[str]) -> str:
        """How people see an n-gram of this kind.

        words: all words of the text from its first word on, as many as it spans.

        >>> Kind((0, 1)).text(["not", "good"])
        'not good'
        >>> Kind((0, 2), mark=1).text(["not", "very", "good"])
        'not _ good'
        >>> Kind((0,), mark=0, ending=60).text(["good"])
        '[near the end] good'
        """
        shown = " ".join(word if place in self.offsets else "_" for place, word in enumerate(words))
        return shown if self.ending is None else f"[near the end] {shown}"


class NgramKinds(NamedTuple):
    """longest: words of the longest runs; gaps: most words between the words of a pair; ending: last words, 0: none."""

    longest: int
    gaps: int = 0
    ending: int = 0

    @classmethod
    def of(cls, settings: ModelSettings) -> "NgramKinds":
        """Those of a model."""
        return cls(settings.ngrams, settings.ngram_gaps, settings.ngram_ending)

    def each(self) -> tuple[Kind, ...]:
        """All kinds, in the order of their columns in `ngram_codes`.

        >>> [kind.offsets for kind in NgramKinds(3).each()]
        [(0,), (0, 1), (0, 1, 2)]
        >>> NgramKinds(1, gaps=1, ending=60).each()[1:]  # doctest: +NORMALIZE_WHITESPACE
        (Kind(offsets=(0, 2), mark=1, ending=None), Kind(offsets=(0,), mark=0, ending=60),
         Kind(offsets=(0, 1), mark=0, ending=60))
        """
        runs = [Kind(tuple(range(words))) for words in range(1, self.longest + 1)]
        pairs = [Kind((0, between + 1), mark=between) for between in range(1, self.gaps + 1)]
        last = [Kind(tuple(range(words)), mark=0, ending=self.ending) for words in range(1, _PAIR + 1)]
        return (*runs, *pairs, *(last if self.ending else []))

    def told(self) -> str:
        """The kinds in a sentence.

        >>> NgramKinds(3).told()
        'runs of 1 to 3 words'
        >>> NgramKinds(2, gaps=2, ending=60).told()
        'runs of 1 to 2 words, pairs with up to 2 words between, words and pairs among the last 60'
        """
        parts = [f"runs of 1 to {self.longest} words"]
        if self.gaps:
            parts.append(f"pairs with up to {self.gaps} words between")
        if self.ending:
            parts.append(f"words and pairs among the last {self.ending}")
        return ", ".join(parts)
