"""The product's modules and what each imports, from their source alone: nothing is loaded."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from tests.support.blocking import BEAM, TENSORFLOW
from tests.support.paths import REPOSITORY

HEAVY = TENSORFLOW | BEAM


def modules_of(*packages: str) -> dict[str, Path]:
    """Name -> file of each module of the packages."""
    return {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): path
        for package in packages
        for path in sorted((REPOSITORY / package).rglob("*.py"))
    }


MODULES = modules_of("pipeline", "trainer")
_EVERY = {**MODULES, **modules_of("benchmarks", "tests")}


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def imports(module: str) -> tuple[tuple[str, bool], ...]:
    """(imported module, whether the import is inside a function)."""
    return tuple(_imports(_EVERY[module]))


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    tree = tree_of(path)
    inside = {
        id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield (whole if whole in _EVERY else node.module), id(node) in inside


@functools.cache
def heavy_imports(path: Path) -> frozenset[str]:
    """Which heavy packages are loaded when a module of the product is imported, directly or through others."""
    (start,) = [name for name, its in _EVERY.items() if its == path]
    waiting, heavy = _with_parents(start), set()
    seen = set(waiting)
    while waiting:
        for name, inside in imports(waiting.pop()):
            if not inside:
                heavy |= {name.partition(".")[0]} & HEAVY
                new = [each for each in _with_parents(name) if each not in seen]
                waiting += new
                seen.update(new)
    return frozenset(heavy)


def _with_parents(module: str) -> list[str]:
    """To import `a.b.c` loads `a` and `a.b` as well; of other packages than the product's: nothing."""
    parts = module.split(".")
    return [name for length in range(1, len(parts) + 1) if (name := ".".join(parts[:length])) in _EVERY]
