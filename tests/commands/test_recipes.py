"""The commands at the head of a recipe, as they are written there, with a model that trains in seconds."""

import random
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

# As small as the shape of each recipe allows; the rest of it stays.
SMALL = ["--model.lstm_units", "4", "--model.embedding_dim", "4", "--model.ngram_buckets", "64"]


def texts(count: int, *, seed: int) -> list[tuple[str, str]]:
    """Reviews of 20 words, of which one in four says what the reviewer thinks."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        label = ("neg", "pos")[number % 2]
        own = ("bad", "dull", "awful!") if label == "neg" else ("good", "fine", "great!")
        words = [
            rng.choice(own if rng.random() < 0.25 else ("the", "film", "was", "so,", "very", "<br />"))
            for _ in range(20)
        ]
        rows.append((" ".join(words), label))
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("recipes")
    lines = [f'"{text}",{label}' for text, label in texts(400, seed=0)]
    (made / "labelled.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    (made / "more.csv").write_text("\n".join(["text", *(f'"{text}"' for text, _ in texts(400, seed=1))]) + "\n")
    return made


def commands(recipe: Path, folder: Path) -> list[list[str]]:
    """Those of the comments, with paths of the test."""
    given = {"LABELLED": str(folder / "labelled.csv"), "MORE": str(folder / "more.csv"), "python": sys.executable}
    lines = [line[1:].strip() for line in recipe.read_text().splitlines() if line.startswith("#   python -m ")]
    return [[given.get(word, word) for word in shlex.split(line)] for line in lines]


def test_recipes_run_as_written(folder: Path, tmp_path: Path) -> None:
    """The accurate one, whose commands have those of the others among them."""
    recipe = REPOSITORY / "recipes" / "accurate.yaml"
    (tmp_path / "recipes").symlink_to(recipe.parent)
    told = []
    for command in commands(recipe, folder):
        small = SMALL if command[2] == "trainer" else []
        done = subprocess.run(
            [*command, *small], cwd=tmp_path, env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
            capture_output=True, text=True, check=False, timeout=500,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.append(done.stdout + done.stderr)
    assert len(told) == 3
    assert (tmp_path / "out" / "model" / "1" / "saved_model.pb").exists()
    assert "400 texts got labels" in told[-1]
    assert told[-1].count("both joined") == 2
