"""pipeline.files.publication: killed or failed at each of its operations, it leaves the older folder or the new one."""

import errno
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from pipeline.files.publication import IncompleteError, Publication, recover
from tests.support.breaking_storage import Breaker, Disk, Killed, Place, Store

OLD = {
    "manifest.json": "old",
    "records/train-0": "old train",
    "records/train-7": "of more shards",
    "rejected/r": "old",
    "failed/f": "old",
    "report.html": "old",
    "transform/a/b": "old",
    "vocabulary.tsv": "old",
}
PARTS = {
    "records/train-0": "new train",
    "records/test-0": "",
    "report.html": "new",
    "transform/a/b": "new",
    "transform/c": "new",
    "vocabulary.tsv": "new",
}
NEW = {**PARTS, "manifest.json": "new"}
FILES = {name: len(text) for name, text in PARTS.items()}

PLACES: dict[str, Callable[[Path], Place]] = {
    "disk": Disk,
    "store": lambda _: Store(backwards=False),
    "store backwards": lambda _: Store(backwards=True),
}


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk itself is not what is tested."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(params=PLACES)
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, str]], Place]:
    """Makes an output with these files, and a result to publish there."""
    made = 0

    def make(there: dict[str, str]) -> Place:
        nonlocal made
        made += 1
        place = PLACES[request.param](tmp_path / str(made))
        place.put(place.output, {**there, ".lock": "mine"})
        place.put(f"{place.output}/.staging-1/result", PARTS)
        return place

    return make


def publication(place: Place, run: str = "1") -> Publication:
    result = f"{place.output}/.staging-{run}/result"
    return Publication(place.storage, place.output, run=run, result=result)


def stop(place: Place, command: Callable[[], None], *, at: int, kills: bool = True) -> Breaker:
    """Runs a command that is killed, or fails once."""
    breaker = Breaker(at=at, kills=kills)
    with place.breaking(breaker):
        try:
            command()
        except (Killed, OSError):
            assert breaker.has_stopped
    return breaker


def publish(place: Place, run: str = "1") -> None:
    publication(place, run).publish(b"new", files=FILES)


def seen(place: Place) -> dict[str, str] | None:
    """The records folder that a reader finds; None: it finds no manifest. What it does not look at is left out."""
    texts = {name: text for name, text in place.texts(place.output).items() if not name.startswith(".")}
    return texts if "manifest.json" in texts else None


def is_clean(place: Place) -> bool:
    return not any(name.startswith(".publishing-") for name in place.storage.names(place.output))


@pytest.mark.parametrize("there", [{}, OLD], ids=["first", "overwrite"])
def test_publication_killed_anywhere_leaves_one_folder_whole(
    new_place: Callable[[dict[str, str]], Place], there: dict[str, str]
) -> None:
    before = there or None
    at, nothing_seen, results = 0, 0, []
    while True:
        place = new_place(there)
        breaker = stop(place, partial(publish, place), at=at)
        after = seen(place)
        assert after in (before, NEW, None), at
        nothing_seen += after is None
        recover(place.storage, place.output)
        assert is_clean(place), at
        recovered = seen(place)
        assert recovered == (before if after is None else after), at
        if recovered is None:  # nothing of the killed run is in the next one's way
            assert not [name for name in place.texts(place.output) if not name.startswith(".")], at
        results.append(recovered)
        place.put(f"{place.output}/.staging-2/result", PARTS)
        publish(place, run="2")
        assert seen(place) == NEW, at
        if not breaker.has_stopped:
            break
        at += 1
    # Both ends were seen, and in between there is one change from the one to the other.
    assert results == sorted(results, key=lambda result: result == NEW)
    assert {result == NEW for result in results} == {False, True}
    if isinstance(place, Disk) and there:
        assert nothing_seen == 7 + 1 + 5 - 1  # between renames: parts that leave, the mark, parts that come


@pytest.mark.parametrize("there", [{}, OLD], ids=["first", "overwrite"])
def test_publication_whose_recovery_is_killed_too(
    new_place: Callable[[dict[str, str]], Place], there: dict[str, str]
) -> None:
    before = there or None
    step = 11 if isinstance(new_place(there), Disk) else 1  # a disk is slow
    at = 0
    while True:
        second = at % step
        while True:
            place = new_place(there)
            first = stop(place, partial(publish, place), at=at)
            breaker = stop(place, partial(recover, place.storage, place.output), at=second)
            assert seen(place) in (before, NEW, None), (at, second)
            recover(place.storage, place.output)
            assert is_clean(place)
            assert seen(place) in (before, NEW), (at, second)
            if not breaker.has_stopped:
                break
            second += step
        if not first.has_stopped:
            break
        at += 1


