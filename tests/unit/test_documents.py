"""The documents: their links, the paths they name, and the tables that are made from the code."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

# Pages that the repository shows; those of the site are checked by its builder as well.
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted(path for path in DOCS.rglob("*.md") if "_made" not in path.parts)

# A path in code font: `pipeline/files/beam.py`, `tests/unit/`, `trainer/model`.
TOP_FOLDERS = "pipeline|trainer|benchmarks|tests|docs"
PATH = re.compile(rf"(?<![\w./-])((?:{TOP_FOLDERS})/[\w./-]*\w(?:/)?)")
# Folders that a run or a build makes.
MADE = ("docs/_made",)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_name_files_that_exist(page: Path) -> None:
    named = {path for path in PATH.findall(page.read_text(encoding="utf-8")) if not path.startswith(MADE)}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_documents_link_to_files_that_exist(page: Path) -> None:
    """The builder sees links within the site alone."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = {link for link in re.findall(r"\]\(([^)\s#]+)", text) if not re.match(r"\w+:", link)}
    assert sorted(link for link in links if not (page.parent / link).exists()) == []


def test_documents_have_the_tables_that_the_code_makes() -> None:
    """`python docs/tools/reference.py` writes them."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    assert len(reference.PARTS) == 2
    for (name, marks), make in reference.PARTS.items():
        page = (DOCS / name).read_text(encoding="utf-8")
        assert reference.filled(page, marks, make()) == page, f"{name}: call python docs/tools/reference.py"


def test_documents_readme_is_short() -> None:
    """For somebody who sees this for the first time; the rest is in docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
