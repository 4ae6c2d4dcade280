"""One text of a hundred has the rare label: a training that weighs the labels finds it, one that does not ignores it.

Weighted so, the network sees the rare label far too often; calibration makes its scores honest again. The texts are the
sample corpus's. Those that tell of a breakfast are of hotels, and most of them are left out.
"""

import json
from pathlib import Path

import pytest

from pipeline.sample_corpus.corpus import sample_batch
from tests.support.exported_models import settings
from tests.support.jobs import manifest_of, run_job
from trainer.data.records_folder import open_records_folder
from trainer.decision.decision import Decision
from trainer.evaluation.scoring import SplitScores
from trainer.training.choose import choose
from trainer.training.fit import score_held_out, train

# Rows of each split: of the common label, of the rare one. The held-out splits have the shares of the train split.
ROWS = {"train": (2970, 30), "eval": (1980, 20), "test": (3960, 40)}
JOB = {"split.column": "split", "vocabulary.top_words": "1000", "sequence.max_length": "100"}
MODEL = {"model.embedding_dim": "8", "model.lstm_units": "16", "model.pooling": "max", "training.batch_size": "64",
         "training.learning_rate": "0.01", "training.epochs": "3", "decision.calibrate": "temperature"}  # fmt: skip
RARE = 1  # the place of the label `hotel`


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rare")
    rows = sample_batch(0, 10_000, seed=0).to_pylist()
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


class Scored:
    """The test split, scored by a training: by the network alone, and calibrated on the eval split."""

    def __init__(self, records: Path, folder: Path, class_weight: str) -> None:
        config = settings(records, folder, **MODEL, **{"training.class_weight": class_weight})
        trained = train(config, open_records_folder(str(records)))
        self.decision = choose(trained, config).decision
        self.plain, self.calibrated = (
            self._test(score_held_out(trained, config.training, decision)) for decision in (Decision(), self.decision)
        )

    @staticmethod
    def _test(scores: SplitScores | None) -> SplitScores:
        assert scores is not None
        assert scores.split == "test"
        return scores

    @staticmethod
    def recall(scores: SplitScores) -> float:
        return scores.metrics["per_label"]["hotel"]["recall"]


@pytest.fixture(scope="module")
def balanced(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    return Scored(records, tmp_path_factory.mktemp("balanced"), "balanced")


def test_class_weight_balanced_finds_the_rare_label(records: Path, balanced: Scored, tmp_path: Path) -> None:
    assert manifest_of(records)["splits"]["train"]["labels"] == {"another": 2970, "hotel": 30}
    assert Scored.recall(Scored(records, tmp_path, "none").plain) < 0.1
    assert Scored.recall(balanced.plain) > 0.5


def test_calibration_makes_the_scores_of_the_rare_label_honest(balanced: Scored) -> None:
    plain, calibrated = (float(each.scores[:, RARE].mean()) for each in (balanced.plain, balanced.calibrated))
    assert plain > 0.1
    assert calibrated == pytest.approx(0.01, abs=0.006)
    assert balanced.calibrated.metrics["loss"] < balanced.plain.metrics["loss"]
    # The order of scores and the answers stay: the label is still found.
    assert Scored.recall(balanced.calibrated) == Scored.recall(balanced.plain)
    assert balanced.calibrated.metrics["confusion"] == balanced.plain.metrics["confusion"]
