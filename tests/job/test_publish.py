"""pipeline.files.publish: where a run may write, what it removes, and a publication that is interrupted."""

import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.local_storage import LocalStorage
from pipeline.files.output_lock import hold_output
from pipeline.files.owner import this_process
from pipeline.files.publish import check_output, new_staging, publish, recover, remove_staging, save_rejected
from pipeline.job.run import run
from tests.support.jobs import no_display, write_texts
from tests.support.paths import REPOSITORY

NEW = {
    "records/train-0": "new train",
    "records/test-0": "new test",
    "transform/a/b": "new graph",
    "vocabulary.tsv": "new",
}
SIZES = {name: len(text) for name, text in NEW.items()}
OLD = {
    "manifest.json": "old",
    "records/train-7": "old",
    "rejected/r": "old",
    "report.html": "old",
    "vocabulary.tsv": "old",
}


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["out", "out[1]", "ou*"])
def test_publish_replaces_what_was_there_and_nothing_else(name: str, tmp_path: Path) -> None:
    neighbour = write_texts(tmp_path / "out1", OLD)  # what out[1] and ou* would name as globs
    output = write_texts(tmp_path / name, OLD)
    staging = new_staging(f"{output}/")
    write_texts(Path(staging) / "result", NEW)
    publish(f"{staging}/result", f"{output}/", manifest=b"{}", files=SIZES)
    BeamFiles().remove([staging])
    assert contents(output) == {**NEW, "manifest.json": "{}"}
    assert contents(neighbour) == OLD


def staged(output: Path) -> str:
    """A result that is ready to be published; gives its staging folder."""
    staging = new_staging(str(output))
    write_texts(Path(staging) / "result", NEW)
    return staging


def publish_staged(staging: str, output: Path, **options: Any) -> None:
    publish(f"{staging}/result", str(output), manifest=b"{}", files=SIZES, **options)


def test_publish_may_be_repeated(tmp_path: Path) -> None:
    output = write_texts(tmp_path / "out", OLD)
    staging = staged(output)
    for _ in range(3):
        publish_staged(staging, output)
        remaining = {name: text for name, text in contents(output).items() if not name.startswith(".staging-")}
        assert remaining == {**NEW, "manifest.json": "{}"}


# The process kills itself before the eighth of its renames, when the older parts are aside.
KILLED = """
import os, signal, sys
from pipeline.files.local_storage import LocalStorage
from pipeline.files.publication import Publication
rename, renames = os.rename, 0
def killed(source, target):
    global renames
    renames += 1
    if renames == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)
os.rename = killed
Publication(LocalStorage(), sys.argv[1], run="1", result=sys.argv[2] + "/result").publish(b"{}", files={})
"""


def test_publish_after_a_kill_puts_the_older_folder_back(tmp_path: Path) -> None:
    output = write_texts(tmp_path / "out", OLD)
    staging = staged(output)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(output), staging], cwd=REPOSITORY, check=False)
    assert killed.returncode == -signal.SIGKILL
    check_output(str(output), overwrite=False)  # nobody sees a records folder
    recover(str(output))
    with pytest.raises(UserError, match="holds a complete records folder"):
        check_output(str(output), overwrite=False)
    remove_staging(staging)
    assert contents(output) == OLD


def test_publish_of_a_worker_that_was_killed_is_undone_when_its_run_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = write_texts(tmp_path / "out", OLD)

    def killed_while_it_publishes(*_: object, **__: object) -> None:
        assert (output / ".lock").exists()
        with pytest.raises(UserError, match="is in use by `pipeline run`"):
            run(config, overwrite=True, display=no_display)
        (output / ".publishing-1" / "old").mkdir(parents=True)
        for name in ("manifest.json", "records"):
            (output / name).rename(output / ".publishing-1" / "old" / name)
        raise RuntimeError("the job has failed")

    config = load(None, {"output.path": str(output)})
    monkeypatch.setattr("pipeline.job.run._run", killed_while_it_publishes)
    with pytest.raises(RuntimeError, match="the job has failed"):
        run(config, overwrite=True, display=no_display)
    assert contents(output) == OLD


def test_publish_replaces_a_folder_that_may_not_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    output = write_texts(tmp_path / "out", OLD)
    staging = staged(output)
    monkeypatch.setattr(shutil, "rmtree", refused)
    publish_staged(staging, output)
    visible = {name: text for name, text in contents(output).items() if not name.startswith(".")}
    assert visible == {**NEW, "manifest.json": "{}"}
    check_output(str(output), overwrite=True)  # what is left is in nobody's way
    recover(str(output))
    monkeypatch.undo()
    recover(str(output))
    remove_staging(staging)
    assert contents(output) == {**NEW, "manifest.json": "{}"}


def test_publish_waits_before_it_clears_what_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = write_texts(tmp_path / "out", OLD)
    staging = staged(output)
    clearing = threading.Thread(target=remove_staging, args=[staging])
    move_all = LocalStorage.move_all

    def while_it_is_cleared(storage: LocalStorage, moves: Iterable[tuple[str, str]]) -> None:
        if not clearing.is_alive():
            clearing.start()
            clearing.join(0.2)  # Ctrl-C: the main thread clears the folder while the worker's thread publishes
            assert clearing.is_alive()
        move_all(storage, moves)

    monkeypatch.setattr(LocalStorage, "move_all", while_it_is_cleared)
    publish_staged(staging, output)
    clearing.join()
    assert contents(output) == {**NEW, "manifest.json": "{}"}


