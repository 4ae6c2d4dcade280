"""The examples on Airflow and on Kubeflow's local runner, where TEXTRECORDS_AIRFLOW and TEXTRECORDS_KFP name these.

docs/how-to/schedulers.md says how to make the two environments. No Go is needed:

    TEXTRECORDS_AIRFLOW=... TEXTRECORDS_KFP=... python -m pytest tests/cluster/test_schedulers.py
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster.conftest import called, command
from tests.support.paths import REPOSITORY

AIRFLOW_ENVIRONMENT = os.environ.get("TEXTRECORDS_AIRFLOW")
KFP_ENVIRONMENT = os.environ.get("TEXTRECORDS_KFP")

SMALL = {
    "run_options": "--vocabulary.top_words 500 --sequence.max_length 40",
    "train_options": "--training.epochs 1 --model.lstm_units 8 --model.embedding_dim 8",
}

# A run: folder, input, day, least accuracy -> what the scheduler printed, and its exit status.
Run = Callable[[Path, Path, int, float], subprocess.CompletedProcess[str]]


def run_on_airflow(folder: Path, rows: Path, day: int, least: float) -> subprocess.CompletedProcess[str]:
    dag = REPOSITORY / "examples" / "airflow" / "textrecords_daily.py"
    home = folder.with_name(f"{folder.name}-airflow")
    settings = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(dag.parent)}
    settings["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    if not home.exists():
        started([f"{AIRFLOW_ENVIRONMENT}/bin/airflow", "db", "migrate"], settings).check_returncode()
    params = {"input_path": str(rows), "held_out": str(rows), "folder": str(folder), "least_accuracy": least, **SMALL}
    test = [f"{AIRFLOW_ENVIRONMENT}/bin/airflow", "dags", "test", "textrecords_daily", f"2026-11-{day}"]
    return started([*test, "--dagfile-path", str(dag), "--conf", json.dumps(params)], settings)


def run_on_kubeflow(folder: Path, rows: Path, day: int, least: float) -> subprocess.CompletedProcess[str]:
    example = REPOSITORY / "examples" / "kubeflow" / "textrecords_pipeline.py"
    values = {"input_path": rows, "held_out": rows, "folder": folder, "run": f"202611{day}T000000", **SMALL}
    options = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    return started([f"{KFP_ENVIRONMENT}/bin/python", str(example), *options, "--least_accuracy", str(least)], {})


def started(arguments: list[str], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """With stderr in stdout."""
    paths = {"TEXTRECORDS_PYTHON": sys.executable, "PATH": f"{Path(arguments[0]).parent}:{os.environ['PATH']}"}
    environment = {**os.environ, **paths, **settings}
    return subprocess.run(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=environment
    )


class Served(NamedTuple):
    """A folder into which a scheduler has served the model of the 28th."""

    run: Run
    folder: Path
    rows: Path

    def versions(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "served").iterdir())


SCHEDULERS = [
    pytest.param(
        run_on_airflow,
        id="airflow",
        marks=pytest.mark.skipif(not AIRFLOW_ENVIRONMENT, reason="TEXTRECORDS_AIRFLOW names no environment of Airflow"),
    ),
    pytest.param(
        run_on_kubeflow,
        id="kubeflow",
        marks=pytest.mark.skipif(not KFP_ENVIRONMENT, reason="TEXTRECORDS_KFP names no environment of kfp"),
    ),
]


@pytest.fixture(scope="module", params=SCHEDULERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Served:
    base = tmp_path_factory.mktemp("scheduler")
    folder, rows = base / "my reviews", base / "rows.csv"
    assert called(command("sample", "--rows=1500", f"--output={rows}")).returncode == 0
    done = request.param(folder, rows, 28, 0.0)
    assert done.returncode == 0, done.stdout
    return Served(request.param, folder, rows)


def test_schedulers_serve_the_model_that_they_checked(served: Served) -> None:
    assert served.versions() == ["1"]
    assert (served.folder / "served_run.txt").read_text() == "20261128T000000"
    certificate = Path("assets.extra", "certificate.jsonl")
    candidate = served.folder / "candidates" / "20261128T000000" / "1" / certificate
    assert (served.folder / "served" / "1" / certificate).read_bytes() == candidate.read_bytes()


def test_schedulers_stop_at_records_that_differ(served: Served, tmp_path: Path) -> None:
    """Only a tenth of the negative reviews is left, so 41% of the rows would need another label."""
    with served.rows.open() as source, (tmp_path / "shifted.csv").open("w") as target:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(target, rows.fieldnames or [])
        writer.writeheader()
        writer.writerows(row for number, row in enumerate(rows) if row["label"] == "positive" or number % 10 == 0)
    done = served.run(served.folder, tmp_path / "shifted.csv", 29, 0.0)
    assert done.returncode == 1, done.stdout
    assert "compare.max_label_shift: 0.4" in done.stdout
    assert (served.folder / "records" / "20261129T000000" / "manifest.json").exists()
    assert not (served.folder / "training" / "20261129T000000").exists()
    assert served.versions() == ["1"]


def test_schedulers_stop_at_a_model_that_is_not_good_enough(served: Served) -> None:
    done = served.run(served.folder, served.rows, 30, 0.999)
    assert done.returncode == 1, done.stdout
    assert "is below least_accuracy, 0.999" in done.stdout
    assert (served.folder / "candidates" / "20261130T000000" / "1").exists()
    assert served.versions() == ["1"]
    assert (served.folder / "served_run.txt").read_text() == "20261128T000000"
