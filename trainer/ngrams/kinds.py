"""The settings of a model -> the kinds of n-grams that its texts have.

    run of 1 to n words            model.ngrams: n           "not", "not very", "not very good"
    pair with words between        model.ngram_gaps: g       "not _ good", 1 to g words between
    word or pair near the end      model.ngram_ending: w     words and pairs that begin among the last w ids

An n-gram with something between, or near the end, is another one than the run of the same words, and counts beside it.
Verdicts stand at the end of a review. N-grams alone with text.punctuation, learnt from 17,000 IMDB reviews, on 8,000
others of films that are not among them (four folds):

                                                       log loss    accuracy
    runs of 1 to 3 words                                 0.2424      0.9038
    and pairs with a word between                        0.2402      0.9046
    runs, and words and pairs among the last 60          0.2363      0.9049
    runs, pairs with 1 or 2 words between, the last 60   0.2335      0.9064

The last 30 or 100 words instead of 60 gave 0.2377 and 0.2377 where 60 gave 0.2376 (three folds). Pairs with gaps are
the skip-grams of D. Guthrie et al., "A closer look at skip-gram modelling", LREC 2006.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from pipeline.config.settings import ModelSettings

_PAIR: Final = 2


class Kind(NamedTuple):
    """One kind.

    offsets: of its words, from the first one. mark: hashed before its last word, so that kinds with the same words
    differ; None: a run. ending: it begins among so many last words of a text; None: anywhere.
    """

    offsets: tuple[int, ...]
    mark: int | None = None
    ending: int | None = None

    @property
    def span(self) -> int:
        """Words from its first to its last, those between included."""
        return self.offsets[-1] + 1

    def places(self, length: int) -> int:
        """At how many places of a row of so many ids one can begin.

        >>> Kind((0, 2)).places(5), Kind((0, 2)).places(1)
        (3, 0)
        """
        return max(length - self.span + 1, 0)

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


# The kind whose code is the id itself.
WORD: Final = Kind((0,))


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
        >>> NgramKinds(1, gaps=1, ending=60).each()[1:] == (Kind((0, 2), 1), Kind((0,), 0, 60), Kind((0, 1), 0, 60))
        True
        """
        runs = [Kind(tuple(range(words))) for words in range(1, self.longest + 1)]
        pairs = [Kind((0, between + 1), mark=between) for between in range(1, self.gaps + 1)]
        last = [Kind(tuple(range(words)), mark=0, ending=self.ending) for words in range(1, _PAIR + 1)]
        return (*runs, *pairs, *(last if self.ending else []))

    def told(self) -> str:
        """The kinds in a sentence.

        >>> NgramKinds(1).told(), NgramKinds(3).told()
        ('single words', 'runs of 1 to 3 words')
        >>> NgramKinds(1, gaps=1, ending=1).told()
        'single words, pairs with 1 word between, the last word'
        >>> NgramKinds(2, gaps=2, ending=60).told().split(", ", 1)[1:]
        ['pairs with 1 to 2 words between, words and pairs among the last 60']
        """
        parts = ["single words" if self.longest == 1 else f"runs of 1 to {self.longest} words"]
        if self.gaps:
            parts.append(f"pairs with {'1 word' if self.gaps == 1 else f'1 to {self.gaps} words'} between")
        if self.ending:
            parts.append("the last word" if self.ending == 1 else f"words and pairs among the last {self.ending}")
        return ", ".join(parts)
