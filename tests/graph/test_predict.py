"""trainer.commands.predict: where answers are written."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from trainer.commands.predict import write_predictions


def test_predict_refuses_a_folder_as_output_before_the_first_text(tmp_path: Path) -> None:
    for path in (".", "..", "/", str(tmp_path)):
        with pytest.raises(UserError, match=rf"^--output: {path} is a folder; give a file$"):
            write_predictions((pytest.fail("a text was asked for") for _ in range(1)), path)
    assert list(tmp_path.iterdir()) == []
