"""report.html: the right numbers and advice, the same bytes each time, and nothing of the data comes alive in it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.manifest_file import ManifestFile, parse_manifest
from pipeline.report import render
from pipeline.report.tables import decoded, shown

HOSTILE = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">\u202e</script>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def manifest(*, max_length: int = 4, padding: str = "pre", strip_html: bool = False) -> ManifestFile:
    """Ten train rows of 2 to 60 ids; labels, words and texts are hostile."""
    part = {"rows": 10, "shards": [], "labels": {HOSTILE: 9, "b": 1}, "tokens": 40, "unknown_tokens": 10,
            "truncated_texts": 3, "empty_texts": 1, "lengths": [[2, 6], [4, 1], [6, 2], [60, 1]]}  # fmt: skip
    content = {
        "format_version": 1,
        "config": {
            "text": {"strip_html": strip_html},
            "vocabulary": {"top_words": 4},
            "sequence": {"max_length": max_length, "padding": padding},
            "output": {},
        },
        "labels": [HOSTILE, "b"],
        "vocabulary": {"size": 3, "tokens": 40, "distinct_tokens": 9, "sha256": ""},
        "coverage": [[1, 0.4], [3, 0.75], [6, 0.93], [9, 1.0]],
        "splits": {"train": part, "eval": part, "test": part},
        "input": {"files": 1, "bytes": 9, "rows": 31},
        "rejected": {"rows": 1, "by_reason": {"broken JSON": 1},
                     "examples": {"broken JSON": [{"file": HOSTILE, "row": 3, "content": HOSTILE}]}},
        "duplicates": {"texts": 2, "rows": 3, "conflicting": 1},
        "samples": [{"split": "train", "text": HOSTILE, "label": HOSTILE, "ids": [0, 0, 2, 1]}],
    }  # fmt: skip
    return parse_manifest(json.dumps(content).encode(), path="manifest.json")


WORDS = [(1, "the", 16), (2, "br", 9), (3, HOSTILE, 5)]


# ids, padding, what is shown
DECODED = [
    ([0, 0, 2, 1], "pre", "<small>2 × padding</small> <bdi>br</bdi> <bdi>the</bdi>"),
    ([2, 1, 0, 0], "post", "<small>2 × padding</small> <bdi>br</bdi> <bdi>the</bdi>"),
    ([1, 1, 1, 1], "pre", "<bdi>the</bdi> <bdi>the</bdi> <bdi>the</bdi> <bdi>the</bdi>"),
    ([0, 0, 0, 0], "pre", "<small>4 × padding</small> "),
]


@pytest.mark.parametrize(("ids", "padding", "expected"), DECODED)
def test_report_shows_ids_as_words(ids: list[int], padding: str, expected: str) -> None:
    whole = manifest(padding=padding)
    sample = whole.samples[0].model_copy(update={"ids": ids})
    assert decoded(sample, whole, {1: "the", 2: "br"}) == expected


def test_report_escapes_what_comes_from_the_data() -> None:
    assert shown("a<b>&\u202e\0") == "<bdi>a&lt;b&gt;&amp;\ufffd\ufffd</bdi>"
    page = render(manifest(), words=WORDS).decode()
    assert "<script>document.title" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page


def test_report_is_the_same_each_time_and_needs_nothing_else() -> None:
    first = render(manifest(), words=WORDS)
    assert first == render(manifest(), words=WORDS)
    assert len(first) < 3_000_000
    outside_scripts = re.sub(rb"<script.*?</script>", b"", first, flags=re.DOTALL)
    assert not re.search(rb"<[^>]*(src|href)=|https?:", outside_scripts)
    assert "31 rows of 1 file: 30 became records, 1 could not be used." in first.decode()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian's package chromium)")
def test_report_draws_and_stays_inert_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_bytes(render(manifest(), words=WORDS))
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    drawn = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert drawn.count('class="bk-Figure"') == 2
    assert "<title>Records report</title>" in drawn
