"""TF_CONFIG: which machines train together, and what is said of a wrong one."""

import json
from typing import Any

import pytest

from pipeline.config.settings import TrainingSettings
from pipeline.errors import UserError
from trainer.devices.cluster import Cluster, cluster_of, read_cluster

TWO = {"worker": ["a:1", "b:2"]}


def config(cluster: Any, job: str = "worker", index: Any = 0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})}


@pytest.mark.parametrize(
    # TF_CONFIG, addresses, number of this process
    ("environment", "addresses", "worker"),
    [
        (config(TWO), ("a:1", "b:2"), 0),
        (config(TWO, index=1), ("a:1", "b:2"), 1),
        (config({"worker": ["b:2"], "chief": ["a:1"]}), ("a:1", "b:2"), 1),  # the chief is the first
        (config({"worker": ["b:2"], "chief": ["a:1"]}, job="chief"), ("a:1", "b:2"), 0),
        (config({"worker": ["[::1]:3", "b:2"]}), ("[::1]:3", "b:2"), 0),
    ],
)
def test_cluster_numbers_the_machines(environment: dict[str, str], addresses: tuple[str, ...], worker: int) -> None:
    cluster = read_cluster(environment)
    assert cluster is not None
    assert (cluster.addresses, cluster.worker) == (addresses, worker)


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": " "}, config({"worker": ["a:1"]})])
def test_cluster_of_one_machine_is_none(environment: dict[str, str]) -> None:
    assert read_cluster(environment) is None


@pytest.mark.parametrize(
    # TF_CONFIG, a part of the error
    ("environment", "named"),
    [
        ({"TF_CONFIG": "{"}, "not JSON"),
        ({"TF_CONFIG": "[]"}, "no object cluster"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'}, "no object task"),
        (config({**TWO, "ps": ["c:1"]}), "'ps'"),
        (config(TWO, index=2), "no such machine"),
        (config(TWO, index="0"), "no such machine"),
        (config({"worker": "a:1"}), "cluster.worker"),
        (config({"worker": ["a:1", "b"]}), "'b'"),
        (config({"worker": ["a:1", 5]}), "5"),
    ],
)
def test_cluster_refuses_what_it_cannot_use(environment: dict[str, str], named: str) -> None:
    with pytest.raises(UserError, match="TF_CONFIG") as refused:
        read_cluster(environment)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_cluster_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match=r"training\.strategy is multi_worker, but TF_CONFIG"):
        cluster_of(TrainingSettings(strategy="multi_worker"))
    monkeypatch.setenv("TF_CONFIG", config(TWO)["TF_CONFIG"])
    assert isinstance(cluster_of(TrainingSettings()), Cluster)
    for strategy in ("one", "mirrored"):
        assert cluster_of(TrainingSettings.model_validate({"strategy": strategy})) is None
