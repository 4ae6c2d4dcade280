"""scikit-learn's TfidfVectorizer and LogisticRegression with its defaults: DATA FOLDER SEED N, of 1- to N-grams."""

import pickle
import sys
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.peers.labelled_texts import read, write_figures


def main(data: str, folder: str, seed: str, longest: str) -> None:
    """Learns, answers and writes the figures."""
    del seed  # it is deterministic
    train, test = read(data, "train"), read(data, "test")
    vectorizer = TfidfVectorizer(ngram_range=(1, int(longest)), sublinear_tf=True)
    model = make_pipeline(vectorizer, LogisticRegression(max_iter=1000))
    model.fit(train.texts, train.labels)
    predicted = model.predict(test.texts)
    (Path(folder) / "model.pickle").write_bytes(pickle.dumps(model))
    write_figures(
        folder, data=data, predicted=predicted, files=["model.pickle"], answer=lambda text: model.predict_proba([text])
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
