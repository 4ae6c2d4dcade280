"""pipeline.doctor: a table for each check; a finding is (level, about, the beginning of its text)."""

import gzip
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import google.auth
import pytest

from pipeline.cli import main
from pipeline.config.load import load
from pipeline.doctor.access import FirstRows, check_input, check_output_access, check_temp_access
from pipeline.doctor.estimate import Estimate, check_machine, estimate
from pipeline.doctor.finding import Finding
from pipeline.doctor.job_graph import JobGraph, check_job_graph
from pipeline.doctor.options import check_options
from pipeline.files.beam import BeamFiles
from pipeline.files.owner import this_process
from pipeline.job.plan import Plan
from pipeline.runners.options import LocalWorkers, beam_options
from pipeline.sources import InputTasks
from pipeline.sources.tasks import Kind, TaskGroup
from tests.support.jobs import small_rows, write_jsonl
from tests.support.object_stores import gs_store
from tests.support.paths import REPOSITORY

GS = {"input.path": "gs://b/in.csv", "output.path": "gs://b/out"}
DATAFLOW = ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/tmp"]
OURS = "--sdk_container_image=r.dev/p/textrecords:1"
FLINK = ["--runner=FlinkRunner", "--flink_version=1.20", OURS]
STANDING = ["--runner=PortableRunner", "--environment_type=EXTERNAL"]

