"""Logistic regression on n-grams that are weighted by naive Bayes: DATA FOLDER SEED N, of 1- to N-grams.

S. Wang and C. D. Manning, Baselines and Bigrams, 2012: each text is the set of its n-grams, and each n-gram counts by
the logarithm of the ratio of its smoothed shares in the two labels.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.peers.labelled_texts import read, write_figures


def main(data: str, folder: str, seed: str, longest: str) -> None:
    """Learns, answers and writes the figures."""
    train, test = read(data, "train"), read(data, "test")
    counter = CountVectorizer(ngram_range=(1, int(longest)), binary=True, token_pattern=r"\S+")
    rows = counter.fit_transform(train.texts).astype(np.float64)
    shares = []
    for label in (0, 1):
        counts = np.asarray(rows[train.labels == label].sum(axis=0))[0] + 1
        shares.append(np.log(counts / counts.sum()))
    ratio = shares[1] - shares[0]
    model = LogisticRegression(solver="liblinear", dual=True, random_state=int(seed), max_iter=1000)
    model.fit(rows.multiply(ratio).tocsr(), train.labels)
    weights = model.coef_[0] * ratio

    def logits(texts: list[str]) -> np.ndarray:
        return np.asarray(counter.transform(texts) @ weights) + model.intercept_[0]

    predicted = logits(test.texts) > 0
    parts = {"words": counter.vocabulary_, "weights": weights.astype(np.float32), "bias": model.intercept_}
    (Path(folder) / "model.pickle").write_bytes(pickle.dumps(parts))
    write_figures(folder, data=data, predicted=predicted, files=["model.pickle"], answer=lambda text: logits([text]))


if __name__ == "__main__":
    main(*sys.argv[1:])
