"""The files of recipes/: settings that are valid, and what a page says of them."""

import re
from pathlib import Path

import pytest

from pipeline.config.load import load
from pipeline.config.settings import Config
from tests.support.paths import REPOSITORY

RECIPES = sorted((REPOSITORY / "recipes").glob("*.yaml"))


def test_recipes_are_those_of_the_page() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "recipes.md").read_text()
    assert [path.stem for path in RECIPES] == ["accurate", "balanced", "tiny"]
    assert sorted(set(re.findall(r"`recipes/(\w+)\.yaml`", page))) == [path.stem for path in RECIPES]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_say_nothing_of_files_but_the_vectors(path: Path) -> None:
    config = load(str(path), {})
    assert (config.input, config.output, config.export) == (Config().input, Config().output, Config().export)
    assert config.embedding.source in (None, "out/vectors.bin")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_begin_with_their_commands(path: Path) -> None:
    lines = [line[1:].split() for line in path.read_text().splitlines() if line.startswith("#   python -m ")]
    programs = [tuple(line[2:4]) for line in lines]
    others = [("trainer", "vectors")] if path.stem == "accurate" else []
    assert programs == [("pipeline", "run"), *others, ("trainer", "train")]
    assert {line[line.index("--config") + 1] for line in lines} == {f"recipes/{path.name}"}
