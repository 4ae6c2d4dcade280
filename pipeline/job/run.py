"""Settings -> a published records folder: checks, plans the job, runs it on the chosen runner, and cleans up."""

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.runner import PipelineRunner, PipelineState

from pipeline.config.databases import database_format
from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles, check_filesystem, is_local, scratch_folder, use_options
from pipeline.files.output_lock import hand_over, hold_output
from pipeline.files.owner import Owner
from pipeline.files.publish import check_output, new_staging, recover, remove_staging
from pipeline.files.temporary import place_of_temporary_files
from pipeline.job.build import build
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.plan import Plan
from pipeline.job.results import table_summary
from pipeline.job.stages import StageObserver, ignore_stage
from pipeline.job.task_file import write_groups
from pipeline.runners.locations import gives_memory_by_step, outlives_command, temp_folder
from pipeline.runners.monitor import finish, interrupts, job_page
from pipeline.runners.options import beam_options, choose_runner, holds_shuffles_in_memory
from pipeline.runners.quick_building import quick_building
from pipeline.runners.reach import check_servers
from pipeline.runners.submission import submission
from pipeline.sources import InputTasks, plan_all
from pipeline.sources.csv_ranges import is_nominal
from pipeline.sources.preview import check_input
from pipeline.sources.unlabelled_files import with_remedy
from pipeline.support.disk_errors import describe_disk_error, find_disk_error
from pipeline.support.process import remove_when_leaving
from pipeline.support.stop_signals import deferred_stop
from pipeline.vocabulary import imported_words
from pipeline.vocabulary.count_cache import check_cache
from pipeline.vocabulary.imported import ImportedVocabulary, resolve
from pipeline.vocabulary.token_check import check_tokens

_logger = logging.getLogger(__name__)

# Takes the folder in which workers count their rows; shows their progress while the context lasts.
Display = Callable[[str], AbstractContextManager[None]]


def run(
    config: Config,
    beam_arguments: Sequence[str] = (),
    *,
    overwrite: bool,
    display: Display,
    limits: Limits = DEFAULT_LIMITS,
    spills: bool | None = None,
    observe: StageObserver = ignore_stage,
) -> bool:
    """Runs the whole job. True: the records folder is published. False: a template of the job is written, no more.

    limits: the sizes by which the work is divided. spills: whether blocks are spilled to the local disk; None: if the
    runner keeps them in memory otherwise. observe: called by workers at each stage.

    Raises:
      UserError: a mistake in the settings, the input or the options for Beam.
    """
    options = beam_options(beam_arguments)
    use_options(options)
    check_servers(options)
    _check_filesystems(config)
    check_output(config.output.path, overwrite=overwrite)
    with hold_output(config.output.path, command="pipeline run") as owner, _disk_errors_in_one_line(config):
        recover(config.output.path)
        check_output(config.output.path, overwrite=overwrite)
        try:
            _run(config, options, owner=owner, display=display, limits=limits, spills=spills, observe=observe)
        except BaseException:
            # A worker may have been killed while it published.
            with deferred_stop(), contextlib.suppress(UserError):  # the next run tries again
                recover(config.output.path)
            raise
    return not outlives_command(options)


@contextmanager
def _disk_errors_in_one_line(config: Config) -> Iterator[None]:
    """Within it, a disk that is full, read-only or failing ends the job with a UserError, in whatever worker it was."""
    named = {
        "output.path": config.output.path,
        "vocabulary.cache": config.vocabulary.cache,
        "TMPDIR": place_of_temporary_files(),
    }
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        disk_error = find_disk_error(error)
        if disk_error is None:
            raise
        folders = {setting: folder for setting, folder in named.items() if folder is not None and is_local(folder)}
        raise UserError(describe_disk_error(disk_error, folders)) from error


def _run(
    config: Config,
    options: PipelineOptions,
    *,
    owner: Owner,
    display: Display,
    limits: Limits,
    spills: bool | None,
    observe: StageObserver,
) -> None:
    files = BeamFiles()
    config, source = resolve(config, files)
    if source is not None:
        check_tokens(source, config.text)
    tasks = plan_all(
        config.input,
        files,
        split=config.split,
        metrics=config.metrics,
        range_bytes=limits.task_bytes,
        cuts_quoted=True,
    )
    with closing(tasks):
        _run_tasks(
            config, options, tasks, source, owner=owner, display=display, limits=limits, spills=spills,
            observe=observe,
        )  # fmt: skip


