"""A complete result in a staging folder -> the published folder; an older one moves aside first, and back on a failure.

    <output>/.publishing-<run>/old/...      the parts of the older folder, as long as they may be needed
    <output>/.publishing-<run>/leaving      the older parts move aside; all parts in the output are older ones
    <output>/.publishing-<run>/entering     the new parts move in; all parts in the output are new ones
    <output>/.publishing-<run>/done         what could not be deleted; it means nothing any more

The steps, each of which a kill may interrupt:

    1. the result is checked and written to the disk, and `leaving` too; the older folder is still there
    2. the older manifest moves aside, then all other older parts; `leaving` is renamed to `entering`
    3. the new parts move in, checked again, and the new manifest last
    4. the older parts are deleted

Readers take no folder without a manifest. So they see the older folder until step 2, nothing during steps 2 and 3, and
the new folder from then on. On this machine steps 2 and 3 are a dozen renames, less than a millisecond. A store copies
files instead, which takes longer; the order is the same. `recover` undoes steps 2 and 3 after a kill, or ends step 4.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from pipeline.contract import (
    FAILED_FOLDER,
    MANIFEST_FILE,
    PUBLISHING_PREFIX,
    RECORDS_FOLDER,
    REJECTED_FOLDER,
    REPORT_FILE,
    TRANSFORM_FOLDER,
    VOCABULARY_FILE,
)

# The parts of a records folder. Nothing else in an output folder is touched.
PARTS: Final = frozenset(
    {
        MANIFEST_FILE, RECORDS_FOLDER, TRANSFORM_FOLDER, VOCABULARY_FILE, REJECTED_FOLDER, REPORT_FILE, FAILED_FOLDER,
    }
)  # fmt: skip

_OLD: Final = "old"
_LEAVING: Final = "leaving"
_ENTERING: Final = "entering"
_DONE: Final = "done"

_logger = logging.getLogger(__name__)


class Storage(Protocol):
    """Where the output is: LocalStorage, or a store."""

    def names(self, folder: str) -> set[str]:
        """The first parts of the paths of all that is below a folder, hidden ones included."""

    def units(self, folder: str) -> list[str]:
        """What one move takes, as paths relative to the folder: each name, or in a store each file below it."""

    def sizes(self, folder: str) -> dict[str, int]:
        """The bytes of each file below a folder, by its path relative to the folder; hidden folders may be left out."""

    def exists(self, path: str) -> bool:
        """Whether there is something of this path."""

    def move_all(self, moves: Iterable[tuple[str, str]]) -> None:
        """Moves each from source to target."""

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file as a whole."""

    def remove(self, paths: list[str]) -> None:
        """Deletes files, and folders with all they hold; paths that do not exist are skipped."""

    def sync(self, folder: str, *, deep: bool) -> None:
        """After it a power cut undoes nothing in the folder; with `deep`, nothing below it."""


class IncompleteError(Exception):
    """A file of the result is missing or has another size: another process has cleared the staging folder."""


class Publication:
    """The publication of one run.

    output: the folder to publish. run: a name for the run, unlike that of any other run. result: the folder where the
    run has built all parts but the manifest.
    """

    def __init__(self, storage: Storage, output: str, *, run: str, result: str) -> None:
        self._storage = storage
        self._output = output
        self._result = result
        self._folder = f"{output}/{PUBLISHING_PREFIX}{run}"
        self._published = f"{result}.published"  # once this file exists, there is nothing left to do

    def publish(self, manifest: bytes, *, files: Mapping[str, int]) -> None:
        """Publishes the result with this manifest; it goes on where an earlier call for the same run ended.

        If it fails, what was in the output before is there again, and another call can publish the result.

        Args:
          manifest: the content of the manifest.
          files: the bytes of each file of the result, by its path relative to the folder.

        Raises:
          IncompleteError: the result does not hold these files.
          OSError: something can't be moved or written.
        """
        storage, entering = self._storage, f"{self._folder}/{_ENTERING}"
        if storage.exists(self._published):
            _remove(storage, self._folder)
            return
        try:
            if not storage.exists(entering):
                self._prepare(manifest, files)
                _move_parts(storage, self._output, f"{self._folder}/{_OLD}", manifest_first=True)
                storage.move_all([(f"{self._folder}/{_LEAVING}", entering)])
            if not storage.exists(f"{self._output}/{MANIFEST_FILE}"):
                self._move_in(files)
        except BaseException:
            self._put_back()
            raise
        storage.sync(self._output, deep=False)
        try:
            storage.remove([f"{self._folder}/{_OLD}"])  # a full disk has room for the mark then
            storage.write(self._published, b"")
        except OSError as error:  # the mark of step 3 stays, and says the same
            _logger.warning("%s is published; the next run deletes %s: %s", self._output, self._folder, error)
            return
        _remove(storage, self._folder)

    def _prepare(self, manifest: bytes, files: Mapping[str, int]) -> None:
        storage = self._storage
        _check(storage.sizes(self._result), files, self._result)
        storage.write(f"{self._result}/{MANIFEST_FILE}", manifest)
        storage.sync(self._result, deep=True)
        storage.write(f"{self._folder}/{_LEAVING}", b"")
        storage.sync(self._folder, deep=True)
        storage.sync(self._output, deep=False)

    def _move_in(self, files: Mapping[str, int]) -> None:
        _, others = _parts(self._storage, self._result)
        self._storage.move_all((f"{self._result}/{unit}", f"{self._output}/{unit}") for unit in others)
        _check(self._storage.sizes(self._output), files, self._output)
        self._storage.move_all([(f"{self._result}/{MANIFEST_FILE}", f"{self._output}/{MANIFEST_FILE}")])

    def _put_back(self) -> None:
        """Undoes steps 2 and 3, unless the manifest has come in; a failure is left to the next run."""
        try:
            if not _is_complete(self._storage, self._output, self._folder):
                _undo(self._storage, self._output, self._folder, result=self._result)
        except Exception as error:
            _logger.error("%s: can't be put back now (%s); the next run tries again", self._output, error)


