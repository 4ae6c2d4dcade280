"""The whole job over damaged files: refused, or its loss is shown wherever a person looks."""

import gzip
from pathlib import Path

import pytest
from apache_beam.pvalue import TaggedOutput

from pipeline.cli import main
from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.job.read import ReadRows
from pipeline.job.run import make_plan
from pipeline.sources import plan_tasks
from pipeline.vocabulary.cached_counting import ENTRY_PARTS, LookedUpGroup
from tests.support.jobs import (
    SMALL_SETTINGS,
    manifest_of,
    record_bytes,
    run_job,
    small_rows,
    write_jsonl,
    write_parquet,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a.jsonl.gz: a whole member of 100 rows and a bad one, half a member; b.parquet: whole; c.parquet: no footer."""
    folder = tmp_path_factory.mktemp("damage")
    rows = small_rows(300)
    first, second = (write_jsonl(folder / "rows", part).read_bytes() for part in (rows[:100], rows[100:200]))
    (folder / "rows").unlink()
    member = gzip.compress(second, mtime=0)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(first + b"broken\n", mtime=0) + member[: len(member) // 2])
    write_parquet(folder / "b.parquet", rows[200:300])
    cut = write_parquet(folder / "c.parquet", rows[:100])
    cut.write_bytes(cut.read_bytes()[:-1])
    return folder


def test_job_damage_keeps_a_file_out_of_the_cache_of_counts(folder: Path, tmp_path: Path) -> None:
    config = load(None, {"input.path": str(folder), "input.damaged": "use_what_is_whole"})
    tasks = plan_tasks(config.input, BeamFiles())
    plan = make_plan(config, tasks, staging=str(tmp_path / "work"), spills=False)
    (group,) = tasks.groups
    (tmp_path / "work" / "work" / "tokens").mkdir()
    read = ReadRows(plan.read_options, config, place=plan.token_place)
    read.setup()
    outputs = read.process(LookedUpGroup(group, frozenset()))
    parts = [output.value for output in outputs if isinstance(output, TaggedOutput) and output.tag == ENTRY_PARTS]
    assert [(file, read.is_complete) for file, read in parts] == [(0, False), (1, True), (2, False)]


@pytest.mark.parametrize("spills", [True, False])
def test_job_damage_is_refused_by_the_name_of_the_file(folder: Path, tmp_path: Path, spills: bool) -> None:
    """spills: tokens wait on this machine, or else as for workers elsewhere."""
    with pytest.raises(UserError, match=r"^input\.path: .*/a\.jsonl\.gz: damaged file \(the file ends before its gzip"):
        run_job(folder, tmp_path / "out", spills=spills)
    assert not list((tmp_path / "out").glob("*"))


def test_job_damage_is_shown_where_its_loss_is_allowed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"input.damaged": "use_what_is_whole"}
    options = [f"--{name}={value}" for name, value in {**SMALL_SETTINGS, **settings}.items()]
    out = tmp_path / "out"
    assert main(["run", f"--input.path={folder}", f"--output.path={out}", *options]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("2 of 3 files are damaged; ")
    assert (
        shown[1]
        == f"  {folder}/a.jsonl.gz: damaged file (the file ends before its gzip stream does); 101 rows could be read"
    )
    assert shown[2].startswith(f"  {folder}/c.parquet: damaged file (Parquet magic bytes not ")
    assert shown[3] == f"1 row was rejected (broken JSON 1); {out}/rejected has it"
    manifest = manifest_of(out)
    assert manifest["input"]["damaged"] == 2
    assert [(Path(file["file"]).name, file["rows"]) for file in manifest["input"]["damaged_files"]] == [
        ("a.jsonl.gz", 101),
        ("c.parquet", 0),
    ]
    assert manifest["input"]["rows"] == 201 == 1 + sum(split["rows"] for split in manifest["splits"].values())
    assert manifest["rejected"]["rows"] == 1
    assert "a.jsonl.gz" in (out / "report.html").read_text().partition("Damaged files")[2]
    assert main(["describe", str(out)]) == 0
    assert "2 of 3 files are damaged" in capsys.readouterr().out
    remote = run_job(folder, tmp_path / "remote", settings, spills=False)
    assert record_bytes(remote) == record_bytes(out)
    assert manifest_of(remote)["input"] == manifest["input"]