def _run_tasks(
    config: Config,
    options: PipelineOptions,
    tasks: InputTasks,
    source: ImportedVocabulary | None,
    *,
    owner: Owner,
    display: Display,
    limits: Limits,
    spills: bool | None,
    observe: StageObserver,
) -> None:
    files = BeamFiles()
    if outlives_command(options):
        _check_template(config, tasks)
    check_input(tasks, config.input, config.split, files, metrics=config.metrics)
    check_cache(config.model_copy(update={"input": tasks.resolved(config.input)}))  # the folder that the job will use
    for line in tasks.left_out_lines(name=with_remedy):
        _logger.info("%s", line)
    runner = choose_runner(options, input_bytes=tasks.bytes)
    with temp_folder(config.output.path, options) as temp:
        staging = None
        try:
            with deferred_stop():
                staging = new_staging(config.output.path)
            with scratch_folder() as progress_folder:
                plan = make_plan(
                    config,
                    tasks,
                    staging=staging,
                    temp_folder=temp,
                    progress_folder=progress_folder,
                    spills=holds_shuffles_in_memory(runner) if spills is None else spills,
                    asks_for_memory=gives_memory_by_step(options),
                    lock_token=owner.token,
                    outlives_command=outlives_command(options),
                    source=source,
                    limits=limits,
                    observe=observe,
                )
                with display(progress_folder):
                    run_plan(plan, runner=runner, options=options)
            if plan.outlives_command:
                job = options.view_as(GoogleCloudOptions).job_name
                hand_over(config.output.path, owner, to=f"the job {job} on Dataflow")
                staging = None  # it is the job's
        finally:
            with deferred_stop():
                if staging is not None:
                    remove_staging(staging)
                    if is_local(staging):
                        remove_when_leaving(staging)


def _check_template(config: Config, tasks: InputTasks) -> None:
    """Refuses a job that needs this command until its end."""
    if not config.output.path.startswith("gs://"):
        raise UserError(f"output.path: {config.output.path} is not on gs://, and a template's job publishes only there")
    for table in tasks.tables:
        if table.snapshot:
            raise UserError(
                f"input.path: {table.path} can't be read by a template's job: the snapshot of the database ends with "
                "this command; start the job with `python -m pipeline run`, or give files"
            )


def _check_filesystems(config: Config) -> None:
    settings = [
        ("output.path", config.output.path),
        *(("input.path", path) for path in config.input.paths if not database_format(path)),
        *(("input.unlabelled", path) for path in config.input.unlabelled_paths if not database_format(path)),
    ]
    if config.vocabulary.source is not None:
        settings.append(("vocabulary.from", config.vocabulary.source))
    if config.vocabulary.cache is not None:
        settings.append(("vocabulary.cache", config.vocabulary.cache))
    for setting, path in settings:
        check_filesystem(path, setting=setting)


def make_plan(
    config: Config,
    tasks: InputTasks,
    *,
    staging: str,
    spills: bool,
    asks_for_memory: bool = False,
    outlives_command: bool = False,
    temp_folder: str | None = None,
    progress_folder: str | None = None,
    lock_token: str | None = None,
    source: ImportedVocabulary | None = None,
    limits: Limits = DEFAULT_LIMITS,
    observe: StageObserver = ignore_stage,
) -> Plan:
    """The plan of a job that reads `tasks`, with the settings that their planning decided. Writes the tasks, and the
    words of an imported vocabulary, into its staging folder."""
    plan = Plan(
        config=config.model_copy(update={"input": tasks.resolved(config.input)}),
        task_groups=len(tasks.groups),
        input_files=tasks.files,
        input_bytes=tasks.bytes,
        unlabelled_files=tasks.unlabelled_files,
        unlabelled_bytes=tasks.unlabelled_bytes,
        left_out=tasks.left_out,
        left_out_examples=dict(tasks.examples),  # its default can not be pickled
        tables=tuple(map(table_summary, tasks.tables)),
        lake_tables=tasks.lake_tables,
        named_splits=dict(tasks.named_splits),
        has_nominal_ranges=any(map(is_nominal, tasks.groups)),
        origin=None if source is None else source.origin,
        staging=staging,
        temp_folder=temp_folder,
        progress_folder=progress_folder,
        lock_token=lock_token,
        spills=spills,
        asks_for_memory=asks_for_memory,
        outlives_command=outlives_command,
        limits=limits,
        observe=observe,
    )
    write_groups(plan.tasks_path, tasks.groups)
    if source is not None and plan.imported_words is not None:
        imported_words.write(plan.imported_words.path, source.words)
    return plan


def run_plan(plan: Plan, *, runner: PipelineRunner, options: PipelineOptions) -> None:
    """Runs a plan and returns when its job has ended.

    Raises:
      UserError: the runner lacks an option, or the job found a mistake of the user's.
      JobError: the job failed or was cancelled elsewhere. StillRunningError: the command was interrupted, but the job
        may run on.
    """
    try:
        pipeline = beam.Pipeline(runner=runner, options=options)
    except ValueError as error:
        raise UserError(f"options for Beam: {error}") from error
    if is_local(plan.token_place.folder):
        os.makedirs(plan.token_place.folder)
    try:
        with quick_building():
            build(pipeline, plan)
        with interrupts(), submission(runner, options) as job:
            with quick_building():
                job.result = pipeline.run()
            page = job_page(job.result, options)
            if page is not None:
                _logger.info("the job's page: %s", page)
            state = finish(job.result, progress_folder=plan.progress_folder, flink_metrics=job.metrics_of_flink)
            if state != PipelineState.DONE:
                raise RuntimeError(f"it ended as {state}")
    finally:
        # Beam removes it only when a pipeline that it began to run has ended.
        shutil.rmtree(pipeline.local_tempdir, ignore_errors=True)
    files = BeamFiles()
    if files.exists(plan.refusal_path):
        raise UserError(files.read(plan.refusal_path).decode())
