"""pipeline.runners.options: the runner, and the kind and number of workers, for options and an input."""

import logging

import pytest
from apache_beam.options.pipeline_options import DirectOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.prism_runner import PrismRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipeline.runners import options
from pipeline.runners.common_options import FILESYSTEM_OPTIONS, JOB_OPTIONS
from pipeline.runners.options import LocalWorkers, beam_options, choose_runner, local_workers

GB = 1 << 30

# bytes of input, cores, memory -> workers
CHOICES = [
    (1000, 1, 8 * GB, LocalWorkers("in_memory", 1)),
    (33 << 20, 2, 24 * GB, LocalWorkers("in_memory", 2)),
    (100 * GB, 2, 24 * GB, LocalWorkers("in_memory", 2)),  # processes never pay on two cores
    (33 << 20, 16, 64 * GB, LocalWorkers("in_memory", 16)),
    (511 << 20, 16, 64 * GB, LocalWorkers("in_memory", 16)),
    (512 << 20, 16, 64 * GB, LocalWorkers("multi_processing", 16)),
    (512 << 20, 16, 9 * GB, LocalWorkers("multi_processing", 6)),  # 1.5 GB each
    (512 << 20, 16, 5 * GB, LocalWorkers("in_memory", 16)),  # memory for three is not worth it
]


@pytest.mark.parametrize(("size", "cores", "memory", "expected"), CHOICES)
def test_runner_options_choose_workers_by_size_cores_and_memory(
    size: int, cores: int, memory: int, expected: LocalWorkers
) -> None:
    assert local_workers(size, cores=cores, memory=memory) == expected


# arguments for Beam, bytes of input -> what is logged once, workers, whether they are processes; on 16 cores with 64 GB
NAMED = [
    ([], 1000, "16 threads, as suits the input", 16, False),
    ([], GB, "16 processes, as suits a large input", 16, True),
    (["--runner=DirectRunner"], 1000, "16 threads, as suits the input", 16, False),
    (["--runner=FnApiRunner", "--direct_num_workers=3"], GB, "3 threads, as the options say", 3, False),
    (["--direct_num_workers=0"], GB, "16 threads, as the options say", 16, False),  # Beam: 0 is all cores
    (["--direct_num_workers=1"], GB, "1 thread, as the options say", 1, False),
    (["--direct_running_mode=in_memory"], GB, "1 thread, as the options say", 1, False),
    (["--direct_running_mode=multi_processing"], 1000, "16 processes, as the options say", 16, True),
    (["--direct_running_mode=multi_threading", "--direct_num_workers=2"], 1000,
     "2 gRPC threads, as the options say", 2, False),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "size", "message", "number", "processes"), NAMED)
def test_runner_options_are_followed_and_logged_once(
    arguments: list[str],
    size: int,
    message: str,
    number: int,
    processes: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(options, "_cores", lambda: 16)
    monkeypatch.setattr(options, "_memory", lambda: 64 * GB)
    chosen = beam_options(arguments)
    with caplog.at_level(logging.INFO, "pipeline.runners.options"):
        runner = choose_runner(chosen, input_bytes=size)
    assert caplog.messages == [f"runs on this machine: {message}"]
    assert isinstance(runner, FnApiRunner)
    assert chosen.view_as(DirectOptions).direct_num_workers == number
    assert isinstance(runner._default_environment, SubprocessSDKEnvironment) == processes


def test_runner_options_allow_prism() -> None:
    options = beam_options(["--runner=PrismRunner"])
    assert isinstance(choose_runner(options, input_bytes=1000), PrismRunner)
    assert options.view_as(StandardOptions).runner == "PrismRunner"


def test_runner_options_know_every_option_that_help_shows() -> None:
    # A value that any option takes: its type is Beam's to check.
    named = [f"{option.name}=1" for group in (JOB_OPTIONS, FILESYSTEM_OPTIONS) for option in group.options]
    named.remove("--direct_running_mode=1")
    beam_options([*named, "--direct_running_mode=multi_processing"])