# settings, options for Beam -> findings beside those of the runner and the versions
OPTIONS: list[tuple[dict[str, str], list[str], list[tuple[str, str, str]]]] = [
    ({}, [], []),
    (GS, [*DATAFLOW, OURS], []),
    ({}, ["--runner=DataflowRunner", OURS], [
        ("error", "--project", "is not given"),
        ("error", "--region", "is not given"),
        ("error", "--temp_location", "is not given"),
        ("error", "output.path", "out/records is on this machine, which workers don't see; give one on gs://"),
    ]),
    (GS, [*DATAFLOW[:3], "--temp_location=/tmp", OURS], [("error", "--temp_location", "is /tmp; Dataflow needs")]),
    (GS, [*DATAFLOW, OURS, "--staging_location=out"], [("error", "--staging_location", "is out; Dataflow needs")]),
    ({**GS, "input.path": "[in.csv, gs://b/c.csv]"}, [*DATAFLOW, OURS], [("error", "input.path", "in.csv is on this")]),
    ({"input.path": "/mnt/in"}, FLINK, [
        ("warning", "output.path", "out/records must be the same folder for every worker"),
        ("warning", "input.path", "/mnt/in must be the same folder for every worker"),
    ]),
    ({**GS, "output.path": "s3://b/out"}, FLINK, [("error", "output.path", "TensorFlow keeps temporary files")]),
    ({**GS, "output.path": "s3://b/out"}, [*FLINK, "--temp_location=gs://b/t"], []),
    (GS, DATAFLOW, [("error", "--sdk_container_image", "workers have Beam alone; give an image (make image), or")]),
    (GS, [*DATAFLOW, "--setup_file=setup.py"], [("warning", "--setup_file", "each worker installs TensorFlow")]),
    (GS, [*DATAFLOW, OURS, "--setup_file=setup.py"], [("warning", "--setup_file", "each worker installs the package")]),
    (GS, [*DATAFLOW, "--setup_file=no/setup.py"], [
        ("error", "--setup_file", f"there is no file {REPOSITORY}/no/setup.py"),
        ("warning", "--setup_file", "each worker installs TensorFlow"),
    ]),
    (GS, [*DATAFLOW, OURS, "--setup_file=README.md"], [
        ("error", "--setup_file", f"is {REPOSITORY}/README.md; it must be called setup.py"),
        ("warning", "--setup_file", "each worker installs the package once more"),
    ]),
    (GS, STANDING, [("note", "--environment_type", "workers must have this very version of the package")]),
    (GS, ["--runner=PortableRunner", "--environment_type=LOOPBACK"], []),
    (GS, ["--runner=PortableRunner", "--environment_type=DOCKER", "--environment_config=r.dev/own:1"], []),
    (GS, [*FLINK[:1], OURS], [("warning", "--flink_version", "is not given")]),
    (GS, [*FLINK, "--direct_num_workers=3"], [("warning", "--direct_num_workers", "has no effect with --runner F")]),
    ({}, ["--direct_num_workers=3"], []),
    (GS, [*DATAFLOW, OURS, "--num_workers=9", "--max_num_workers=3"], [
        ("error", "--num_workers", "9 are more than --max_num_workers 3"),
    ]),
    ({}, ["--max_num_workers=3"], [("warning", "--max_num_workers", "has no effect on this machine")]),
    ({}, ["--setup_file=setup.py"], [("warning", "--setup_file", "has no effect on this machine")]),
    ({}, ["--streaming"], [("error", "--streaming", "the job reads files to their end")]),
    ({}, ["--save_main_session"], [("warning", "--save_main_session", "has no effect")]),
    ({}, ["--s3_endpoint_url=http://localhost:1"], [("warning", "--s3_endpoint_url", "no path is on s3://")]),
    ({**GS, "input.path": "s3://b/in"}, [*DATAFLOW, "--setup_file=setup.py"], [
        ("warning", "--setup_file", "each worker installs TensorFlow"),
        ("error", "--setup_file", "leaves workers without a client for s3://"),
    ]),
    (GS, [*DATAFLOW, "--setup_file=setup.py", "--no_use_public_ips"], [
        ("warning", "--setup_file", "each worker installs TensorFlow"),
        ("warning", "--no_use_public_ips", "workers need a way to the package index"),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "arguments", "expected"), OPTIONS)
def test_doctor_options(
    settings: dict[str, str],
    arguments: list[str],
    expected: list[tuple[str, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://localhost:1")  # so that nobody looks for credentials
    found = check_options(load(None, settings), beam_options(arguments), arguments)
    assert found[0].about == "--runner"
    versions = ("versions", "--sdk_container_image")
    others = [
        finding for finding in found[1:] if finding.about not in versions or finding.text.startswith("workers have")
    ]
    check(others, expected)


def test_doctor_credentials(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def none(**_: object) -> None:
        raise google.auth.exceptions.DefaultCredentialsError

    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr("google.auth.default", none)
    # settings, options -> whether credentials are missed
    cases = [
        ({}, [], False),
        ({"output.path": "s3://b/out"}, [], False),
        ({"output.path": "gs://b/out"}, [], True),
        ({"input.path": "gs://b/in"}, [], True),
        ({}, DATAFLOW, True),
        ({"input.path": "gs://b/in"}, ["--no_auth"], False),
    ]
    for settings, arguments, missed in cases:
        found = check_options(load(None, settings), beam_options(arguments), arguments)
        assert any(finding.about == "credentials" for finding in found) == missed
    assert main(["doctor", "--output.path=gs://b/out"]) == 2
    assert "there are none for Google Cloud; gcloud auth application-default login" in capsys.readouterr().out


# image -> findings about versions; here are Python 3.11 and Beam 2.77.0
VERSIONS = [
    ("apache/beam_python3.11_sdk:2.77.0", [("ok", "Python 3.11, as here"), ("ok", "Beam 2.77.0, as here")]),
    (
        "r.dev/p/beam_python3.12_sdk:2.77.0-mine",
        [("error", "has Python 3.12, and here is 3.11"), ("ok", "Beam 2.77.0")],
    ),
    ("apache/beam_python3.11_sdk:2.70.0", [("ok", "Python 3.11"), ("error", "has Beam 2.70.0, and here is 2.77.0")]),
    ("r.dev/p/textrecords:1", [("note", "its name tells no versions; it must have Python 3.11, Beam 2.77.0")]),
]


@pytest.mark.parametrize(("image", "expected"), VERSIONS)
def test_doctor_versions(image: str, expected: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://localhost:1")
    monkeypatch.setattr("platform.python_version_tuple", lambda: ("3", "11", "9"))
    monkeypatch.setattr("pipeline.doctor.options.version", lambda name: {"apache-beam": "2.77.0"}[name])
    arguments = [*DATAFLOW, f"--sdk_container_image={image}"]
    found = check_options(load(None, GS), beam_options(arguments), arguments)
    check(
        [finding for finding in found if finding.about == "--sdk_container_image"],
        [(level, "--sdk_container_image", text) for level, text in expected],
    )


def test_doctor_output_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "complete").mkdir()
    (tmp_path / "complete/manifest.json").write_text("{}")
    (tmp_path / "file").write_text("")
    (tmp_path / "used").mkdir()
    (tmp_path / "used/.lock").write_bytes(this_process("pipeline run").to_json())
    # output.path, --overwrite -> what is found
    cases = [
        ("new/folder", False, ("ok", "output.path", "new/folder can be written")),
        ("complete", False, ("error", "output.path", "complete holds a complete records folder; add --overwrite")),
        ("complete", True, ("ok", "output.path", "complete can be written")),
        ("file", False, ("error", "output.path", "can't write below file: ")),
        ("used", False, ("error", "output.path", "used is in use by `pipeline run` on ")),
        ("/proc/records", False, ("error", "output.path", "can't write below /proc/records: ")),
        ("nowhere://a", False, ("error", "output.path", "nothing is installed that reaches 'nowhere://a'")),
    ]
    before = sorted(tmp_path.rglob("*"))
    for path, overwrite, expected in cases:
        findings: list[Finding] = []
        check_output_access(load(None, {"output.path": path}), findings, overwrite=overwrite)
        check(findings, [expected])
    assert sorted(tmp_path.rglob("*")) == before


def test_doctor_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = b"text,label\n" + b"a b,x\n" * 50
    (tmp_path / "good.csv").write_bytes(good)
    (tmp_path / "half.csv").write_text("text,label\n" + "a,x\na,x,y\n" * 20)
    (tmp_path / "marks.csv").write_text("text,label\n" + "a,0\nb,1\nc,-1\n" * 3)
    cut = gzip.compress(good, mtime=0) + gzip.compress(b"c,x\n" * 50, mtime=0)[:-1]
    (tmp_path / "cut.csv.gz").write_bytes(cut)
    whole = ("ok", "input.damaged", "every file can be read to its end")
    allowed = {"input.damaged": "use_what_is_whole"}
    # settings -> what is found
    cases = [
        ({"input.path": "good.csv"}, [whole, ("ok", "input.path", "the first 50 rows of good.csv can be used")]),
        (
            {"input.path": "marks.csv", "input.label_map": "{-1: null}"},
            [whole, ("ok", "input.path", "the first 9 rows of marks.csv can be used; input.label_map leaves out 3 of")],
        ),
        ({"input.path": "none.csv"}, [("error", "input.path", "there is no such file")]),
        (
            {"input.path": "good.csv", "input.label_column": "stars"},
            [("error", "input.label_column", "'stars' is not in")],
        ),
        (
            {"input.path": "cut.csv.gz"},
            [("error", "input.path", "cut.csv.gz: damaged file (the file ends before its gzip stream does), so")],
        ),
        (
            {"input.path": "cut.csv.gz", **allowed},
            [
                ("warning", "input.damaged", "cut.csv.gz: damaged file (the file ends before its gzip stream does);"),
                ("ok", "input.path", "the first 50 rows of cut.csv.gz can be used"),
            ],
        ),
        (
            {"input.path": "half.csv"},
            [whole, ("error", "output.max_rejected", "is 0.01, and 20 of the first 40 rows of half")],
        ),
        (
            {"input.path": "half.csv", "output.max_rejected": "0.5"},
            [
                whole,
                (
                    "warning",
                    "input.path",
                    "20 of the first 40 rows of half.csv can't be used: wrong number of columns (20)",
                ),
            ],
        ),
    ]
    for settings, expected in cases:
        findings: list[Finding] = []
        _, first = check_input(load(None, settings), findings)
        check(findings, expected)
    assert first == FirstRows(40, Counter({"wrong number of columns": 20}), text_bytes=20, words=20)


def test_doctor_input_without_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text("text,label\n" + "a b,x\n" * 50)
    (tmp_path / "more.csv").write_text("text\n" + "a\n" * 7)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"text\na\n", mtime=0)[:-1])
    labelled = [
        ("ok", "input.damaged", "every file can be read to its end"),
        ("ok", "input.path", "the first 50 rows of good.csv can be used"),
    ]
    # input.unlabelled -> what is found of it
    cases = [
        (
            "more.csv",
            [
                ("ok", "input.damaged", "every file of input.unlabelled can be read to its end"),
                ("ok", "input.unlabelled", "the first 7 rows of more.csv can be used"),
            ],
        ),
        ("cut.csv.gz", [("error", "input.unlabelled", "cut.csv.gz: damaged file (the file ends before its gzip")]),
    ]
    for unlabelled, expected in cases:
        findings: list[Finding] = []
        tasks, first = check_input(load(None, {"input.path": "good.csv", "input.unlabelled": unlabelled}), findings)
        check(findings, [*labelled, *expected])
        assert (tasks.files, tasks.unlabelled_files, first.rows) == (2, 1, 50)
    findings = []
    check_input(load(None, {"input.path": "good.csv", "input.unlabelled": "none.csv"}), findings)
    check(findings, [("error", "input.unlabelled", "there is no such file")])


def test_doctor_access_to_a_store() -> None:
    with gs_store():
        findings: list[Finding] = []
        check_output_access(load(None, {"output.path": "gs://bucket/out"}), findings, overwrite=False)
        check_output_access(load(None, {"output.path": "gs://none/out"}), findings, overwrite=False)
        for place in ("gs://bucket/tmp", "gs://none/tmp"):
            check_temp_access(beam_options([f"--temp_location={place}"]), findings)
        check(
            findings,
            [
                ("ok", "output.path", "gs://bucket/out can be written"),
                ("error", "output.path", "gs://none/out can't be reached: "),
                ("ok", "--temp_location", "gs://bucket/tmp can be written"),
                ("error", "--temp_location", "gs://none/tmp can't be reached: "),
            ],
        )
        assert BeamFiles().below("gs://bucket") == []


def tasks_of(name: str = "a.csv") -> InputTasks:
    return InputTasks([TaskGroup(0, (name,), (Kind("csv"),))], files=1, bytes=1, left_out={})


MB = 1_000_000


def plan_of(size: int, **settings: str) -> Plan:
    overrides = {key.replace("__", "."): value for key, value in settings.items()}
    return Plan(config=load(None, overrides), task_groups=1, input_files=1, input_bytes=size, staging="out/x")


def test_doctor_estimate() -> None:
    # A row: 230 words in 1,300 bytes of text, as a review has.
    first = FirstRows(rows=100, rejected=Counter(), text_bytes=130_000, words=23_000)
    found = estimate(plan_of(32_500_000), tasks_of(), first=first)
    assert found.rows == 25_000
    # 25,000 x (15 + 230 x 1.2); what was measured on IMDB is 7.0 MB.
    assert found.output_bytes == 7_275_000
    # All of them, 1.3 times 15 + 230 x 1.2 bytes each.
    assert found.block_bytes == 9_457_500
    # A quarter of 20,000 records (the train split has four shards) of 60 + 230 x 2 + 270 bytes, times 2.5.
    assert found.thread_bytes == (130 << 20) + 9_875_000
    assert found.worker_bytes == (930 << 20) + 9_875_000
    plain = estimate(plan_of(32_500_000, output__compression="none"), tasks_of(), first=first)
    assert plain.output_bytes == 19_750_000
    assert estimate(plan_of(10_000_000), tasks_of("a.csv.gz"), first=first).text_bytes == 27_000_000
    # Half of the texts without labels, in four shards that hold 2,500 or 3,125 records each: these are the largest.
    unlabelled = replace(plan_of(32_500_000), unlabelled_files=1, unlabelled_bytes=16_250_000)
    assert estimate(unlabelled, tasks_of(), first=first).rows == 25_000
    assert estimate(unlabelled, tasks_of(), first=first).thread_bytes == (130 << 20) + 8_229_166
    # A shard of 26 GB of text: 20 million records in all, 64 sort ranges if blocks are spilled.
    plan = plan_of(26_000_000_000, output__shards="1")
    assert estimate(plan, tasks_of(), first=first).thread_bytes == (130 << 20) + 31_600_000_000
    spills = replace(plan, spills=True)
    assert estimate(spills, tasks_of(), first=first).thread_bytes == (130 << 20) + 493_750_000
    # 20 million texts of 230 tokens, 3 bytes each on this machine and 2 elsewhere.
    assert estimate(spills, tasks_of(), first=first).token_bytes == 13_800_000_000
    assert estimate(plan, tasks_of(), first=first).token_bytes == 9_200_000_000


def test_doctor_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1_220_000}.__getitem__)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=50_000_000))
    out = str(tmp_path / "out")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/tmp")
    store = "gs://b/out"
    threads, processes = LocalWorkers("in_memory", 4), LocalWorkers("multi_processing", 4)
    # output, output.shards, output bytes, bytes of a thread, workers are here, those of the runner in this process ->
    # findings, if blocks and tokens are 9 MB
    cases = [
        (out, "auto", 7 * MB, 100 * MB, True, threads, ["ok memory about 1.2 GB", "ok disk about 16 MB of 50 MB"]),
        (out, "auto", 7 * MB, 100 * MB, True, processes, ["ok memory about 4.6 GB", "ok disk about 16 MB of 50"]),
        (out, "auto", 45 * MB, 900 * MB, True, threads, ["ok memory about 4.4 GB", "error disk about 54 MB of 50"]),
        (out, "auto", 45 * MB, 2000 * MB, True, None, ["ok memory about 2.8 GB", "ok disk about 49 MB of 50 MB"]),
        (out, "auto", 7 * MB, 2000 * MB, True, threads, ["error memory about 8.8 GB, and this machine has 5.0", "ok"]),
        (out, "auto", 60 * MB, 100 * MB, False, None, ["ok memory of a worker about 939 MB", "error disk about 64"]),
        (out, "1", 7 * MB, 9000 * MB, False, None, ["error output.shards about 9.8 GB, to order a whole", "ok disk"]),
        (store, "auto", 7 * MB, 100 * MB, True, threads, ["ok mem", "ok disk about 7.0 MB at", "ok disk about 9.0 MB"]),
        (store, "auto", 7 * MB, 100 * MB, False, None, ["ok memory of a", "ok disk about 7.0 MB at gs://b/out"]),
    ]  # fmt: skip
    for path, shards, output, thread, here, workers, expected in cases:
        plan = replace(plan_of(1, output__path=path, output__shards=shards), spills=workers is not None)
        guess = Estimate(
            text_bytes=1, rows=1, output_bytes=output, block_bytes=5 * MB, token_bytes=4 * MB, thread_bytes=thread
        )
        found = check_machine(guess, plan, workers_here=here, in_process=workers)
        for finding, text in zip(found, expected, strict=True):
            assert f"{finding.level} {finding.about} {finding.text}".startswith(text)


