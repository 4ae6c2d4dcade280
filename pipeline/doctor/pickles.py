"""A job's graph -> the pickled functions in it, and whether they load in an interpreter that has only our packages.

A pickle with a function of __main__, or with a reference to a module that only this machine has, fails on the first
worker. That is minutes after the job was started and paid for.
"""

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from apache_beam.portability.api import beam_runner_api_pb2

import pipeline
from pipeline.support.end_with_parent import parent_pipe

_PACKAGES = ("pipeline",)

# For a Python that knows no more than a worker does: -I leaves out the current folder and PYTHONPATH.
_LOAD = """
import base64, json, sys
sys.path.insert(0, sys.argv[1])
import pipeline
assert pipeline.__file__.startswith(sys.argv[1]), pipeline.__file__
from pipeline.support.end_with_parent import end_with_parent
end_with_parent(int(sys.argv[2]))
from apache_beam.internal import pickler
problems = {}
for name, pickle in json.load(sys.stdin).items():
    try:
        pickler.loads(base64.b64decode(pickle))
    except Exception as error:
        problems[name] = f"{type(error).__name__}: {error}"
print("\\n", json.dumps(problems))
"""


def pickled_functions(graph: beam_runner_api_pb2.Pipeline) -> dict[str, bytes]:
    """{step: the pickled function that it calls}."""
    functions = {}
    for transform in graph.components.transforms.values():
        payload = b""
        if transform.spec.urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload).do_fn.payload
        elif transform.spec.urn.startswith("beam:transform:combine_"):
            payload = beam_runner_api_pb2.CombinePayload.FromString(transform.spec.payload).combine_fn.payload
        if payload:
            functions[transform.unique_name] = payload
    return functions


def load_errors(functions: Mapping[str, bytes], *, packages: str | None = None) -> dict[str, str]:
    """Loads the pickled functions in a fresh interpreter -> {step: error} of those that do not load.

    packages: a folder that holds our packages, or None for those of this process. It takes 5 s, as a worker's start
    does, nearly all of it to import TensorFlow.
    """
    with tempfile.TemporaryDirectory(prefix="textrecords-") as folder, parent_pipe() as pipe:
        if packages is None:
            for name in _PACKAGES:
                (Path(folder) / name).symlink_to(Path(pipeline.__file__).parent.parent / name)
        done = subprocess.run(
            [sys.executable, "-I", "-c", _LOAD, packages or folder, str(pipe)],
            input=json.dumps({name: base64.b64encode(pickle).decode() for name, pickle in functions.items()}),
            pass_fds=[pipe],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return {"all steps": " ".join(done.stderr.split()[-40:]) or f"exit status {done.returncode}"}
    # The last line: imports may have printed others before it.
    problems: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return problems
