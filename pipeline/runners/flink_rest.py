"""A Flink cluster's REST interface: its jobs by name, their counters, and how they are cancelled.

In: the address that `--flink_master` names. Out: what Flink answers, by the interface that its documentation describes
(https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/). Beam's job server does not tell these: it
reports a job as cancelled that runs on, and has counters only when the job has ended.
"""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final, NamedTuple

# Flink answers within milliseconds. A cluster that is busy or starts may need some seconds.
_SECONDS_TO_ANSWER: Final = 10.0
_SECONDS_BETWEEN_LOOKS: Final = 0.2
# The states of a job that has ended for good.
_ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED"})
# The accumulator in which Beam keeps its metrics, as JSON.
_METRICS: Final = "__metricscontainers"


class FlinkError(Exception):
    """The cluster can't be reached, or answers with an error. The message is one line."""


class FlinkJob(NamedTuple):
    """A job's id and state, as Flink names them."""

    id: str
    state: str

    @property
    def runs(self) -> bool:
        """Whether it has not ended for good."""
        return self.state not in _ENDED


class FlinkCluster(NamedTuple):
    """address: `http://HOST:PORT`, without a slash at the end."""

    address: str

    def version(self) -> str:
        """Flink's version, as 1.19.3.

        Raises:
          FlinkError: see there; all other functions too.
        """
        return str(self._ask("/config").get("flink-version", ""))

    def jobs(self, name: str) -> list[FlinkJob]:
        """All jobs with a name, those that have ended too."""
        found = self._ask("/jobs/overview").get("jobs", [])
        return [FlinkJob(str(job["jid"]), str(job["state"])) for job in found if job.get("name") == name]

    def metrics(self, job: str) -> str | None:
        """The metrics that Beam's workers have reported so far, as JSON of a GetJobMetricsResponse; None: none yet."""
        accumulators = self._ask(f"/jobs/{job}/accumulators").get("user-task-accumulators", [])
        return next((str(one["value"]) for one in accumulators if one.get("name") == _METRICS), None)

    def cancel(self, name: str, *, seconds: float, spared: Collection[str] = ()) -> list[FlinkJob]:
        """Cancels the jobs with a name and waits until they have ended; gives the jobs as they are then.

        spared: ids of jobs that are left alone. seconds: how long to wait.
        """
        for job in self.jobs(name):
            if job.runs and job.id not in spared:
                with suppress(FlinkError):  # it has just ended; if not, the next look tells
                    self._ask(f"/jobs/{job.id}?mode=cancel", method="PATCH")
        waiting = threading.Event()
        for _ in range(round(seconds / _SECONDS_BETWEEN_LOOKS)):
            if not any(job.runs for job in self.jobs(name) if job.id not in spared):
                break
            waiting.wait(_SECONDS_BETWEEN_LOOKS)
        return [job for job in self.jobs(name) if job.id not in spared]

    def command_to_cancel(self, job: str) -> str:
        """What a person can type to cancel a job.

        >>> FlinkCluster("http://flink:8081").command_to_cancel("a1")
        "curl -X PATCH 'http://flink:8081/jobs/a1?mode=cancel'"
        """
        return f"curl -X PATCH '{self.address}/jobs/{job}?mode=cancel'"

    def _ask(self, path: str, *, method: str = "GET") -> dict[str, Any]:
        request = urllib.request.Request(f"{self.address}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS_TO_ANSWER) as answer:
                content = answer.read()
            found = json.loads(content or b"{}")
        except urllib.error.URLError as error:
            raise FlinkError(f"{self.address}: {error.reason}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise FlinkError(f"{self.address}: {error or type(error).__name__}") from error
        if not isinstance(found, dict):
            raise FlinkError(f"{self.address} does not answer as Flink does")
        return found


def flink_cluster(master: str | None) -> FlinkCluster | None:
    """The cluster that `--flink_master` names; None: Flink runs within the job server, or the server knows where.

    >>> flink_cluster("flink:8081"), flink_cluster("https://flink/proxy/")
    (FlinkCluster(address='http://flink:8081'), FlinkCluster(address='https://flink/proxy'))
    >>> flink_cluster("[local]") is flink_cluster("[auto]") is None
    True
    """
    master = (master or "").strip()
    if not master or master.startswith("["):
        return None
    return FlinkCluster((master if "://" in master else f"http://{master}").rstrip("/"))
