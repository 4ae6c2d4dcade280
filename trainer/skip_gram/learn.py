"""Parts of texts -> a model that has learnt from them for some epochs; it goes on after a kill.

The state is kept after each epoch. With one worker the vectors depend on records and settings alone: a training that is
killed and resumed ends with the same bits. Several workers write into the same vectors without a lock, as word2vec
does, so each run gives slightly other ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer import files
from trainer.skip_gram import checkpoint
from trainer.skip_gram.corpus import Corpus
from trainer.skip_gram.model import SkipGramModel
from trainer.skip_gram.settings import SkipGramSettings


@dataclass(frozen=True)
class Learnt:
    """How far learning is. epoch: the present one, from 1. words: of all epochs so far; total: of all epochs."""

    epoch: int
    epochs: int
    words: int
    total: int

    @property
    def ends_epoch(self) -> bool:
        """Whether the present epoch is complete."""
        return self.words * self.epochs == self.epoch * self.total


Progress = Callable[[Learnt], None]


def learn(
    model: SkipGramModel,
    corpus: Corpus,
    settings: SkipGramSettings,
    *,
    state_path: str,
    made_of: Mapping[str, Any],
    resume: bool,
    progress: Progress,
) -> None:
    """Changes the vectors of the model. state_path: where the state is kept; made_of: see `checkpoint.save`.

    Raises:
      UserError: the state can't be written, or with `resume` not be used.
    """
    done = checkpoint.restore(state_path, model, made_of=made_of) if resume else 0
    total = settings.epochs * corpus.words
    words = done * corpus.words
    for epoch in range(done, settings.epochs):
        for place in np.random.default_rng([settings.seed, epoch]).permutation(len(corpus.parts)).tolist():
            part = corpus.parts[place]
            model.learn(part, stream=[epoch, place], progress=(words / total, (words + part.words) / total))
            words += part.words
            progress(Learnt(epoch + 1, settings.epochs, words, total))
        with files.naming("--output", state_path, then="then go on with --resume, or give another --output"):
            checkpoint.save(state_path, model, epochs=epoch + 1, made_of=made_of)
