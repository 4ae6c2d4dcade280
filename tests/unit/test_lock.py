"""pipeline.files.lock and pipeline.files.owner: one writer at a time, and whose lock is taken over."""

import errno
import fcntl
import json
import os
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.files import owner
from pipeline.files.lock import hold, owner_of_lock
from pipeline.files.owner import Owner, this_process

DEAD = 99_999_999  # above the largest process id of Linux
ME = this_process("pipeline run")


def holder(folder: Path) -> Owner | None:
    """Whose lock is in a folder, if that process may still write."""
    owner = owner_of_lock(folder, setting="output.path")
    return None if owner is None or owner.is_running() is False else owner


# what differs from this process -> whether it runs
OWNERS: list[tuple[dict[str, object], bool | None]] = [
    ({}, True),
    ({"command": "trainer train", "since": "?", "token": "?"}, True),  # what is for people alone
    ({"process": DEAD}, False),
    ({"started": "1"}, False),  # its id is used again, by this process
    ({"started": ""}, True),  # the system did not say
    ({"host": "renamed"}, True),  # the same boot: the same machine
    ({"boot": "earlier"}, False),  # this machine has started again
    ({"boot": "earlier", "machine": ""}, None),
    ({"boot": "earlier", "host": "elsewhere"}, None),  # a copy of this machine has the same machine-id
    ({"boot": "other", "machine": "other", "process": DEAD}, None),
    ({"processes": "pid:[7]", "process": DEAD}, None),  # in another container
]


