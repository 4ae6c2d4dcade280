"""The same training as in a book for beginners: padded arrays in memory, Embedding -> LSTM -> Dense, `model.fit`."""

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from pipeline.config.settings import ModelSettings, TrainingSettings
from trainer.training.learning_rate import learning_rate

Ints = npt.NDArray[np.int64]


class PlainFit:
    """A model of two classes, trained on all rows of the train split with our optimizer, schedule and clipping."""

    def __init__(
        self, ids: Ints, labels: Ints, *, words: int, model: ModelSettings, training: TrainingSettings
    ) -> None:
        self._ids, self._labels, self._training = ids, labels, training
        steps = training.epochs * -(-len(ids) // training.batch_size)
        self.model = keras.Sequential(
            [
                keras.layers.Embedding(words, model.embedding_dim, mask_zero=True),
                keras.layers.LSTM(model.lstm_units),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        optimizer = keras.optimizers.Adam(learning_rate(training, steps=steps), clipnorm=training.clipnorm)
        self.model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])

    def first_steps(self) -> None:
        """Two steps, the tracing of the graph included."""
        rows = slice(0, 2 * self._training.batch_size)
        self._fit(self._ids[rows], self._labels[rows])

    def epoch(self) -> None:
        """An epoch over the train split."""
        self._fit(self._ids, self._labels)

    def scores(self, ids: Ints) -> npt.NDArray[np.float32]:
        """Of label 1, float32 [rows]."""
        return self.model.predict(ids, batch_size=self._training.batch_size, verbose=0)[:, 0]

    def _fit(self, ids: Ints, labels: Ints) -> None:
        self.model.fit(ids, labels, batch_size=self._training.batch_size, epochs=1, verbose=0)


def padded_arrays(parts: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Batches of ids [batch, length] and labels [batch] as one array each."""
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([labels for _, labels in parts])
