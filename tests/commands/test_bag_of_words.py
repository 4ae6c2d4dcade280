"""The bag of words as a command."""

import json
from pathlib import Path

import pytest

from benchmarks.baseline import bag_of_words


def test_bag_of_words_reads_a_records_folder(small_records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag_of_words.main([str(small_records), "--json"])
    result = json.loads(capsys.readouterr().out)
    manifest = json.loads((small_records / "manifest.json").read_text())
    assert result["test_texts"] == manifest["splits"]["test"]["rows"]
    assert 0 <= result["test_accuracy"] <= 1
    bag_of_words.main([str(small_records)])
    assert capsys.readouterr().out.startswith("bag of words: 0.")
