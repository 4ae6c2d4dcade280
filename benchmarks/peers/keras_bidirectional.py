"""The bidirectional LSTM of Keras's examples, two epochs: DATA FOLDER SEED.

https://keras.io/examples/nlp/bidirectional_lstm_imdb/: 20,000 words, the last 200 of a text, an embedding of 128, two
bidirectional LSTMs of 64, Adam, batches of 32. The example's ids come with Keras; here TextVectorization makes them.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from benchmarks.peers.labelled_texts import read, write_figures

_WORDS, _LENGTH = 20_000, 200


def main(data: str, folder: str, seed: str) -> None:
    """Learns, answers and writes the figures."""
    keras.utils.set_random_seed(int(seed))
    train, evaluation, test = (read(data, split) for split in ("train", "eval", "test"))
    vectorize = keras.layers.TextVectorization(max_tokens=_WORDS, ragged=True)
    vectorize.adapt(np.array(train.texts, dtype=object), batch_size=512)

    def ids(texts: list[str]) -> np.ndarray:
        found = vectorize(np.array(texts, dtype=object)).to_list()
        return np.asarray(keras.utils.pad_sequences(found, maxlen=_LENGTH))

    inputs = keras.Input(shape=(None,), dtype="int32")
    x = keras.layers.Embedding(_WORDS, 128)(inputs)
    x = keras.layers.Bidirectional(keras.layers.LSTM(64, return_sequences=True))(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(64))(x)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    held_out = (ids(evaluation.texts), evaluation.labels)
    model.fit(ids(train.texts), train.labels, batch_size=32, epochs=2, validation_data=held_out, verbose=0)
    predicted = model.predict(ids(test.texts), verbose=0)[:, 0] > 0.5
    model.save(Path(folder) / "model.keras")
    write_figures(
        folder, data=data, predicted=predicted, files=["model.keras"],
        answer=lambda text: model.predict_on_batch(ids([text])),  # compiled; a plain call takes 2 s for 200 words
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
