"""Worker processes of Beam's in-process runner on this machine: started, watched and ended.

In: Beam's handles to its own servers. Out: processes that run local_worker.py.

Beam has a class for that. Ours differs in three points. Beam waits for ever if the job ends, or Ctrl-C comes, while a
worker still starts: nobody asks that worker to end. It waits for ever if a worker dies before it has connected. And
its workers go on for minutes if the command is killed.
"""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

import grpc
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc, endpoints_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    BeamFnControlServicer,
    GrpcServer,
    GrpcWorkerHandler,
    StateServicer,
    WorkerHandler,
)
from apache_beam.runners.portability.local_job_service import BeamFnLoggingServicer
from apache_beam.transforms.environments import SubprocessSDKEnvironment
from apache_beam.utils import thread_pool_executor
from google.protobuf import json_format, text_format

from pipeline.runners import local_worker
from pipeline.support.stop_signals import deferred_stop

# An idle worker needs 0.1 s to end when it is asked. It holds nothing that would be lost.
_SECONDS_TO_END: Final = 10.0
# How often the requests to a dead worker are answered. The runner sends more of them while it gives up.
_SECONDS_BETWEEN_ANSWERS: Final = 0.2

_live: Final[set["_ProcessHandler"]] = set()


def process_runner() -> FnApiRunner:
    """The in-process runner with worker processes; direct_num_workers says how many."""
    WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(_ProcessHandler)
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(local_worker.__name__))


def end_worker_processes() -> None:
    """Ends all worker processes at once, but for one that publishes: that one finishes first."""
    with deferred_stop():
        for handler in list(_live):
            handler.end()


class _ProcessHandler(GrpcWorkerHandler):
    """A worker process, as Beam's runner handles it: start_worker, control_conn, data_conn, close."""

    def __init__(
        self, command: bytes, state: StateServicer, provision_info: ExtendedProvisionInfo, grpc_server: GrpcServer
    ) -> None:
        del command
        super().__init__(state, provision_info, grpc_server)
        self._is_ending = threading.Event()
        # Beam's own thread would show a traceback when the worker has ended.
        self.control_conn._read_thread = threading.Thread(target=self._read_responses, daemon=True)
        self._logging = grpc.server(thread_pool_executor.shared_unbounded_instance())
        beam_fn_api_pb2_grpc.add_BeamFnLoggingServicer_to_server(BeamFnLoggingServicer(), self._logging)

    def start_worker(self) -> None:
        """Starts the process; it connects to Beam's servers some seconds later."""
        port = self._logging.add_insecure_port("localhost:0")
        self._logging.start()
        workers_end, self._pipe = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", local_worker.__name__, str(workers_end)],
                env={
                    **os.environ,
                    "CONTROL_API_SERVICE_DESCRIPTOR": _descriptor(self.control_address),
                    "LOGGING_API_SERVICE_DESCRIPTOR": _descriptor(f"localhost:{port}"),
                    "PIPELINE_OPTIONS": json_format.MessageToJson(self.provision_info.provision_info.pipeline_options),
                    "WORKER_ID": self.worker_id,
                },
                pass_fds=[workers_end],
                # Ctrl-C is sent to all processes of a session. A worker that starts would show a traceback.
                start_new_session=True,
            )
        finally:
            os.close(workers_end)
        _live.add(self)
        threading.Thread(target=self._answer_for_the_dead, daemon=True).start()

    def close(self) -> None:
        """Ends the process: an idle one is asked to, any other one is cut off."""
        self._is_ending.set()
        is_connected = self.control_conn._state == BeamFnControlServicer.STARTED_STATE
        # Beam closes the workers of a job that failed or was interrupted as well. These may work on for minutes.
        if is_connected and sys.exc_info()[0] is None:
            super().close()
        self.end()

    def stop_worker(self) -> None:
        """Waits until the process has ended, which Beam's servers have asked for."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END)

    def end(self) -> None:
        """Ends the process if it runs; returns when it has ended."""
        self._is_ending.set()
        # Nobody reads what is still to be sent, and Beam would wait until it is read. If the process ended before, Beam
        # would show a traceback for the connection that breaks.
        self.data_conn._closed = True
        with suppress(KeyError):  # another thread has ended it, or it has not begun
            _live.remove(self)  # one step, so that one thread alone closes the pipe
            os.close(self._pipe)
            self._process.wait()
        self.control_conn.close()
        self._logging.stop(0)

    def _read_responses(self) -> None:
        with suppress(grpc.RpcError):  # the worker has ended
            self.control_conn._read()

    def _answer_for_the_dead(self) -> None:
        """If the process ends before its time: answers what it was asked with an error, which ends the job."""
        status = self._process.wait()
        while not self._is_ending.wait(_SECONDS_BETWEEN_ANSWERS):
            error = (
                f"a worker process ended with status {status}; if the system killed it for its memory, "
                "--direct_num_workers with a lower number needs less"
            )
            for identity, request in list(self.control_conn._futures_by_id.items()):
                request.set(beam_fn_api_pb2.InstructionResponse(instruction_id=identity, error=error))


def _descriptor(address: str) -> str:
    return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=address))
