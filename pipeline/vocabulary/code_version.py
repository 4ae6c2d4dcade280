"""The modules that read, split and count -> one fingerprint of their code, for the names of cached counts.

Which modules these are is derived: the entry points below, and every module of this package that they import, directly
or through others. So no list can miss a module; a changed comment costs one full count.
"""

import ast
import functools
import hashlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGE: Final = "pipeline"
_FOLDER: Final = Path(__file__).parent.parent

# The first reads, splits, tokenizes and counts the rows; the second keeps the counts by file.
_ENTRY_POINTS: Final = ("pipeline.job.read", "pipeline.vocabulary.cached_counting")
# What they compute with. Other packages move bytes, or their versions follow from these.
_PACKAGES: Final = ("numpy", "orjson", "pyarrow", "tensorflow", "tensorflow-transform", "xxhash")


@functools.cache
def code_version(folder: Path = _FOLDER) -> str:
    """A SHA-256 in hexadecimal digits of the code that counts and of the versions of the packages that it uses.

    folder: that of the package `pipeline`. Takes 0.1 s once in a process, nearly all of it to parse 70 modules.
    """
    digest = hashlib.sha256()
    for path in counting_modules(folder):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    versions = [
        f"{sys.version_info.major}.{sys.version_info.minor}",
        *(f"{name} {version(name)}" for name in _PACKAGES),
    ]
    digest.update(json.dumps(versions).encode())
    return digest.hexdigest()


def counting_modules(folder: Path = _FOLDER) -> list[Path]:
    """The files of the entry points and of all modules that they need, sorted."""
    modules: set[Path] = set()
    left = [_file_of(name, folder) for name in _ENTRY_POINTS]
    while left:
        path = left.pop()
        if path is not None and path not in modules:
            modules.add(path)
            left += [_file_of(name, folder) for name in _imports(path)]
    return sorted(modules)


def _imports(path: Path) -> Iterator[str]:
    """What a file imports from this package, as dotted names; each with the packages above it, whose code runs too."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == _PACKAGE:
                yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _file_of(name: str, folder: Path) -> Path | None:
    """The file of a module; None if the name is that of something within one."""
    path = folder.joinpath(*name.split(".")[1:])
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)