def test_publish_waits_for_another_process_that_publishes(tmp_path: Path) -> None:
    staging = staged(tmp_path / "out")
    clearing = threading.Thread(target=remove_staging, args=[staging])
    with open(f"{staging}/busy", "rb+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        clearing.start()
        clearing.join(0.2)
        assert len(contents(Path(staging))) == 1 + len(NEW)
    clearing.join()
    assert not Path(staging).exists()


def test_publish_of_a_worker_whose_command_was_killed_ends_before_the_next_run_looks(tmp_path: Path) -> None:
    output = write_texts(tmp_path / "out", OLD)
    staging = Path(staged(output))
    (output / ".publishing-1" / "old").mkdir(parents=True)
    (output / ".publishing-1" / "entering").touch()
    (output / "manifest.json").rename(output / ".publishing-1" / "old" / "manifest.json")
    recovering = threading.Thread(target=recover, args=[str(output)])
    with open(staging / "busy", "rb+") as worker:
        fcntl.flock(worker, fcntl.LOCK_EX)
        recovering.start()
        recovering.join(0.2)
        assert (output / ".publishing-1").exists()
        (output / "manifest.json").write_text("new")
    recovering.join()
    assert (output / "manifest.json").read_text() == "new"
    assert not (output / ".publishing-1").exists()


def test_publish_after_the_run_was_cleared_makes_nothing(tmp_path: Path) -> None:
    output = write_texts(tmp_path / "out", OLD)
    staging = staged(output)
    remove_staging(staging)
    with pytest.raises(FileNotFoundError):
        publish_staged(staging, output)
    assert contents(output) == OLD


def test_publish_refuses_a_run_whose_lock_another_run_took(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with hold_output(str(output), command="pipeline run") as first:
        staging = staged(output)
        (output / ".lock").write_bytes(this_process("second").to_json())
        with pytest.raises(UserError, match="is in use by `second`"):
            publish_staged(staging, output, lock_token=first.token)
        (output / ".lock").unlink()  # by hand, and nobody took it: the run may end
        publish_staged(staging, output, lock_token=first.token)


def test_publish_saves_rejected_rows_once(tmp_path: Path) -> None:
    output = write_texts(tmp_path / "out", {**OLD, "failed/rejected-9": "of an earlier run"})
    staging = new_staging(str(output))
    write_texts(Path(staging) / "result" / "rejected", {"rejected-0": "a", "rejected-1": "b"})
    for _ in range(2):  # the runner may ask again
        assert save_rejected(f"{staging}/result", str(output)) == f"{output}/failed"
        assert contents(output / "failed") == {"rejected-0": "a", "rejected-1": "b"}


# what is in the folder, --overwrite -> what is said
OUTPUTS = [
    ({}, False, None),
    (OLD, True, None),
    (OLD, False, "holds a complete records folder; add --overwrite to replace it, or give another output.path"),
    ({"records/train-0": "x", "vocabulary.tsv": "x"}, False, None),  # no manifest: nobody takes it for complete
    ({".staging-h-1-ab/work/x": "x"}, False, None),
    ({".publishing-h-1-ab/old/records/x": "x", ".lock": "x", ".lock-h-1-ab": ""}, False, None),
    ({".locks/x": "mine"}, False, "holds other files (.locks); give a folder of its own"),
    ({"thesis.txt": "mine"}, False, "holds other files (thesis.txt); give a folder of its own"),
    ({"thesis.txt": "mine"}, True, "holds other files (thesis.txt); give a folder of its own"),
    ({**OLD, "notes/a": "mine"}, True, "holds other files (notes); give a folder of its own"),
]


@pytest.mark.parametrize(("there", "overwrite", "said"), OUTPUTS)
def test_publish_checks_the_output(there: dict[str, str], overwrite: bool, said: str | None, tmp_path: Path) -> None:
    output = write_texts(tmp_path / "out", there)
    if said is None:
        check_output(str(output), overwrite=overwrite)
        return
    with pytest.raises(UserError) as raised:
        check_output(str(output), overwrite=overwrite)
    assert str(raised.value) == f"output.path: {output} {said}"


def test_publish_removes_what_dead_runs_left(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    host = socket.gethostname()
    dead = f".staging-{host}-{ended.pid}-0a1b2c3d"
    others = [
        f".staging-{host}-{os.getpid()}-0a1b2c3d",  # this process lives
        f".staging-{host}-1-0a1b2c3d",  # so does the first of all, which may be another user's
        f".staging-elsewhere-{ended.pid}-0a1b2c3d",  # nobody here knows of other machines
        ".staging-by-hand",
    ]
    output = write_texts(tmp_path / ".staging-x" / "out", {f"{name}/work/a": "x" for name in [dead, *others]})
    recover(str(output))
    staging = new_staging(str(output))
    assert sorted(path.name for path in output.iterdir()) == sorted([*others, Path(staging).name])
    assert staging.startswith(f"{output}/.staging-{host}-{os.getpid()}-")
    assert [path.name for path in Path(staging).iterdir()] == ["busy"]