@pytest.fixture(autouse=True)
def known_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answers on every machine that runs this test."""
    monkeypatch.setattr(owner, "_boot", lambda: ME.boot or "boot")
    monkeypatch.setattr(owner, "_machine", lambda: "machine")


def described(**changes: Any) -> Owner:
    return replace(this_process("pipeline run"), **changes)


@pytest.mark.parametrize(("changes", "running"), OWNERS)
def test_owner_runs_if_it_is_the_same_process_of_the_same_system(
    changes: dict[str, object], running: bool | None
) -> None:
    assert described(**changes).is_running() is running


def test_owner_of_a_system_without_ids_is_judged_by_host_and_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_boot", "_machine", "_processes"):
        monkeypatch.setattr(owner, name, lambda: "")
    monkeypatch.setattr(owner, "_state_and_start", lambda _: ("", ""))
    assert described().is_running() is True
    assert described(process=DEAD).is_running() is False
    assert described(host="elsewhere", process=DEAD).is_running() is None


# name and state in /proc/<process>/stat -> whether the process runs
STATES = [
    ("(python) S", True),
    ("(python) D", True),
    ("(python) T", True),  # paused: it may go on
    ("(python) Z", False),  # it has ended, and its parent has not asked for its status
    ("(python) X", False),
    ("(a) Z (b) R", True),  # a name may hold anything
]


@pytest.mark.parametrize(("name_and_state", "running"), STATES)
def test_owner_runs_until_its_process_has_ended(
    name_and_state: str, running: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = " ".join(map(str, range(4, 53)))  # the time of the start is field 22
    monkeypatch.setattr(owner, "_text", lambda _: f"4711 {name_and_state} {numbers}")
    assert owner.is_process(4711, started="22") is running
    assert not owner.is_process(4711, started="23")
    assert owner.start_of(4711) == "22"


# a lock's content that does not say whose it is
DAMAGED = [
    b"", b"\0" * 400, b"[" * 100_000, b"null", b"{}", b"\xff", b"7" * 70_000,
    json.dumps({**json.loads(ME.to_json()), "process": "1"}).encode(),
    json.dumps({**json.loads(ME.to_json()), "process": True}).encode(),
    json.dumps({**json.loads(ME.to_json()), "process": -1}).encode(),  # -1 would ask all processes
    ME.to_json()[:-20],
]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_lock_that_does_not_say_whose_it_is_is_left_alone(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ".lock").write_bytes(content)
    for ask in (lambda: hold(tmp_path, setting="output.path", command="c").__enter__(),
                lambda: holder(tmp_path)):  # fmt: skip
        with pytest.raises(UserError) as raised:
            ask()
        assert str(raised.value) == (
            f"output.path: {tmp_path}/.lock says that a process writes there, but not which; if none does, delete it"
        )
    assert (tmp_path / ".lock").read_bytes() == content


def test_lock_refuses_a_second_writer_and_says_who_the_first_is(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with hold(folder, setting="output.path", command="pipeline run") as first:
        assert holder(folder) == first
        assert os.listdir(folder) == [".lock"]
        with (
            pytest.raises(UserError) as raised,
            hold(folder, setting="training.path", command="trainer train"),
        ):
            pass
        assert str(raised.value) == (
            f"training.path: {folder} is in use by `pipeline run` on {socket.gethostname()} (process {os.getpid()}, "
            f"since {first.since}); wait until it has ended, or give another training.path"
        )
        assert os.listdir(folder) == [".lock"]
    assert holder(folder) is None


def test_lock_of_another_machine_names_the_file_to_delete(tmp_path: Path) -> None:
    theirs = described(boot="other", host="elsewhere", process=12, since="then")
    (tmp_path / ".lock").write_bytes(theirs.to_json())
    with pytest.raises(UserError) as raised, hold(tmp_path, setting="output.path", command="pipeline run"):
        pass
    assert str(raised.value) == (
        f"output.path: {tmp_path} is in use by `pipeline run` on elsewhere (process 12, since then); wait until it has "
        f"ended, or give another output.path; if that process runs no more, delete {tmp_path}/.lock"
    )
    assert holder(tmp_path) == theirs


@pytest.mark.parametrize("error", [None, UserError("x"), KeyboardInterrupt()])
def test_lock_goes_at_every_end_with_the_folders_that_were_made(error: BaseException | None, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    folder = tmp_path / "there" / "a" / "b"

    def use() -> None:
        with hold(folder, setting="output.path", command="pipeline run"):
            if error is not None:
                raise error

    if error is None:
        use()
    else:
        with pytest.raises(type(error)):
            use()
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_lock_leaves_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    with hold(tmp_path / "a" / "b", setting="output.path", command="pipeline run"):
        (tmp_path / "a" / "b" / "result").touch()
    assert [path.name for path in (tmp_path / "a").rglob("*")] == ["b", "result"]


def test_lock_that_another_process_has_since_is_not_released(tmp_path: Path) -> None:
    theirs = described().to_json()
    with hold(tmp_path, setting="output.path", command="pipeline run"):
        (tmp_path / ".lock").unlink()  # by hand
        (tmp_path / ".lock").write_bytes(theirs)
    assert (tmp_path / ".lock").read_bytes() == theirs


def test_lock_is_taken_over_from_a_dead_process(tmp_path: Path) -> None:
    dead = described(process=DEAD)
    (tmp_path / ".lock").write_bytes(dead.to_json())
    (tmp_path / f".lock-{socket.gethostname()}-{DEAD}-0a1b2c3d").touch()  # it was killed while it took the lock
    assert holder(tmp_path) is None
    with hold(tmp_path, setting="output.path", command="pipeline run") as mine:
        assert holder(tmp_path) == mine != dead
        assert os.listdir(tmp_path) == [".lock"]
    assert not tmp_path.exists()  # as if the dead process had made it


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("links", [False, True])
def test_lock_has_one_owner_when_many_take_it_at_once(
    stale: bool, links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a slow disk is not what is tested
    dead = described(process=DEAD).to_json()
    takers = 8
    start, end = threading.Barrier(takers), threading.Barrier(takers)
    results: list[str] = []

    def take() -> None:
        start.wait()
        try:
            with hold(tmp_path, setting="output.path", command="pipeline run") as mine:
                assert Owner.from_json((tmp_path / ".lock").read_bytes()) == mine
                end.wait()
                results.append("took")
                return
        except UserError as error:
            results.append(" ".join(str(error).split()[2:5]))
        end.wait()

    for _ in range(10):
        results.clear()
        if stale:
            tmp_path.mkdir(exist_ok=True)
            (tmp_path / ".lock").write_bytes(dead)
        threads = [threading.Thread(target=take) for _ in range(takers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Without links the lock is empty for a moment.
        assert results.count("took") == 1
        assert set(results) <= {"took", "is in use"} | (set() if links else {"says that a"})
        assert len(results) == takers
        assert tmp_path.exists() != stale


def test_lock_survives_a_network_disk_that_loses_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def answered_twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)  # the client sends it again, and the name is there: its own

    monkeypatch.setattr(os, "link", answered_twice)
    with hold(tmp_path, setting="output.path", command="pipeline run") as mine:
        assert holder(tmp_path) == mine


def test_lock_of_a_folder_that_another_process_removes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link
    removals = [tmp_path / "out"]

    def after_a_removal(source: Path, target: Path) -> None:
        if removals:
            Path(source).unlink()
            removals.pop().rmdir()
        link(source, target)

    monkeypatch.setattr(os, "link", after_a_removal)
    with hold(tmp_path / "out", setting="output.path", command="pipeline run"):
        assert os.listdir(tmp_path / "out") == [".lock"]
    assert os.listdir(tmp_path) == []


def test_lock_says_that_a_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"^output\.path: can't write below .*file/out: .*Not a directory"),
        hold(tmp_path / "file" / "out", setting="output.path", command="pipeline run"),
    ):
        pass


def test_lock_without_flock_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    (tmp_path / ".lock").write_bytes(described(process=DEAD).to_json())
    with pytest.raises(UserError, match=r"of a process that has ended.*delete it$"), hold(
        tmp_path, setting="output.path", command="pipeline run"
    ):  # fmt: skip
        pass
    assert os.listdir(tmp_path) == [".lock"]


def test_lock_that_another_process_took_over_just_before_is_not_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    faster = ExitStack()

    def after_another(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        faster.enter_context(hold(tmp_path, setting="output.path", command="pipeline run"))
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", after_another)
    (tmp_path / ".lock").write_bytes(described(process=DEAD).to_json())
    with faster:
        with pytest.raises(UserError, match="is in use by"), hold(tmp_path, setting="output.path", command="second"):
            pass
        assert os.listdir(tmp_path) == [".lock"]


def test_lock_is_taken_over_by_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replacing = Path.replace
    asked = []

    def while_it_is_replaced(source: Path, target: Path) -> Path:
        asked.append(target.name)
        with target.open() as second, pytest.raises(BlockingIOError):
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return replacing(source, target)

    monkeypatch.setattr(Path, "replace", while_it_is_replaced)
    (tmp_path / ".lock").write_bytes(described(process=DEAD).to_json())
    with hold(tmp_path, setting="output.path", command="pipeline run"):
        assert asked == [".lock"]
