"""TF_CONFIG -> the machines of a training, or None if it runs on this machine alone; no TensorFlow.

    TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'

Kubeflow, Vertex AI and others set this variable on each machine; `cluster` is the same everywhere and `task` says which
of them this process is. The chief is the first one: the job `chief` if there is one, else worker 0.
"""

import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pipeline.config.settings import TrainingSettings
from pipeline.errors import JsonError, UserError
from pipeline.support.strict_json import parse_json, shown

VARIABLE: Final = "TF_CONFIG"
# The jobs that train, in the order of their numbers.
_JOBS: Final = ("chief", "worker")
_EXAMPLE: Final = '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'


class Cluster(NamedTuple):
    """addresses: HOST:PORT of each worker, the chief's first. worker: which of them this process is, from 0.

    tasks: what TensorFlow calls each of them.
    """

    addresses: tuple[str, ...]
    worker: int
    tasks: tuple[str, ...]


def cluster_of(settings: TrainingSettings) -> Cluster | None:
    """The cluster that a training runs on, by `training.strategy`; None: it runs on this machine.

    TensorFlow has to join it before it looks for devices.

    Raises:
      UserError: TF_CONFIG is wrong, or not there where it is needed.
    """
    if settings.strategy not in ("auto", "multi_worker"):
        return None
    cluster = read_cluster()
    if cluster is None and settings.strategy == "multi_worker":
        raise UserError(
            f"training.strategy is multi_worker, but {VARIABLE} names no other machine; set it on each machine, or "
            "training.strategy to auto"
        )
    return cluster


def read_cluster(environment: Mapping[str, str] | None = None) -> Cluster | None:
    """The cluster that TF_CONFIG describes; None if there is no such variable, or only one machine in it.

    >>> machines = '{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}'
    >>> read_cluster({"TF_CONFIG": machines})
    Cluster(addresses=('a:1', 'b:1'), worker=1, tasks=('/job:chief/replica:0/task:0', '/job:worker/replica:0/task:0'))

    Raises:
      UserError: the variable is something else, or names machines with another work than training.
    """
    content = (os.environ if environment is None else environment).get(VARIABLE, "")
    if not content.strip():
        return None
    try:
        values = parse_json(content)
    except JsonError as error:
        raise _wrong(f"it is not JSON ({error})") from error
    cluster, task = _part(values, "cluster"), _part(values, "task")
    jobs = {job: cluster.get(job, []) for job in cluster}
    if others := sorted(set(jobs) - set(_JOBS)):
        raise _wrong(f"cluster has the job {shown(others[0])}, but only chief and worker train")
    machines = [(job, index, address) for job in _JOBS for index, address in enumerate(_addresses(jobs, job))]
    wanted = (task.get("type"), task.get("index"))
    places = [number for number, (job, index, _) in enumerate(machines) if (job, index) == wanted]
    if not places:
        raise _wrong(f"task is {shown(task)}, and cluster has no such machine")
    if len(machines) == 1:
        return None
    names = tuple(f"/job:{job}/replica:0/task:{index}" for job, index, _ in machines)
    return Cluster(tuple(address for *_, address in machines), places[0], names)


def _part(values: Any, name: str) -> dict[str, Any]:
    part = values.get(name) if isinstance(values, dict) else None
    if not isinstance(part, dict):
        raise _wrong(f"it has no object {name}")
    return part


def _addresses(jobs: Mapping[str, Any], job: str) -> list[str]:
    addresses = jobs.get(job, [])
    if not isinstance(addresses, list):
        raise _wrong(f"cluster.{job} is {shown(addresses)}, not a list")
    for address in addresses:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not host or not port.isascii() or not port.isdigit():
            raise _wrong(f"cluster.{job} holds {shown(address)}, which is no HOST:PORT")
    return addresses


def _wrong(why: str) -> UserError:
    return UserError(f"{VARIABLE}: {why}; give each machine such a value: {_EXAMPLE}, or set training.strategy to one")
