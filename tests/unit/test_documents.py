"""The documents: their links, the paths they name, and the tables that are made from the code."""

import doctest
import importlib
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.support.paths import REPOSITORY

DOCS = REPOSITORY / "docs"

# Pages that the repository shows; those of the site are checked by its builder as well.
PAGES = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md")]
PAGES += sorted(path for path in DOCS.rglob("*.md") if "_made" not in path.parts)

# A path in code font: `pipeline/files/beam.py`, `tests/unit/`, `trainer/model`.
TOP_FOLDERS = r"pipeline|trainer|benchmarks|examples(?=/\w+/)|tests|docs|recipes"
PATH = re.compile(rf"(?<![\w./-])((?:{TOP_FOLDERS})/[\w./-]*\w(?:/)?)")
# Folders that a run or a build makes.
MADE = ("docs/_made",)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_documents_name_files_that_exist(page: Path) -> None:
    named = {path for path in PATH.findall(page.read_text(encoding="utf-8")) if not path.startswith(MADE)}
    assert sorted(path for path in named if not (REPOSITORY / path).exists()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_documents_link_to_files_that_exist(page: Path) -> None:
    """The builder sees links within the site alone."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = {link for link in re.findall(r"\]\(([^)\s#]+)", text) if not re.match(r"\w+:", link)}
    assert sorted(link for link in links if not (page.parent / link).exists()) == []


def test_documents_name_classes_and_schemas_that_exist() -> None:
    """In the table of the data types, as `ReadTask` or `ROWS_SCHEMA`."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## The data types that travel")[2].partition("\n## ")[0]
    cells = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")]
    names = set(re.findall(r"`([A-Z]\w+)`", " ".join(cells)))
    assert len(names) >= 10
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("pipeline", "trainer")
        for path in (REPOSITORY / package).rglob("*.py")
    )
    assert sorted(name for name in names if not re.search(rf"^(class {name}\b|{name}(: \w+)? = )", code, re.M)) == []


def load_tool(name: str) -> ModuleType:
    """A script of docs/tools, which is not a package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "tools"))
        return importlib.import_module(name)


@pytest.mark.parametrize("name", ["reference", "tutorial", "tutorial_pictures"])
def test_documents_tools_have_examples_that_hold(name: str) -> None:
    result = doctest.testmod(load_tool(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_documents_have_the_tables_that_the_code_makes() -> None:
    """`python docs/tools/reference.py` writes them."""
    reference = load_tool("reference")
    assert len(reference.PARTS) == 3
    for (name, marks), make in reference.PARTS.items():
        page = (DOCS / name).read_text(encoding="utf-8")
        assert reference.filled(page, marks, make()) == page, f"{name}: call python docs/tools/reference.py"


def test_documents_flex_template_has_the_parameters_that_the_code_makes() -> None:
    """`python docs/tools/reference.py` writes them."""
    reference = load_tool("reference")
    assert reference.TEMPLATE.read_text(encoding="utf-8") == reference.template(), "call python docs/tools/reference.py"


def test_tutorial_session_shows_each_statement_with_its_value() -> None:
    shown = load_tool("tutorial").session("a = [1, 2]\na\na.append(3)\nlen(a)", {})
    assert shown == "```pycon\n>>> a = [1, 2]\n>>> a\n[1, 2]\n>>> a.append(3)\n>>> len(a)\n3\n```\n"


def test_tutorial_projects_on_the_direction_of_the_largest_variance() -> None:
    """Points on the line y = 2x, and one a little beside it in the third dimension."""
    vectors = np.array([[2, 4, 0], [1, 2, 0], [0, 0, 0.1], [-1, -2, 0], [-2, -4, 0]], np.float32)
    points, share = load_tool("tutorial").project(vectors)
    assert points[:, 0] == pytest.approx([2 * 5**0.5, 5**0.5, 0, -(5**0.5), -2 * 5**0.5], abs=1e-3)
    assert points[2, 1] == pytest.approx(
        -0.08, abs=1e-3
    )  # 0.1, less the mean of the five: 0.02; the sign is the first's
    assert share == pytest.approx(50 / 50.008, abs=1e-4)


def test_tutorial_names_of_words_do_not_cover_each_other() -> None:
    pictures = load_tool("tutorial_pictures")
    far, near = pictures.Dot(0, 0, "praise", "good"), pictures.Dot(1, 1, "blame", "bad")
    crowd = [pictures.Dot(0.5 + i / 1000, 0.5, "neutral", f"word{i}") for i in range(20)]
    picture = pictures.scatter_picture([far, near, *crowd], title="A & B")
    assert picture.count("<circle") == 22 + 3  # and the legend's
    named = re.findall(r"font-size='11'[^>]*>\n(\w+)</text>", picture)
    assert {"good", "bad"} <= set(named)
    assert len(named) < 8
    assert "A &amp; B" in picture
    assert "\n\n" not in picture


def test_documents_readme_is_short() -> None:
    """For somebody who sees this for the first time; the rest is in docs/."""
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
