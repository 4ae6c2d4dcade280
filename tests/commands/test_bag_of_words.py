"""`python -m benchmarks.baseline.bag_of_words` on a records folder: what it prints, and what it needs."""

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


def test_bag_of_words_says_what_it_needs(
    small_records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((small_records / "manifest.json").read_text())
    manifest["checksum"] = None
    manifest["labels"].append("third")  # of which no split has a row
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SystemExit) as ended:
        bag_of_words.main([str(tmp_path)])
    assert ended.value.code == 2
    assert "got 3 labels" in capsys.readouterr().err


def test_bag_of_words_refuses_several_labels(
    small_records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((small_records / "manifest.json").read_text())
    manifest["checksum"] = None
    manifest["record"]["several_labels"] = True
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SystemExit) as ended:
        bag_of_words.main([str(tmp_path)])
    assert ended.value.code == 2
    assert "its texts have several labels each (input.several_labels)" in capsys.readouterr().err
