"""An Airflow DAG: every day new records, a new model, and a new version for the server if both pass their checks.

In: the params below. Out, in the folder `params.folder`:

    records/RUN, training/RUN, candidates/RUN    of each run, named by its time; a retry makes them again
    served/1, served/2, ...                      models that passed; TensorFlow Serving watches this folder
    served_run.txt                               the run of the newest of them

TextRecords is in an environment of its own, so Airflow does not decide which versions of packages it gets.
TEXTRECORDS_PYTHON names the Python of that environment. docs/how-to/schedulers.md says how to run this.
"""

import json
import os
import shlex
import subprocess
from datetime import datetime, timedelta

from airflow.sdk import DAG, BaseOperator, ObjectStoragePath, Param, task
from airflow.sdk.exceptions import AirflowFailException

PYTHON = os.environ.get("TEXTRECORDS_PYTHON", "/opt/textrecords/.venv/bin/python")

RECORDS = "{{ params.folder }}/records/{{ ts_nodash }}"
TRAINING = "{{ params.folder }}/training/{{ ts_nodash }}"
CANDIDATE = "{{ params.folder }}/candidates/{{ ts_nodash }}"
SERVED = "{{ params.folder }}/served"

PARAMS = {
    "input_path": Param("sample", type="string", description="labelled texts: input.path of TextRecords"),
    "held_out": Param("/data/held-out.csv", type="string", description="labelled texts that measure each new model"),
    "folder": Param("/data/reviews", type="string", description="where everything goes, as a full path"),
    "run_options": Param(
        "", type="string", description="settings and Beam options of the job: --runner DataflowRunner"
    ),
    "train_options": Param("", type="string", description="settings of the training: --training.epochs 5"),
    "least_accuracy": Param(0.8, type="number", minimum=0, maximum=1, description="below it, nothing is served"),
}


class Command(BaseOperator):
    """A command of TextRecords. `options` is split as a shell does; the result is what the command prints."""

    template_fields = ("arguments", "options")

    def __init__(self, *, arguments: list[str], options: str = "", **of_task) -> None:
        super().__init__(**of_task)
        self.arguments = arguments
        self.options = options
        self.process = None

    def execute(self, context) -> str:  # noqa: ARG002
        """Runs it in /, where no other package of the name `pipeline` and no pipeline.yaml lies."""
        command = [PYTHON, "-m", *self.arguments, *shlex.split(self.options)]
        self.log.info("%s", shlex.join(command))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as self.process:
            printed, _ = self.process.communicate()
        self.log.info("%s", printed)
        status = self.process.returncode
        if status in (2, 3):  # a mistake in the settings, a limit of `compare`: a retry ends in the same way
            raise AirflowFailException(f"{self.arguments[:2]} ended with status {status}; the log has the reason")
        if status:
            raise RuntimeError(f"{self.arguments[:2]} ended with status {status}; the log has the reason")
        return printed

    def on_kill(self) -> None:
        """The command cleans up, and cancels its job on a cluster."""
        if self.process is not None:
            self.process.terminate()


@task
def find_last_records(folder: str, records: str) -> str:
    """The records of the model that is served. The first run is compared with itself."""
    served_run = ObjectStoragePath(folder) / "served_run.txt"
    return f"{folder}/records/{served_run.read_text()}" if served_run.exists() else records


@task
def check_accuracy(metrics: str, params) -> None:
    """Fails if the model is worse than `least_accuracy`."""
    accuracy = json.loads(metrics)["accuracy"]
    if accuracy < params["least_accuracy"]:
        raise AirflowFailException(f"accuracy {accuracy:.4f} is below least_accuracy, {params['least_accuracy']}")


@task
def remember_run(folder: str, run: str) -> None:
    """The next run compares its records with those of this one."""
    (ObjectStoragePath(folder) / "served_run.txt").write_text(run)


with DAG(
    dag_id="textrecords_daily",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,  # two runs at once could serve the older model last
    params=PARAMS,
    # Safe: --overwrite replaces a records folder only by a complete one, and a training without --resume begins anew.
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
):
    make_records = Command(
        task_id="make_records",
        arguments=[
            *["pipeline", "run", "--input.path", "{{ params.input_path }}"],
            *["--output.path", RECORDS, "--overwrite"],
        ],
        options="{{ params.run_options }}",
    )
    verify_records = Command(task_id="verify_records", arguments=["pipeline", "verify", RECORDS])
    last_records = find_last_records("{{ params.folder }}", RECORDS)
    compare_records = Command(
        task_id="compare_records",
        arguments=[
            *["pipeline", "compare", "{{ ti.xcom_pull('find_last_records') }}", RECORDS],
            *["--compare.max_oov_share", "0.2", "--compare.max_label_shift", "0.1"],
        ],
    )
    train = Command(
        task_id="train",
        arguments=[
            *["trainer", "train", "--output.path", RECORDS],
            *["--training.path", TRAINING, "--export.path", CANDIDATE],
        ],
        options="{{ params.train_options }}",
    )
    verify_model = Command(task_id="verify_model", arguments=["trainer", "verify", "--model", CANDIDATE])
    evaluate = Command(
        task_id="evaluate",
        arguments=["trainer", "evaluate", "--model", CANDIDATE, "--input", "{{ params.held_out }}", "--json"],
    )
    # The training is over: --resume only exports its model once more, as the next version in `served`.
    serve = Command(
        task_id="serve",
        arguments=[
            *["trainer", "train", "--resume", "--output.path", RECORDS],
            *["--training.path", TRAINING, "--export.path", SERVED],
        ],
        options="{{ params.train_options }}",
    )
    make_records >> verify_records >> last_records >> compare_records >> train >> verify_model >> evaluate
    check_accuracy(evaluate.output) >> serve >> remember_run("{{ params.folder }}", "{{ ts_nodash }}")
