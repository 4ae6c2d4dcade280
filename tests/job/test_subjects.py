"""A text of the sample corpus has the subjects that its words name: several, one, or none. A training learns them.

From rows to records, loss, thresholds and metrics of several labels, each on its own path through the product.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as sk

from pipeline.sample_corpus.corpus import sample_batch
from tests.support.exported_models import settings
from tests.support.jobs import manifest_of, run_job
from trainer.data.records_folder import open_records_folder
from trainer.training.choose import choose
from trainer.training.fit import score_held_out, train

SUBJECTS = {
    "film": r"\b(film|movie|camera|casting|director)\b",
    "hotel": r"\b(hotel|room|reception|breakfast|shower)\b",
    "restaurant": r"\b(restaurant|kitchen|soup|waiter|dessert)\b",
}
JOB = {"vocabulary.top_words": "1000", "sequence.max_length": "100"}
MODEL = {"model.embedding_dim": "8", "model.lstm_units": "16", "model.pooling": "max", "training.batch_size": "32",
         "training.learning_rate": "0.02", "training.epochs": "3", "decision.threshold": "best_f1"}  # fmt: skip


def test_subjects_of_a_text_are_learnt(tmp_path: Path) -> None:
    texts = [row["text"] for row in sample_batch(0, 3000, seed=1).to_pylist()]
    subjects = [[name for name, words in SUBJECTS.items() if re.search(words, text.lower())] for text in texts]
    assert {len(own) for own in subjects} >= {0, 1, 2}
    lines = [json.dumps({"text": text, "label": own}) for text, own in zip(texts, subjects, strict=True)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    folder = run_job(tmp_path / "rows.jsonl", tmp_path / "records", JOB)
    splits = manifest_of(folder)["splits"].values()
    for name in SUBJECTS:
        assert sum(split["labels"][name] for split in splits) == sum(name in own for own in subjects)
    assert sum(split["no_labels"] for split in splits) == subjects.count([])

    config = settings(folder, tmp_path, **MODEL)
    trained = train(config, open_records_folder(str(folder)))
    decision = choose(trained, config).decision
    scored = score_held_out(trained, config.training, decision)
    assert scored is not None
    # A ninth of the texts has each: this is what guessing would give.
    assert scored.labels.mean() < 0.2
    assert scored.metrics["micro"]["f1"] > 0.5
    assert (scored.metrics["micro"]["average_precision"] or 0) > 0.5
    decided = scored.scores >= np.array(decision.thresholds, np.float32)
    for average, found in (("micro", scored.metrics["micro"]), ("macro", scored.metrics["macro"])):
        assert found["f1"] == pytest.approx(sk.f1_score(scored.labels, decided, average=average))
        assert found["average_precision"] == pytest.approx(
            sk.average_precision_score(scored.labels, scored.scores, average=average)
        )
    assert scored.metrics["subset_accuracy"] == sk.accuracy_score(scored.labels, decided)
