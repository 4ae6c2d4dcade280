"""pipeline.files.publish: where a run may write, what it removes, and a publication that is interrupted."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.publish import check_output, new_staging, publish
from tests.support.jobs import write_texts

NEW = {
    "records/train-0": "new train",
    "records/test-0": "new test",
    "transform/a/b": "new graph",
    "vocabulary.tsv": "new",
}
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
    publish(f"{staging}/result", f"{output}/", manifest=b"{}")
    BeamFiles().remove([staging])
    assert contents(output) == {**NEW, "manifest.json": "{}"}
    assert contents(neighbour) == OLD


@pytest.mark.parametrize("moves", range(len(NEW) + 1))
def test_publish_goes_on_where_it_was_interrupted(moves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = write_texts(tmp_path / "out", OLD)
    result = write_texts(output / ".staging-h-1-ab" / "result", NEW)
    left = moves
    real = BeamFiles.move

    def move(self: BeamFiles, source: str, target: str) -> None:
        nonlocal left
        if f"{result}/" in source or target == f"{output}/manifest.json":
            if left == 0:
                raise InterruptedError
            left -= 1
        real(self, source, target)

    monkeypatch.setattr(BeamFiles, "move", move)
    with pytest.raises(InterruptedError):
        publish(str(result), str(output), manifest=b"{}")
    # There is never a manifest over a mix of old and new files.
    assert "manifest.json" not in contents(output)
    check_output(str(output), overwrite=False)
    left = 100
    publish(str(result), str(output), manifest=b"{}")
    published = {name: text for name, text in contents(output).items() if not name.startswith(".staging-")}
    assert published == {**NEW, "manifest.json": "{}"}


# what is in the folder, --overwrite -> what is said
OUTPUTS = [
    ({}, False, None),
    (OLD, True, None),
    (OLD, False, "holds a complete records folder; add --overwrite to replace it, or give another output.path"),
    ({"records/train-0": "x", "vocabulary.tsv": "x"}, False, None),  # no manifest: nobody takes it for complete
    ({".staging-h-1-ab/work/x": "x"}, False, None),
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
    staging = new_staging(str(output))
    assert sorted(path.name for path in output.iterdir()) == sorted([*others, Path(staging).name])
    assert staging.startswith(f"{output}/.staging-{host}-{os.getpid()}-")
    assert list(Path(staging).iterdir()) == []
