"""The parts that the soak is made of: a kill before a numbered operation, and mutations that change something."""

import json
import random
import signal
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.soak.manifest_mutations import mutate_bytes, mutate_value
from tests.soak.part import ENDED_BEFORE, Part, until_killed
from tests.soak.processes import run_command

# Publishes as a job does: first its staging folder, which does not count, then three operations on published names.
PUBLISH = """
import os, sys
out = sys.argv[1]
os.mkdir(out + "/.staging-1")
open(out + "/.staging-1/a", "w").close()
os.rename(out + "/.staging-1/a", out + "/vocabulary.tsv")
os.mkdir(out + "/records")
open(out + "/manifest.json", "w").close()
"""


def test_soak_kills_before_the_operation_of_a_number(tmp_path: Path) -> None:
    # operation to be killed before, what is in the output then
    table = [
        (1, [".staging-1"]),
        (2, [".staging-1", "vocabulary.tsv"]),
        (3, [".staging-1", "records", "vocabulary.tsv"]),
        (4, [".staging-1", "manifest.json", "records", "vocabulary.tsv"]),  # there is none: it ends
    ]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    for number, expected in table:
        output = tmp_path / str(number)
        output.mkdir()
        count = tmp_path / f"{number}.count"
        environment = {
            "SOAK_OUTPUT": str(output), "SOAK_KILL_AT": str(number), "SOAK_KILL": "main", "SOAK_COUNT": str(count),
        }  # fmt: skip
        ended = run_command(["-c", PUBLISH, str(output)], temporary=temporary, environment=environment)
        assert sorted(path.name for path in output.iterdir()) == expected
        assert ended.status == (0 if number == 4 else -signal.SIGKILL)
        assert count.stat().st_size == min(number, 3)


def test_soak_knows_the_processes_that_a_killed_command_leaves(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    child = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])"
    ended = run_command(["-c", f"{child}; child.kill(); child.wait()"], temporary=temporary)
    assert (ended.status, ended.left) == (0, ())
    dies = f"{child}; import os; os.kill(os.getpid(), 9)"
    ended = run_command(["-c", dies], temporary=temporary, patience=0)
    assert ended.status == -signal.SIGKILL
    assert len(ended.left) == 1


def test_soak_mutations_change_the_manifest() -> None:
    manifest = {"labels": ["a", "b"], "splits": {"train": {"rows": 3}}}
    content = json.dumps(manifest).encode()
    draw = random.Random(0)
    values = [mutate_value(draw, manifest) for _ in range(60)]
    damaged = [mutate_bytes(draw, content)[1] for _ in range(20)]
    places = {name.partition(" is ")[0] for name, _ in values}
    assert places == {".labels", ".labels.0", ".labels.1", ".splits", ".splits.train", ".splits.train.rows"}
    assert manifest == {"labels": ["a", "b"], "splits": {"train": {"rows": 3}}}
    assert sum(json.loads(mutated) == manifest for _, mutated in values) == 0
    assert sum(mutated == content for mutated in damaged) <= 3  # a byte may be replaced by itself


@pytest.mark.parametrize(
    # the numbers of the tries that end before they are killed, tries until two were killed
    ("ended", "tries"),
    [((), 2), ((0,), 3), ((0, 2), 4), (range(9), 6)],
)
def test_soak_goes_on_until_enough_commands_were_killed(ended: Collection[int], tries: int) -> None:
    part = Part("kills")
    until_killed(part, 2, lambda number: part.add(ENDED_BEFORE if number in ended else "killed"))
    assert part.tries == tries
