"""pipeline.runners.flink_rest: a cluster's jobs by name, their metrics, and cancelling, against a stand-in."""

import socket

import pytest

from pipeline.runners.flink_rest import FlinkCluster, FlinkError, FlinkJob, flink_cluster
from tests.support.flink_page import FlinkPage, flink_page


def cluster_of(page: FlinkPage) -> FlinkCluster:
    cluster = flink_cluster(page.address)
    assert cluster is not None
    return cluster


def test_flink_rest_finds_jobs_by_name() -> None:
    page = FlinkPage(jobs={"a": ("ours", "FAILED"), "b": ("ours", "RUNNING"), "c": ("theirs", "RUNNING")})
    with flink_page(page):
        jobs = cluster_of(page).jobs("ours")
        assert jobs == [FlinkJob("a", "FAILED"), FlinkJob("b", "RUNNING")]
        assert [job.runs for job in jobs] == [False, True]
        assert cluster_of(page).version() == "1.19.3"


# state before, ids that are spared, looks until it is cancelled -> ids that were cancelled, states afterwards
CANCELS = [
    ("RUNNING", (), 0, ["a"], ["CANCELED"]),
    ("RUNNING", (), 3, ["a"], ["CANCELED"]),
    ("RESTARTING", (), 0, ["a"], ["CANCELED"]),
    ("FINISHED", (), 0, [], ["FINISHED"]),
    ("RUNNING", ("a",), 0, [], []),  # another run's, of the same name
    ("RUNNING", (), None, ["a"], ["CANCELLING"]),  # it never ends
]


@pytest.mark.parametrize(("state", "spared", "looks", "cancelled", "after"), CANCELS)
def test_flink_rest_cancels_and_waits(
    state: str, spared: tuple[str, ...], looks: int | None, cancelled: list[str], after: list[str]
) -> None:
    page = FlinkPage(jobs={"a": ("ours", state), "c": ("theirs", "RUNNING")}, looks=looks)
    with flink_page(page):
        jobs = cluster_of(page).cancel("ours", seconds=1, spared=spared)
    assert page.cancelled == cancelled
    assert [job.state for job in jobs] == after
    assert page.jobs["c"] == ("theirs", "RUNNING")


def test_flink_rest_metrics_are_beams_accumulator() -> None:
    ours = {"name": "__metricscontainers", "type": "MetricsAccumulator", "value": '{"metrics": {}}'}
    page = FlinkPage(jobs={"a": ("ours", "RUNNING"), "b": ("ours", "RUNNING")})
    page.accumulators = {"a": [{"name": "other", "type": "x", "value": "1"}, ours]}
    with flink_page(page):
        assert cluster_of(page).metrics("a") == '{"metrics": {}}'
        assert cluster_of(page).metrics("b") is None
        with pytest.raises(FlinkError, match="Not Found"):
            cluster_of(page).metrics("c")


def test_flink_rest_tells_that_nobody_answers() -> None:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        address = f"http://localhost:{found.getsockname()[1]}"
        with pytest.raises(FlinkError, match=f"{address}: .*refused"):
            FlinkCluster(address).jobs("ours")
