"""training.html of a real training."""

from pathlib import Path

from tests.support.exported_models import settings, trained_on
from trainer.training.fit import score_held_out
from trainer.training_report import write_page


def test_page_of_a_training(small_records: Path, tmp_path: Path) -> None:
    config = settings(small_records, tmp_path)
    trained = trained_on(small_records, config)
    path = write_page(trained, config, scored=score_held_out(trained, config.training))
    assert path == str(tmp_path / "training" / "training.html")
    page = Path(path).read_text()
    for part in ("Curves", "What is taken for what", "Label by label", "Calibration", "The most confident mistakes",
                 "Nearest words", "of the test split", "<bdi>word1</bdi>", "model.lstm_units"):  # fmt: skip
        assert part in page, part
    assert len(page) < 3_000_000
