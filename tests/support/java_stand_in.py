"""A stand-in for `java -jar JOB_SERVER.jar`: it serves Beam's job service, and its jobs run for ever or fail.

    python -m tests.support.java_stand_in -jar JAR --job-port PORT ...

The environment variable STAND_IN names a folder. In: its file `fails`, if jobs are to fail. Out: `pid`; `names`, a line
for each job that was started; `options`, the options of the last job as JSON.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc
from apache_beam.portability.api import beam_job_api_pb2 as api
from apache_beam.portability.api import beam_job_api_pb2_grpc as api_grpc
from google.protobuf import json_format

FOLDER: Final = "STAND_IN"
# As a Python worker's error arrives through the JVM.
FAILURE: Final = """\
java.lang.RuntimeException: Error received from SDK harness for instruction 2: Traceback (most recent call last):
  File "sdk_worker.py", line 311, in _execute
    response = task()
ZeroDivisionError: division by zero [while running 'Read/Rows']

\tat org.apache.beam.Example.run(Example.java:1)
"""


class JobService(api_grpc.JobServiceServicer):
    """One job at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._options: dict[str, Any] = {}
        self._ended = threading.Event()
        self._state = api.JobState.RUNNING

    def DescribePipelineOptions(self, *_: Any) -> Any:
        names = ("flink_master", "number_of_execution_retries")
        return api.DescribePipelineOptionsResponse(options=[api.PipelineOptionDescriptor(name=name) for name in names])

    def Prepare(self, request: Any, *_: Any) -> Any:
        self._options = json_format.MessageToDict(request.pipeline_options)
        (self._folder / "options").write_text(json.dumps(self._options))
        return api.PrepareJobResponse(preparation_id="job_1")

    def Run(self, *_: Any) -> Any:
        with (self._folder / "names").open("a") as file:
            file.write(f"{self._options['beam:option:job_name:v1']}\n")
        sys.stdout.write("the job server's own line\n")
        sys.stdout.flush()
        if (self._folder / "fails").exists():
            self._state = api.JobState.FAILED
            self._ended.set()
        return api.RunJobResponse(job_id="job_1")

    def GetState(self, *_: Any) -> Any:
        return api.JobStateEvent(state=self._state)

    def GetStateStream(self, *_: Any) -> Iterator[Any]:
        yield api.JobStateEvent(state=api.JobState.RUNNING)
        self._ended.wait()
        yield api.JobStateEvent(state=self._state)

    def GetMessageStream(self, *_: Any) -> Iterator[Any]:
        self._ended.wait()
        if self._state == api.JobState.FAILED:
            message = api.JobMessage(message_text=FAILURE, importance=api.JobMessage.JOB_MESSAGE_ERROR)
            yield api.JobMessagesResponse(message_response=message)

    def GetJobMetrics(self, *_: Any) -> Any:
        return api.GetJobMetricsResponse()

    def Cancel(self, *_: Any) -> Any:
        # As Flink's job server does: it says so, and the job runs on.
        self._state = api.JobState.CANCELLED
        self._ended.set()
        return api.CancelJobResponse(state=self._state)


def main() -> None:
    """Serves until it is ended."""
    folder = Path(os.environ[FOLDER])
    (folder / "pid").write_text(str(os.getpid()))
    port = sys.argv[sys.argv.index("--job-port") + 1]
    server = grpc.server(ThreadPoolExecutor(8))
    api_grpc.add_JobServiceServicer_to_server(JobService(folder), server)
    server.add_insecure_port(f"localhost:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