@pytest.mark.parametrize("there", [{}, OLD], ids=["first", "overwrite"])
def test_publication_that_fails_once_puts_back_and_can_be_repeated(
    new_place: Callable[[dict[str, str]], Place], there: dict[str, str]
) -> None:
    before = there or None
    at = 0
    while True:
        place = new_place(there)
        breaker = stop(place, partial(publish, place), at=at, kills=False)
        assert seen(place) in (before, NEW), at
        assert is_clean(place) or seen(place) == NEW, at
        publish(place)
        assert seen(place) == NEW, at
        recover(place.storage, place.output)
        assert is_clean(place)
        assert seen(place) == NEW, at
        if not breaker.has_stopped:
            break
        at += 1


@pytest.mark.parametrize("there", [{}, OLD], ids=["first", "overwrite"])
def test_publication_goes_on_where_a_killed_worker_ended(
    new_place: Callable[[dict[str, str]], Place], there: dict[str, str]
) -> None:
    at = 0
    while True:
        place = new_place(there)
        breaker = stop(place, partial(publish, place), at=at)
        publish(place)
        assert seen(place) == NEW, at
        publish(place)
        assert seen(place) == NEW, at
        assert is_clean(place)
        if not breaker.has_stopped:
            break
        at += 1


@pytest.mark.parametrize("lost", ["records/test-0", "transform/c"])
def test_publication_of_an_incomplete_result_leaves_the_older_folder(
    new_place: Callable[[dict[str, str]], Place], lost: str
) -> None:
    place = new_place(OLD)
    place.storage.remove([f"{place.output}/.staging-1/result/{lost}"])
    with pytest.raises(IncompleteError, match=lost):
        publish(place)
    assert seen(place) == OLD
    place.put(f"{place.output}/.staging-1/result", {lost: "longer than it was"})
    with pytest.raises(IncompleteError, match=lost):
        publish(place)
    assert seen(place) == OLD


def test_publication_whose_result_is_cleared_meanwhile_puts_the_older_folder_back(
    new_place: Callable[[dict[str, str]], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(OLD)
    move_all = place.storage.move_all
    calls = 0

    def cleared(moves: Iterable[tuple[str, str]]) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:  # the manifest and the other older parts are aside
            place.storage.remove([f"{place.output}/.staging-1/result/{name}" for name in ("records", "report.html")])
        move_all([(source, target) for source, target in moves if place.storage.exists(source)])

    monkeypatch.setattr(place.storage, "move_all", cleared)
    with pytest.raises(IncompleteError):
        publish(place)
    assert seen(place) == OLD
    assert is_clean(place)


def test_publication_leaves_what_cannot_be_deleted_and_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Disk(tmp_path)
    place.put(place.output, OLD)
    place.put(f"{place.output}/.staging-1/result", PARTS)
    remove = place.storage.remove

    def refused(paths: list[str]) -> None:
        if any(path.endswith("/old") for path in paths):
            raise PermissionError("not yours")
        remove(paths)

    monkeypatch.setattr(place.storage, "remove", refused)
    publish(place)
    assert seen(place) == NEW
    # What is left is not taken for a publication that was stopped, whenever the next run is killed.
    for at in range(30):
        place.put(f"{place.output}/.staging-{at}/result", PARTS)
        stop(place, partial(publish, place, run=str(at)), at=at)
        recover(place.storage, place.output)
        assert seen(place) == NEW


def test_publication_whose_last_mark_cannot_be_written_is_complete(
    new_place: Callable[[dict[str, str]], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(OLD)
    write = place.storage.write

    def full(path: str, content: bytes) -> None:
        if path.endswith(".published"):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(place.storage, "write", full)
    for _ in range(2):  # the runner may ask again
        publish(place)
        assert seen(place) == NEW
        # The disk has no room for both folders.
        assert not any("/old/" in name for name in place.texts(place.output))
    recover(place.storage, place.output)
    assert seen(place) == NEW
    assert is_clean(place)
