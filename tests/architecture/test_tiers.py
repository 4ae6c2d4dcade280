"""The tiers' own rules: what a tier blocks can't be used in it."""

import importlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.support.blocking import Blocked, BlockedError

BLOCKED = Blocked("this tier", frozenset({"turtledemo"}), processes=True)

# what a test might do
REFUSED: list[Callable[[], object]] = [
    lambda: importlib.import_module("turtledemo"),
    lambda: importlib.import_module("turtledemo.clock"),
    lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    lambda: os.fork(),
    lambda: os.system("true"),
]


@pytest.mark.parametrize("use", REFUSED)
def test_tiers_refuse_what_they_block(use: Callable[[], object]) -> None:
    with BLOCKED.active(), pytest.raises(BlockedError, match=r"^this tier must not "):
        use()


def test_tiers_block_nothing_else() -> None:
    with BLOCKED.active():
        assert importlib.import_module("colorsys")
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0


def test_tiers_leave_the_finders_that_imports_add_meanwhile() -> None:
    class Finder:
        def find_spec(self, *_: object) -> None:
            return None

    added = Finder()
    try:
        with BLOCKED.active():
            sys.meta_path.append(added)
        assert added in sys.meta_path
        assert BLOCKED not in sys.meta_path
    finally:
        sys.meta_path.remove(added)
