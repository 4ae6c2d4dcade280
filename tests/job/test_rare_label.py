"""One text of a hundred has the rare label: a training that weighs the labels finds it, one that does not ignores it.

The texts are the sample corpus's. Those that tell of a breakfast are of hotels, and most of them are left out.
"""

import json
from pathlib import Path

import pytest

from pipeline.sample_corpus.corpus import sample_batch
from tests.support.exported_models import settings
from tests.support.jobs import manifest_of, run_job
from trainer.data.records_folder import open_records_folder
from trainer.training.fit import score_held_out, train

# Rows of each split: of the common label, of the rare one. In the test split both are many, so that recall is measured.
ROWS = {"train": (2970, 30), "eval": (297, 3), "test": (100, 100)}
JOB = {"split.column": "split", "vocabulary.top_words": "1000", "sequence.max_length": "100"}
MODEL = {"model.embedding_dim": "8", "model.lstm_units": "16", "model.pooling": "max", "training.batch_size": "32",
         "training.learning_rate": "0.01", "training.epochs": "3"}  # fmt: skip


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rare")
    rows = sample_batch(0, 8000, seed=0).to_pylist()
    is_hotel = ["breakfast" in row["text"].lower() for row in rows]
    by_label = {
        label: iter([row for row, own in zip(rows, is_hotel, strict=True) if own == (label == "hotel")])
        for label in ("another", "hotel")
    }
    lines = [
        json.dumps({"text": next(by_label[label])["text"], "label": label, "split": split})
        for split, counts in ROWS.items()
        for label, count in zip(by_label, counts, strict=True)
        for _ in range(count)
    ]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    return run_job(folder / "rows.jsonl", folder / "records", JOB)


def test_class_weight_balanced_finds_the_rare_label(records: Path, tmp_path: Path) -> None:
    assert manifest_of(records)["splits"]["train"]["labels"] == {"another": 2970, "hotel": 30}
    recall = {}
    for class_weight in ("none", "balanced"):
        config = settings(records, tmp_path / class_weight, **MODEL, **{"training.class_weight": class_weight})
        scored = score_held_out(train(config, open_records_folder(str(records))), config.training)
        assert scored is not None
        recall[class_weight] = scored.metrics["per_label"]["hotel"]["recall"]
    assert recall["none"] < 0.1
    assert recall["balanced"] > 0.5
