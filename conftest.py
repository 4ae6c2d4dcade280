"""Which doctests run: `--doctests light` takes modules that load neither TensorFlow nor Beam, `heavy` the others."""

import gc
from pathlib import Path

import pytest

from tests.support.modules import heavy_imports
from tests.support.paths import REPOSITORY

FOLDERS = [REPOSITORY / name for name in ("pipeline", "trainer", "benchmarks", "tests/support")]
PEERS = REPOSITORY / "benchmarks" / "peers"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --doctests."""
    parser.addoption("--doctests", choices=("light", "heavy", "all"), default="all", help=__doc__)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True: pytest passes over the file; None: it decides by itself."""
    if collection_path.is_relative_to(PEERS):  # they run in environments of their own, with packages that are not here
        return True
    wanted = config.getoption("--doctests")
    if wanted == "all" or collection_path.suffix != ".py" or not any(map(collection_path.is_relative_to, FOLDERS)):
        return None
    is_heavy = bool(heavy_imports(collection_path))
    return None if is_heavy == (wanted == "heavy") else True


def pytest_collection_finish() -> None:
    """The garbage collector leaves alone what is loaded, TensorFlow above all: 13% of a small job's CPU time."""
    gc.collect()
    gc.freeze()
