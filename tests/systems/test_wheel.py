"""A wheel of the package: it has the files beside the modules that a command reads, without the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.paths import REPOSITORY


def test_wheel_has_the_text_of_help_and_the_pages_files(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    # A copy of what is committed or new: a build leaves folders in the source.
    source = tmp_path / "source"
    wanted = ["pipeline", "trainer", "*.py", "*.toml", "*.md"]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *wanted],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(lambda name: (REPOSITORY / name).exists(), listed.stdout.splitlines()):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((REPOSITORY / name).read_bytes())
    subprocess.run([*built, str(source)], check=True, capture_output=True)
    installed = tmp_path / "installed"
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(installed)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "--help"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--sequence.max_length VALUE" in done.stdout
    for name in ("config/pipeline.yaml", "html/style.css", "html/draw.js"):
        assert (installed / "pipeline" / name).read_text() == (REPOSITORY / "pipeline" / name).read_text()
