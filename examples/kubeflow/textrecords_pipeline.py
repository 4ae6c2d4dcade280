"""A pipeline for Kubeflow Pipelines and Vertex AI: new records, a new model, and a new version for the server.

In: the arguments of `textrecords_pipeline`. Out, in `folder`:

    records/RUN, training/RUN, candidates/RUN    of each run, by the name that is given; a retry makes them again
    served/1, served/2, ...                      models that passed; TensorFlow Serving watches this folder
    served_run.txt                               the run of the newest of them

Every step runs in the image of `make image`, which TEXTRECORDS_IMAGE names while this is compiled:

    kfp dsl compile --py textrecords_pipeline.py --output textrecords.yaml
    python textrecords_pipeline.py --input_path sample --folder /data/reviews ...     runs it on this machine

docs/how-to/schedulers.md has the rest.
"""

import os
from itertools import pairwise

from kfp import dsl

IMAGE = os.environ.get("TEXTRECORDS_IMAGE", "europe-docker.pkg.dev/my-project/images/textrecords:1")


@dsl.component(base_image=IMAGE)
def command(
    arguments: list,
    input_path: str = "",
    held_out: str = "",
    folder: str = "",
    run: str = "",
    last: str = "",
    options: str = "",
) -> str:
    """A command of TextRecords; returns what it prints.

    The words in braces are filled in here and not by Kubeflow, which does not do so in lists. `options` is split as a
    shell does. TEXTRECORDS_PYTHON names the Python of TextRecords where it is not this one, as on your own machine.
    """
    import os
    import shlex
    import subprocess
    import sys

    words = {"input_path": input_path, "held_out": held_out, "folder": folder, "run": run, "last": last}
    python = os.environ.get("TEXTRECORDS_PYTHON", sys.executable)
    called = [python, "-m", *(argument.format(**words) for argument in arguments), *shlex.split(options)]
    print(shlex.join(called), flush=True)
    # In /, where no other package of the name `pipeline` and no pipeline.yaml lies.
    done = subprocess.run(called, stdout=subprocess.PIPE, text=True, cwd="/")
    print(done.stdout)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


@dsl.component(base_image=IMAGE)
def find_last_records(folder: str, run: str) -> str:
    """The records of the model that is served. The first run is compared with itself."""
    from os.path import exists

    reader = open
    if "://" in folder:
        import tensorflow as tf

        exists, reader = tf.io.gfile.exists, tf.io.gfile.GFile
    file = f"{folder}/served_run.txt"
    if not exists(file):
        return f"{folder}/records/{run}"
    with reader(file, "r") as served_run:
        return f"{folder}/records/{served_run.read()}"


@dsl.component(base_image=IMAGE)
def check_accuracy(metrics: str, least: float) -> float:
    """Fails if the model is worse than `least`."""
    import json
    import sys

    accuracy = json.loads(metrics)["accuracy"]
    if accuracy < least:
        sys.exit(f"accuracy {accuracy:.4f} is below least_accuracy, {least}")
    return accuracy


@dsl.component(base_image=IMAGE)
def remember_run(folder: str, run: str) -> None:
    """The next run compares its records with those of this one."""
    writer = open
    if "://" in folder:
        import tensorflow as tf

        writer = tf.io.gfile.GFile
    with writer(f"{folder}/served_run.txt", "w") as served_run:
        served_run.write(run)


@dsl.pipeline(name="textrecords", description="labelled texts -> records -> a model -> a version for the server")
def textrecords_pipeline(
    input_path: str,
    held_out: str,
    folder: str,
    run: str,
    run_options: str = "",
    train_options: str = "",
    least_accuracy: float = 0.8,
) -> None:
    """input_path: labelled texts. held_out: labelled texts that measure the model. folder, run: as above.

    run_options: settings and Beam options of the job. train_options: settings of the training. least_accuracy: below
    it, nothing is served.
    """
    make_records = command(
        arguments=[
            *["pipeline", "run", "--input.path", "{input_path}"],
            *["--output.path", "{folder}/records/{run}", "--overwrite"],
        ],
        input_path=input_path,
        folder=folder,
        run=run,
        options=run_options,
    )
    verify_records = command(arguments=["pipeline", "verify", "{folder}/records/{run}"], folder=folder, run=run)
    last = find_last_records(folder=folder, run=run)
    compare_records = command(
        arguments=[
            *["pipeline", "compare", "{last}", "{folder}/records/{run}"],
            *["--compare.max_oov_share", "0.2", "--compare.max_label_shift", "0.1"],
        ],
        folder=folder,
        run=run,
        last=last.output,
    )
    train = command(
        arguments=[
            *["trainer", "train", "--output.path", "{folder}/records/{run}"],
            *["--training.path", "{folder}/training/{run}", "--export.path", "{folder}/candidates/{run}"],
        ],
        folder=folder,
        run=run,
        options=train_options,
    )
    verify_model = command(
        arguments=["trainer", "verify", "--model", "{folder}/candidates/{run}"], folder=folder, run=run
    )
    evaluate = command(
        arguments=["trainer", "evaluate", "--model", "{folder}/candidates/{run}", "--input", "{held_out}", "--json"],
        held_out=held_out,
        folder=folder,
        run=run,
    )
    check = check_accuracy(metrics=evaluate.output, least=least_accuracy)
    # The training is over: --resume only exports its model once more, as the next version in `served`.
    serve = command(
        arguments=[
            *["trainer", "train", "--resume", "--output.path", "{folder}/records/{run}"],
            *["--training.path", "{folder}/training/{run}", "--export.path", "{folder}/served"],
        ],
        folder=folder,
        run=run,
        options=train_options,
    )
    remember = remember_run(folder=folder, run=run)

    steps = {
        "make records": make_records,
        "verify records": verify_records,
        "find last records": last,
        "compare records": compare_records,
        "train": train,
        "verify model": verify_model,
        "evaluate": evaluate,
        "check accuracy": check,
        "serve": serve,
        "remember run": remember,
    }
    for name, step in steps.items():
        step.set_display_name(name)
        # What a step reads lies in files, so an answer of an earlier run can be wrong.
        step.set_caching_options(False)
    for before, after in pairwise(steps.values()):
        after.after(before)
    # Safe: --overwrite replaces a records folder only by a complete one, and a training without --resume begins anew.
    for step in (make_records, train):
        step.set_retry(num_retries=2, backoff_duration="60s")
        step.set_cpu_limit("4").set_memory_limit("16G")


if __name__ == "__main__":
    import argparse

    from kfp import local

    parser = argparse.ArgumentParser(description="runs the pipeline on this machine, without containers")
    for name in ("input_path", "held_out", "folder", "run"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("run_options", "train_options"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--least_accuracy", type=float, default=0.8)
    arguments = vars(parser.parse_args())
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=f"{arguments['folder']}/kfp")
    textrecords_pipeline(**arguments)
