"""trainer.commands.predict: where answers are written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import UserError
from trainer.commands.predict import Prediction, write_predictions


def test_predict_refuses_a_folder_as_output_before_the_first_text(tmp_path: Path) -> None:
    for path in (".", "..", "/", str(tmp_path)):
        with pytest.raises(UserError, match=rf"^--output: {path} is a folder; give a file$"):
            write_predictions((pytest.fail("a text was asked for") for _ in range(1)), path)
    assert list(tmp_path.iterdir()) == []


def test_predict_reports_an_error_of_the_input_as_such(tmp_path: Path) -> None:
    def answers() -> Iterator[Prediction]:
        yield Prediction("good", "pos", 0.75, {"neg": 0.25, "pos": 0.75})
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        write_predictions(answers(), str(tmp_path / "answers"))
    assert list(tmp_path.iterdir()) == []


def test_predict_names_the_output_if_its_disk_is_full() -> None:
    answer = Prediction("good", "pos", 0.75, {"neg": 0.25, "pos": 0.75})
    with pytest.raises(UserError, match=r"^--output: /proc/answers can't be written: "):
        write_predictions(iter([answer]), "/proc/answers")
