"""What the commands load at their start, in a process of its own."""

import subprocess
import sys

from tests.support.modules import MODULES
from tests.support.paths import REPOSITORY


def test_startup_trainer_loads_no_beam_and_no_page_loads_bokeh() -> None:
    """Beam takes a second and TFT more; Bokeh's Python 0.8 s, while its script in the page is a file that is read."""
    trainer = [name for name in MODULES if name.startswith("trainer") and not name.endswith("__main__")]
    names = ", ".join([*trainer, "pipeline.records_report"])
    unwanted = {"apache_beam", "tensorflow_transform", "bokeh"}
    check = f"import sys, {names}\nprint(sorted({unwanted!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout == "[]\n"


def test_startup_job_loads_no_keras() -> None:
    """They would take 0.6 s of each process of a job."""
    unwanted = {"tf_keras", "keras", "scipy", "h5py", "googleapiclient", "google.cloud.pubsub"}
    check = (
        "import sys\n"
        "from pipeline.support.lean_imports import lean_imports\n"
        "from pipeline.support.tensorflow_startup import import_tensorflow\n"
        "with lean_imports():\n"
        "    import_tensorflow(beside_transform=True)\n"
        "    import pipeline.job.run\n"
        f"print(sorted({unwanted!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout == "[]\n"