# The errors themselves: test_doctor_says_all... and systems/test_dataflow.py.
def test_doctor_job_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Mapping[str, bytes]] = []

    def load_errors(functions: Mapping[str, bytes]) -> dict[str, str]:
        given.append(functions)
        return {"Read/Map": "ModuleNotFoundError: No module named 'tests'"}

    monkeypatch.setattr("pipeline.doctor.pickles.load_errors", load_errors)
    functions = {"Read/Map": b"pickle", "Write": b"other"}
    check(
        check_job_graph(JobGraph(20_000_000, ["Read"], functions)),
        [
            ("warning", "graph", "20.0 MB, and above 10.0 MB a service may refuse it; give a folder or a pattern as"),
            ("error", "functions", "Read/Map: ModuleNotFoundError: No module named 'tests"),
        ],
    )
    assert given == [functions]


def test_doctor_says_all_that_is_wrong_at_once_and_then_that_it_is_ready(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text("{}")
    given = [
        "doctor",
        "--input.path=none.csv",
        "--output.path=out",
        "--runner=DataflowRunner",
        "--project=p",
        "--no_auth",
    ]
    assert main(given) == 2
    out = capsys.readouterr().out
    errors = [line.split()[1] for line in out.splitlines() if line.startswith("error ")]
    assert errors == [
        "--region", "--temp_location", "output.path", "input.path", "--sdk_container_image",
        "output.path", "input.path",
    ]  # fmt: skip
    assert out.endswith("\n7 to mend\n")

    write_jsonl(tmp_path / "rows.jsonl", small_rows())
    assert main(["doctor", "--input.path=rows.jsonl", "--output.path=new"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "ready to run"
    assert "reads     1 file, 47.2 kB, in 1 task group, once" in lines
    assert any(line.endswith(" of tokens wait below it until they have ids") for line in lines)
    assert any(line.startswith("steps     Tasks, Read, CountWords, BuildVocabulary, MapToIds, ") for line in lines)
    assert any(line.startswith("ok       functions") for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "rows.jsonl"]


def check(found: list[Finding], expected: list[tuple[str, str, str]]) -> None:
    assert len(found) == len(expected), found
    for finding, (level, about, text) in zip(found, expected, strict=True):
        assert (finding.level, finding.about) == (level, about)
        assert finding.text.startswith(text)
