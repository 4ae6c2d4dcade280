"""fastText's train_supervised with the values of its tutorial on text classification: DATA FOLDER SEED.

https://fasttext.cc/docs/en/supervised-tutorial.html: word bigrams, 25 epochs, learning rate 0.5, 50 dimensions, 200,000
buckets. It uses a thread for each core, so two runs differ.
"""

import re
import sys
from pathlib import Path

import fasttext

from benchmarks.harness.report import cores
from benchmarks.peers.labelled_texts import read, write_figures

# The tutorial sets punctuation apart and lower-cases.
_MARKS = re.compile(r"([.!?,'/()])")


def clean(text: str) -> str:
    """
    >>> clean("Good, isn't it?")
    "good , isn ' t it ? "
    """
    return " ".join(_MARKS.sub(r" \1 ", text).lower().split()) + " "


def main(data: str, folder: str, seed: str) -> None:
    """Learns, answers and writes the figures."""
    train, test = read(data, "train"), read(data, "test")
    given = Path(folder) / "train.txt"
    lines = (f"__label__{label} {clean(text)}\n" for text, label in zip(train.texts, train.labels, strict=True))
    given.write_text("".join(lines))
    model = fasttext.train_supervised(
        str(given), lr=0.5, epoch=25, wordNgrams=2, bucket=200_000, dim=50, thread=cores(), seed=int(seed), verbose=0
    )
    predicted = [int(labels[0][-1]) for labels in model.predict([clean(text).rstrip() for text in test.texts])[0]]
    model.save_model(str(Path(folder) / "model.bin"))
    write_figures(
        folder, data=data, predicted=predicted, files=["model.bin"],
        answer=lambda text: model.predict(clean(text).rstrip()),
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
