"""gensim's skip-gram model over ids: its first vectors, and learning from one part of the texts.

    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean: Distributed Representations of Words and Phrases and their
    Compositionality, 2013

The rate falls in a straight line from the first word of the first epoch to the last word of the last one.
"""

import importlib
import importlib.util
import logging
import os
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import UserError
from trainer.skip_gram.corpus import Part
from trainer.skip_gram.settings import SkipGramSettings

Floats = npt.NDArray[np.float32]

# gensim's own, as word2vec's: the rate at the first word and at the last one, and the share of the tokens above which
# occurrences of a word are left out by chance.
FIRST_RATE: Final = 0.025
LAST_RATE: Final = 0.0001
SAMPLE: Final = 1e-3


class SkipGramModel:
    """Vectors of ids. ids: int64 [words], those that have a vector, the most frequent first."""

    def __init__(self, counts: npt.NDArray[np.int64], settings: SkipGramSettings) -> None:
        """A model with first vectors, which are drawn by the seed. counts: int64 [ids].

        Raises:
          UserError: gensim is not installed, or no word is frequent enough.
        """
        gensim = _word2vec()
        logging.getLogger("gensim").setLevel(logging.WARNING)
        frequent = {str(id): int(counts[id]) for id in np.flatnonzero(counts >= settings.min_count).tolist()}
        if not frequent:
            raise UserError(
                f"--min_count: no word of the texts occurs {settings.min_count:,} times; give a smaller number"
            )
        self._settings = settings
        self._model: Any = gensim.Word2Vec(
            vector_size=settings.dim,
            window=settings.window,
            negative=settings.negative,
            min_count=settings.min_count,
            seed=settings.seed,
            workers=settings.workers,
            sg=1,
            hs=0,
            sample=SAMPLE,
            alpha=FIRST_RATE,
            min_alpha=LAST_RATE,
        )
        self._model.lifecycle_events = None  # a list that would grow with each part
        self._model.build_vocab_from_freq(frequent)
        self.ids = np.array([int(name) for name in self._model.wv.index_to_key], np.int64)

    @property
    def vectors(self) -> Floats:
        """The vectors, float32 [words, dim], in the order of `ids`; they change while the model learns."""
        return self._model.wv.vectors

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """All that learning changes, each float32 [words, dim]: vectors of words, and of words as neighbours."""
        return self._model.wv.vectors, self._model.syn1neg

    def learn(self, part: Part, *, stream: list[int], progress: tuple[float, float]) -> None:
        """Learns from the texts of a part.

        stream: numbers that choose the random draws. progress: the share of all learning that is done before the part,
        and after it; the rate depends on them.
        """
        self._model.random = np.random.RandomState([self._settings.seed, *stream])
        first, last = (FIRST_RATE - (FIRST_RATE - LAST_RATE) * done for done in progress)
        self._model.train(
            corpus_file=os.fspath(part.path),
            total_words=part.words,
            epochs=1,
            start_alpha=first,
            end_alpha=last,
        )


def _word2vec() -> Any:
    """gensim's module.

    Raises:
      UserError: it is not installed.
    """
    if importlib.util.find_spec("gensim") is None:
        raise UserError("trainer vectors: it needs gensim, which is not installed; pip install 'textrecords[vectors]'")
    return importlib.import_module("gensim.models.word2vec")


def gensim_version() -> str:
    """The version of gensim that is installed."""
    return str(importlib.import_module("gensim").__version__)
