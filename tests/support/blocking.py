"""What a tier must not use is blocked while its tests are imported and run, so that a mistake fails by name.

A tier's conftest.py takes its two hooks from `tier_hooks`: `pytest_make_collect_report` (its files are imported) and
`pytest_runtest_protocol` (its tests run).
"""

import multiprocessing.process
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

TENSORFLOW = frozenset({"tensorflow", "keras", "tf_keras", "tensorflow_transform", "tensorflow_metadata", "tfx_bsl"})
BEAM = frozenset({"apache_beam"})

# Each way in which the standard library starts a process.
_STARTS: tuple[tuple[Any, str], ...] = (
    (subprocess.Popen, "__init__"),
    (multiprocessing.process.BaseProcess, "start"),
    *((os, name) for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system") if hasattr(os, name)),
)


class BlockedError(Exception):
    """A test of this tier used what the tier blocks. It is no ImportError: `except ImportError` must not hide it."""


class Blocked:
    """Refuses to import packages, and to start processes.

    A package that is loaded already stays usable: in one process with other tiers only a tier's own run is exact.
    `make check` and `make test` run each blocked tier by itself.
    """

    def __init__(self, tier: str, packages: frozenset[str], *, processes: bool = False) -> None:
        self._tier, self._packages, self._processes = tier, packages, processes

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Called by `import` for each module that is not loaded yet; None: the next finder may have it.

        A package comes before its modules, so its own name is enough; where it is loaded already, its modules load too.
        """
        if name in self._packages:
            raise BlockedError(f"{self._tier} must not import {name}; move the test to another tier (tests/README.md)")
        return None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within it the packages can't be imported and no process can be started."""
        # In the list itself: a copy put back later would lose the finders that imports add meanwhile, six's for one.
        sys.meta_path.insert(0, self)
        try:
            with pytest.MonkeyPatch.context() as patch:
                for owner, name in _STARTS if self._processes else ():
                    patch.setattr(owner, name, self._refusal(name))
                yield
        finally:
            sys.meta_path.remove(self)

    def _refusal(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*_arguments: object, **_options: object) -> NoReturn:
            raise BlockedError(f"{self._tier} must not start a process ({name}); move the test to another tier")

        return refuse


def tier_hooks(folder: Path, blocked: Blocked) -> tuple[Callable[..., object], Callable[..., object]]:
    """pytest_make_collect_report and pytest_runtest_protocol of a tier's conftest.py."""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report() -> Iterator[None]:
        with blocked.active():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
        # pytest calls this for the tests of every folder.
        with blocked.active() if item.path.is_relative_to(folder) else nullcontext():
            return (yield)

    return pytest_make_collect_report, pytest_runtest_protocol
