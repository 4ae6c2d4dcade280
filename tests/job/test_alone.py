"""pipeline.job.alone: a job that no command waits for publishes, and leaves nothing."""

from pathlib import Path

import pytest

from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.output_lock import check_unlocked, hand_over, hold_output
from pipeline.files.publish import new_staging
from pipeline.job import alone
from pipeline.job.plan import Plan
from pipeline.job.run import _check_template, make_plan, run_plan
from pipeline.records_folder.reader import read_manifest
from pipeline.runners.options import beam_options, choose_runner
from pipeline.sources import InputTasks, plan_all
from pipeline.sources.tables import PlannedTable
from tests.support.jobs import ONE_THREAD, SMALL_SETTINGS, small_rows, write_jsonl


def handed_over(folder: Path, settings: dict[str, str]) -> Plan:
    """The plan of a job whose command has ended."""
    output = str(folder / "out")
    rows = write_jsonl(folder / "rows.jsonl", small_rows(50))
    config = load(None, {**SMALL_SETTINGS, "input.path": str(rows), "output.path": output, **settings})
    with hold_output(output, command="pipeline run") as owner:
        plan = make_plan(
            config,
            plan_all(config.input, BeamFiles(), split=config.split, metrics=config.metrics, cuts_quoted=True),
            staging=new_staging(output),
            spills=False,
            lock_token=owner.token,
            outlives_command=True,
        )
        hand_over(output, owner, to="the job reviews")
    with pytest.raises(UserError, match=r"is in use by `the job reviews` on another machine .*if that process runs no"):
        check_unlocked(output)
    return plan


def run_alone(plan: Plan) -> None:
    options = beam_options(ONE_THREAD)
    run_plan(plan, runner=choose_runner(options, input_bytes=None), options=options)


def test_alone_publishes_and_removes_the_staging_folder_and_the_lock(tmp_path: Path) -> None:
    plan = handed_over(tmp_path, {})
    run_alone(plan)
    assert read_manifest(plan.config.output.path, BeamFiles())[1].input.rows == len(small_rows(50))
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")] == []


def test_alone_does_nothing_more_in_a_retry_after_it_has_published(tmp_path: Path) -> None:
    plan = handed_over(tmp_path, {})
    run_alone(plan)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    alone.finalize_alone(plan)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_alone_fails_with_the_message_of_a_refusal_in_each_attempt(tmp_path: Path) -> None:
    plan = handed_over(tmp_path, {"vocabulary.min_count": "100000"})
    with pytest.raises(Exception, match=r"vocabulary\.min_count"):
        run_alone(plan)
    check_unlocked(plan.config.output.path)
    assert not Path(plan.result_folder).exists()
    assert not Path(plan.token_place.folder).exists()
    with pytest.raises(UserError, match=r"vocabulary\.min_count"):
        alone.finalize_alone(plan)


def test_alone_is_refused_what_needs_the_command_until_its_end(tmp_path: Path) -> None:
    """A database's snapshot is held open by the command."""
    config = load(None, {"output.path": "gs://b/out"})
    table = PlannedTable(
        path="postgresql://h/shop", format="sql", rows=1, size=1, taken="", requests=("",), snapshot="00000003-1"
    )
    tasks = InputTasks([], files=0, bytes=0, left_out={}, tables=(table,))
    with pytest.raises(UserError, match=r"^input\.path: postgresql://h/shop can't be read by a template's job"):
        _check_template(config, tasks)
    local = load(None, {"output.path": str(tmp_path)})
    with pytest.raises(
        UserError, match=r"^output\.path: .* is not on gs://, and a template's job publishes only there$"
    ):
        _check_template(local, tasks._replace(tables=()))