def recover(storage: Storage, output: str) -> None:
    """Undoes, or ends, what killed runs left of their publications. No other process may write to the output meanwhile.

    Raises:
      OSError: something can't be moved.
    """
    for name in sorted(name for name in storage.names(output) if name.startswith(PUBLISHING_PREFIX)):
        folder = f"{output}/{name}"
        if storage.exists(f"{folder}/{_DONE}"):
            _remove(storage, folder)
        elif _is_complete(storage, output, folder):
            storage.sync(output, deep=False)
            # If the rest can't be deleted, it must not be taken for this when a later manifest is aside.
            storage.write(f"{folder}/{_DONE}", b"")
            _remove(storage, folder)
            _logger.info("%s: a run was stopped after it had published; its records folder is complete", output)
        else:
            was_there = MANIFEST_FILE in (*storage.names(f"{folder}/{_OLD}"), *storage.names(output))
            _undo(storage, output, folder, result=None)
            what = "the records folder from before is back" if was_there else "its parts are removed"
            _logger.info("%s: a run was stopped while it published; %s", output, what)


def _is_complete(storage: Storage, output: str, folder: str) -> bool:
    """Whether the new manifest is in the output."""
    return storage.exists(f"{folder}/{_ENTERING}") and storage.exists(f"{output}/{MANIFEST_FILE}")


def _undo(storage: Storage, output: str, folder: str, *, result: str | None) -> None:
    """Moves new parts from the output to the result, or deletes them, and older parts back, their manifest last."""
    if storage.exists(f"{folder}/{_ENTERING}"):
        if result is None:
            storage.remove([f"{output}/{name}" for name in sorted(storage.names(output) & PARTS)])
        else:
            _move_parts(storage, output, result, manifest_first=True)
        storage.remove([f"{folder}/{_ENTERING}"])
    _move_parts(storage, f"{folder}/{_OLD}", output, manifest_first=False)
    storage.sync(output, deep=False)
    storage.remove([folder])


def _move_parts(storage: Storage, source: str, target: str, *, manifest_first: bool) -> None:
    manifest, others = _parts(storage, source)
    for units in (manifest, others) if manifest_first else (others, manifest):
        storage.move_all((f"{source}/{unit}", f"{target}/{unit}") for unit in units)


def _parts(storage: Storage, folder: str) -> tuple[list[str], list[str]]:
    """The units of a records folder: the manifest, and all others."""
    parts = [unit for unit in storage.units(folder) if unit.partition("/")[0] in PARTS]
    return [unit for unit in parts if unit == MANIFEST_FILE], [unit for unit in parts if unit != MANIFEST_FILE]


def _remove(storage: Storage, folder: str) -> None:
    """Deletes what is not needed any more, the marks last; what can't be deleted is left."""
    try:
        storage.remove([f"{folder}/{name}" for name in (_OLD, _LEAVING, _ENTERING)])
        storage.remove([folder])
    except OSError as error:
        _logger.warning("%s holds parts of a records folder that was replaced, and can't be deleted: %s", folder, error)


def _check(sizes: Mapping[str, int], files: Mapping[str, int], folder: str) -> None:
    for path, size in files.items():
        if sizes.get(path) != size:
            raise IncompleteError(f"{folder}/{path}: expected {size} bytes, got {sizes.get(path, 'no such file')}")
