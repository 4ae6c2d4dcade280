"""What all tests share: TensorFlow on the CPU and quiet, the real reviews, and one small finished run."""

import os
import signal

# A shell starts what it puts into the background with Ctrl-C ignored, which all children inherit; tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before anything imports TensorFlow.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

import pytest

from tests.support.once import made_once
from tests.support.paths import REPOSITORY


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are not shown in a test's name: unreadable, and pytest-xdist needs the same names in every process."""
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def imdb() -> Path:
    """train.parquet of the Large Movie Review Dataset: columns id, text and label (0 or 1).

    Other people's texts, so they are not in the repository; a clone that does not lie beside them goes without these
    tests, whose rules the made-up texts try as well.
    """
    path = REPOSITORY.parent / "shared" / "data" / "imdb" / "train.parquet"
    if not path.exists():
        pytest.skip(f"the real reviews are not there: {path}")
    return path


@pytest.fixture(scope="session")
def small_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records folder of support/jobs.small_rows; tests must not change it."""

    def make(folder: Path) -> None:
        # Here, so that tests which don't ask for it don't wait for TensorFlow and Beam.
        from tests.support.jobs import run_job, small_rows, write_jsonl

        run_job(write_jsonl(folder / "rows.jsonl", small_rows()), folder / "records")

    return made_once(tmp_path_factory, "small", make) / "records"


@pytest.fixture(scope="session")
def small_model(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export.path of a model that is trained on small_records; tests must not change it."""

    def make(folder: Path) -> None:
        from tests.support.exported_models import export_unchecked, settings, trained_on

        config = settings(small_records, folder)
        export_unchecked(trained_on(small_records, config), config)

    return made_once(tmp_path_factory, "small_model", make) / "model"
