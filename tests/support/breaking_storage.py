"""Storages for pipeline.files.publication that stop at a chosen operation: this machine's disk, and a store in memory.

`Breaker(at=7)` lets seven operations pass. With `kills` the eighth and all later ones raise `Killed`, as if the process
had ended. Without, the eighth alone raises an OSError.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from pipeline.files.local_storage import LocalStorage
from pipeline.files.publication import Storage

# What changes a disk. Files are opened by `open`, and flushed before they get their names.
CHANGES = ("fsync", "mkdir", "remove", "rename", "replace", "rmdir", "unlink")


class Killed(BaseException):
    """The process has ended."""


class Breaker:
    """Counts operations, and stops at one of them."""

    def __init__(self, *, at: int, kills: bool) -> None:
        self.count = 0
        self._at = at
        self._kills = kills

    @property
    def has_stopped(self) -> bool:
        return self.count > self._at

    def step(self) -> None:
        """Is called before each operation."""
        self.count += 1
        if self._kills and self.count > self._at:
            raise Killed
        if self.count == self._at + 1:
            raise PermissionError("broken here")


NEVER = 1_000_000


class Place(Protocol):
    """Where a test publishes."""

    output: str
    storage: Storage

    def put(self, folder: str, texts: Mapping[str, str]) -> None:
        """Writes files."""

    def texts(self, folder: str) -> dict[str, str]:
        """All files below a folder."""

    def breaking(self, breaker: Breaker) -> Any:
        """A context in which operations are counted, and stop."""


class Disk:
    """This machine's disk."""

    def __init__(self, folder: Path) -> None:
        self.output = f"{folder}/out"
        self.storage: Storage = LocalStorage()

    def put(self, folder: str, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def texts(self, folder: str) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): path.read_text() for path in Path(folder).rglob("*") if path.is_file()
        }

    @contextmanager
    def breaking(self, breaker: Breaker) -> Iterator[None]:
        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def change(*arguments: Any, **options: Any) -> Any:
                breaker.step()
                return real(*arguments, **options)

            return change

        with pytest.MonkeyPatch.context() as patch:
            for name in CHANGES:
                patch.setattr(os, name, counted(getattr(os, name)))
            yield


class Store:
    """A store without folders and renames: a move is a copy and a deletion. `backwards`: the last ends first."""

    def __init__(self, *, backwards: bool) -> None:
        self.output = "store://out"
        self.storage: Storage = self
        self._backwards = backwards
        self._objects: dict[str, str] = {}
        self._breaker = Breaker(at=NEVER, kills=True)

    def put(self, folder: str, texts: Mapping[str, str]) -> None:
        self._objects.update({f"{folder}/{name}": text for name, text in texts.items()})

    def texts(self, folder: str) -> dict[str, str]:
        return {unit: self._objects[f"{folder}/{unit}"] for unit in self.units(folder)}

    @contextmanager
    def breaking(self, breaker: Breaker) -> Iterator[None]:
        before, self._breaker = self._breaker, breaker
        try:
            yield
        finally:
            self._breaker = before

    def names(self, folder: str) -> set[str]:
        return {unit.partition("/")[0] for unit in self.units(folder)}

    def units(self, folder: str) -> list[str]:
        return sorted(path.removeprefix(f"{folder}/") for path in self._objects if path.startswith(f"{folder}/"))

    def sizes(self, folder: str) -> dict[str, int]:
        return {unit: len(self._objects[f"{folder}/{unit}"]) for unit in self.units(folder)}

    def exists(self, path: str) -> bool:
        return path in self._objects

    def move_all(self, moves: Iterable[tuple[str, str]]) -> None:
        moves = list(moves)
        for source, target in reversed(moves) if self._backwards else moves:
            self._breaker.step()
            self._objects[target] = self._objects[source]
            self._breaker.step()
            del self._objects[source]

    def write(self, path: str, content: bytes) -> None:
        self._breaker.step()
        self._objects[path] = content.decode()

    def remove(self, paths: list[str]) -> None:
        for path in paths:
            for name in [f"{path}/{unit}" for unit in self.units(path)] or [path] * (path in self._objects):
                self._breaker.step()
                del self._objects[name]

    def sync(self, folder: str, *, deep: bool) -> None:
        """A store has no cache."""
