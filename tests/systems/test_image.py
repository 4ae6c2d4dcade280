"""The Dockerfile, as far as it can be tried without Docker."""

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

from tests.support.paths import REPOSITORY


def _lines() -> list[str]:
    """The instructions, each on one line, without comments."""
    text = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _copied() -> list[str]:
    return [name for line in _lines() if line.startswith("COPY ") for name in line.split()[1:-1]]


def test_image_has_the_beam_of_the_lock_file() -> None:
    """The lock has an older Beam for Python 3.10; `make image` takes both from the virtual environment."""
    arguments = dict(line.removeprefix("ARG ").split("=") for line in _lines() if line.startswith("ARG "))
    assert arguments["PYTHON"] in ("3.11", "3.12", "3.13")
    lock = (REPOSITORY / "requirements.lock").read_text()
    pins = re.findall(r"^apache-beam(?:\[.*\])?==([\d.]+)(?: ; python_full_version >= '3.11')? \\$", lock, re.MULTILINE)
    assert pins == [arguments["BEAM"]]
    assert "FROM apache/beam_python${PYTHON}_sdk:${BEAM}" in _lines()


def test_image_keeps_beams_entry_point() -> None:
    assert {line.split()[0] for line in _lines()} == {"ARG", "FROM", "WORKDIR", "COPY", "RUN"}


def test_image_installs_as_make_install_does() -> None:
    """The step that takes a network and minutes is the one that everybody has done."""
    (step,) = [line for line in _lines() if "requirements.lock" in line and line.startswith("RUN ")]
    made = next(line for line in (REPOSITORY / "Makefile").read_text().splitlines() if "-r requirements.lock" in line)
    asked = "--no-deps --require-hashes -r requirements.lock"
    assert asked in step
    assert asked in made


def test_image_gets_all_that_it_copies() -> None:
    allowed = [line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in _copied():
        assert (REPOSITORY / name).exists(), name
        assert any(fnmatch(name, pattern) for pattern in allowed), f"{name} is not let in by .dockerignore"


def test_image_copies_all_that_the_package_is_built_from(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    for name in _copied():
        if (REPOSITORY / name).is_dir():
            shutil.copytree(
                REPOSITORY / name, tmp_path / "context" / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(REPOSITORY / name, tmp_path / "context")
    (step,) = [line for line in _lines() if "--no-build-isolation" in line]
    options = [word for word in step.partition("&&")[0].split() if word.startswith("--")]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options, "--target", str(tmp_path / "site"), "."]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path / "context")
    built = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.py")}
    modules = {
        path.relative_to(REPOSITORY).as_posix()
        for package in ("pipeline", "trainer")
        for path in (REPOSITORY / package).rglob("*.py")
    }
    assert built == modules
