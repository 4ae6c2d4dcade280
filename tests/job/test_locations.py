"""pipeline.runners.locations: the folder for TFT's files, for each output and kind of worker."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.runners.locations import gives_memory_by_step, temp_folder, workers_are_here, workers_share_no_disk
from pipeline.runners.options import beam_options

DATAFLOW = ("--runner=DataflowRunner",)
FLINK = ("--runner=FlinkRunner",)
LOOPBACK = ("--runner=PortableRunner", "--environment_type=LOOPBACK")

# output, options for Beam -> where: None in the output, "here" on this machine, or a folder below
PLACES = [
    ("out", (), None),
    ("gs://b/out", (), "here"),
    ("s3://b/out", (), "here"),
    ("s3://b/out", ("--runner=PrismRunner",), "here"),
    ("hdfs://n/out", LOOPBACK, "here"),
    ("s3://b/out", ("--temp_location=gs://b/tmp",), "here"),
    ("/mnt/out", FLINK, None),
    ("gs://b/out", DATAFLOW, None),
    ("gs://b/out", FLINK, None),
    ("s3://b/out", (*FLINK, "--temp_location=/mnt/tmp/"), "/mnt/tmp/textrecords-"),
    ("s3://b/out", (*DATAFLOW, "--temp_location=gs://b/tmp"), "gs://b/tmp/textrecords-"),
    ("s3://b/out", FLINK, "there is no --temp_location: give --temp_location on gs://, or a folder that all workers"),
    ("s3://b/out", (*DATAFLOW, "--temp_location=s3://b/tmp"), "--temp_location s3://b/tmp is not such a place: give"),
    ("hdfs://n/out", (*FLINK, "--temp_location=hdfs://n/tmp"), "can't do so on hdfs://n/out, and --temp_location hdfs"),
]


@pytest.mark.parametrize(("output", "arguments", "place"), PLACES)
def test_locations_temp_folder(
    output: str, arguments: tuple[str, ...], place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    monkeypatch.setattr("pipeline.runners.locations.BeamFiles.remove", lambda _, paths: removed.extend(paths))
    options = beam_options(arguments)
    if place is not None and " " in place:
        with pytest.raises(UserError) as raised, temp_folder(output, options):
            pass
        assert str(raised.value).startswith("output.path: TensorFlow keeps temporary files during the job")
        assert place in str(raised.value)
        return
    with temp_folder(output, options) as folder:
        if place == "here":
            assert folder is not None
            assert Path(folder).stat().st_mode & 0o777 == 0o700
        else:
            assert (folder or "").startswith(place or "")
            assert (folder is None) == (place is None)
    if place == "here":
        assert folder is not None
        assert not Path(folder).exists()
    else:
        assert removed == ([] if place is None else [folder])


# options -> whether workers are on this machine, whether they certainly do not see its disks
WORKERS = [
    ((), True, False),
    (("--runner=DirectRunner",), True, False),
    (("--runner=apache_beam.runners.portability.prism_runner.PrismRunner",), True, False),
    (LOOPBACK, True, False),
    (("--runner=PortableRunner", "--environment_type=EXTERNAL"), False, False),  # they may mount what this one does
    (FLINK, False, False),
    (DATAFLOW, False, True),
]


@pytest.mark.parametrize(("arguments", "here", "no_disk"), WORKERS)
def test_locations_workers(arguments: tuple[str, ...], here: bool, no_disk: bool) -> None:
    options = beam_options(arguments)
    assert (workers_are_here(options), workers_share_no_disk(options)) == (here, no_disk)


# options -> whether steps get workers with the memory that they ask for
MEMORY = [
    ([], False),
    (["--runner=FlinkRunner"], False),
    (["--runner=DataflowRunner"], True),
    (["--runner=DataflowRunner", "--flexrs_goal=COST_OPTIMIZED"], False),  # FlexRS and right fitting exclude each other
]


@pytest.mark.parametrize(("arguments", "gives"), MEMORY)
def test_locations_gives_memory_by_step(arguments: list[str], gives: bool) -> None:
    assert gives_memory_by_step(beam_options(arguments)) is gives
