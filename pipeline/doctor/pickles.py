"""A job's graph -> what it ships to workers in pickles, and whether those load where nothing of this process is.

A pickle that holds a function of __main__, or refers to a module that only this machine has, fails on the first worker,
minutes after the job was started and paid for.
"""

import base64
import bz2
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from apache_beam.portability.api import beam_runner_api_pb2

import pipeline

_PACKAGES = ("pipeline",)

# Read by a Python that knows no more than a worker does: -I keeps the folder it is called in and PYTHONPATH out.
_LOAD = """
import base64, json, sys
sys.path.insert(0, sys.argv[1])
from apache_beam.internal import pickler
import pipeline
assert pipeline.__file__.startswith(sys.argv[1]), pipeline.__file__
problems = {}
for name, pickle in json.load(sys.stdin).items():
    try:
        pickler.loads(base64.b64decode(pickle))
    except Exception as error:
        problems[name] = f"{type(error).__name__}: {error}"
print("\\n", json.dumps(problems))
"""


def pickles(graph: beam_runner_api_pb2.Pipeline) -> dict[str, bytes]:
    """The pickled functions of a graph, by the step that calls them."""
    found = {}
    for transform in graph.components.transforms.values():
        payload = b""
        if transform.spec.urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload).do_fn.payload
        elif transform.spec.urn.startswith("beam:transform:combine_"):
            payload = beam_runner_api_pb2.CombinePayload.FromString(transform.spec.payload).combine_fn.payload
        if payload:
            found[transform.unique_name] = payload
    return found


def unpacked(pickle: bytes) -> bytes:
    """A pickle as Beam ships it -> the pickle itself, for pickletools."""
    return bz2.decompress(base64.b64decode(pickle))


def load_elsewhere(found: Mapping[str, bytes], *, packages: str | None = None) -> dict[str, str]:
    """Loads pickles in a fresh interpreter; what went wrong, by step. packages: a folder that holds ours, None: these.

    Takes as long as a worker's start: 5 s, nearly all of it for TensorFlow.
    """
    with tempfile.TemporaryDirectory(prefix="textrecords-") as folder:
        if packages is None:
            for name in _PACKAGES:
                (Path(folder) / name).symlink_to(Path(pipeline.__file__).parent.parent / name)
        done = subprocess.run(
            [sys.executable, "-I", "-c", _LOAD, packages or folder],
            input=json.dumps({name: base64.b64encode(pickle).decode() for name, pickle in found.items()}),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return {"all steps": " ".join(done.stderr.split()[-40:]) or f"exit status {done.returncode}"}
    # Before it, imports may have said something.
    problems: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return problems
