"""Input, output and temporary folder -> whether they can be read and written, tried with a few bytes."""

import contextlib
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from rich.filesize import decimal

from pipeline.config.databases import database_format
from pipeline.config.settings import Config
from pipeline.doctor.finding import Finding, errors_as_findings
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles, check_filesystem, is_local
from pipeline.files.output_lock import check_unlocked
from pipeline.files.publish import check_output, new_staging, remove_staging
from pipeline.sources import InputTasks, check_columns, plan_all, read_tasks
from pipeline.sources.columns import ColumnNames, columns_of
from pipeline.sources.csv_ranges import is_nominal
from pipeline.sources.first_files import FirstFiles, look_into_first_files
from pipeline.sources.losses import REFUSE, described, refusal
from pipeline.sources.schema import ENCODING_REMEDY, INVALID_UTF8
from pipeline.sources.tables import PlannedTable
from pipeline.sources.unlabelled_files import naming_unlabelled
from pipeline.support.stop_signals import deferred_stop


class FirstRows(NamedTuple):
    """The first batch of the input.

    rows: used, rejected and left out. rejected: rows by reason. text_bytes, words: of the used rows. left_out: by
    input.label_map.
    """

    rows: int
    rejected: Counter[str]
    text_bytes: int
    words: int
    left_out: int = 0


def check_output_access(config: Config, findings: list[Finding], *, overwrite: bool) -> None:
    """The output can be reached and written, nobody writes there, and it holds nothing that a run would not replace."""
    output = config.output.path
    with errors_as_findings(findings, "output.path"):
        check_filesystem(output, setting="output.path")
        check_output(output, overwrite=overwrite)
        check_unlocked(output)
        with deferred_stop(), _new_folders_removed(output):
            staging = new_staging(output)
            try:
                _write(f"{staging}/probe", about="output.path")
            finally:
                remove_staging(staging)
        findings.append(Finding("ok", "output.path", f"{output} can be written"))


def check_temp_access(options: PipelineOptions, findings: list[Finding]) -> None:
    """A file can be written to --temp_location, if it is given."""
    temp = options.view_as(GoogleCloudOptions).temp_location
    if not temp:
        return
    with errors_as_findings(findings, "--temp_location"):
        check_filesystem(temp, setting="--temp_location")
        probe = f"{temp.rstrip('/')}/textrecords-{uuid.uuid4().hex[:8]}"
        with deferred_stop(), _new_folders_removed(temp):
            _write(probe, about="--temp_location")
            BeamFiles().remove([probe])
        findings.append(Finding("ok", "--temp_location", f"{temp} can be written"))


class InputPart(NamedTuple):
    """What is read of input.path, or of input.unlabelled, and its columns."""

    setting: str
    tasks: InputTasks
    columns: ColumnNames


def check_input(config: Config, findings: list[Finding]) -> tuple[InputTasks, FirstRows]:
    """The input exists, has the columns, and its first rows can be read. Gives its read tasks and the first batch of
    the rows with labels."""
    files = BeamFiles()
    tasks = InputTasks([], files=0, bytes=0, left_out={})
    first = FirstRows(0, Counter(), 0, 0)
    with errors_as_findings(findings, "input.path"):
        for setting, path in [
            *(("input.path", path) for path in config.input.paths),
            *(("input.unlabelled", path) for path in config.input.unlabelled_paths),
        ]:
            if database_format(path) is None:
                check_filesystem(path, setting=setting)
        tasks = plan_all(config.input, files, split=config.split, metrics=config.metrics, cuts_quoted=True)
        findings.extend(map(_table_finding, tasks.tables))
        columns = columns_of(tasks.resolved(config.input), config.split, metrics=config.metrics)
        first = _check_part(InputPart("input.path", tasks.labelled(), columns), config, findings)
    if tasks.unlabelled_files:
        columns = columns_of(config.input, labelled=False)
        with errors_as_findings(findings, "input.unlabelled"), naming_unlabelled():
            _check_part(InputPart("input.unlabelled", tasks.unlabelled(), columns), config, findings)
    return tasks, first


def _check_part(part: InputPart, config: Config, findings: list[Finding]) -> FirstRows:
    check_columns(part.tasks.tasks(), part.columns, BeamFiles(), damaged=config.input.damaged)
    if not check_damage(part, config, findings):
        return FirstRows(0, Counter(), 0, 0)
    first = first_rows(part, config)
    findings.append(_first_rows_finding(first, config, part))
    return first


def check_damage(part: InputPart, config: Config, findings: list[Finding]) -> bool:
    """The first files are whole, as far as they are read; false: one is not, and input.damaged refuses it."""
    in_files = [task for task in part.tasks.tasks() if task.part is None]  # a database is whole
    if not part.tasks.bytes or not in_files:  # the built-in corpus has no file
        return True
    looked = look_into_first_files(in_files, part.columns, BeamFiles())
    refuses = config.input.damaged == REFUSE
    for lost in looked.lost:
        if refuses:
            findings.append(Finding("error", part.setting, str(refusal(lost, has_setting=True)).partition(": ")[2]))
        else:
            text = f"{lost.file}: {described(lost)}; the run will use what is whole of it"
            findings.append(Finding("warning", "input.damaged", text))
    if not looked.lost:
        findings.append(_no_damage(looked, part))
    return not (looked.lost and refuses)


def _table_finding(table: PlannedTable) -> Finding:
    text = f"{table.path}: about {table.rows:,} rows, {decimal(table.size)}, in {len(table.requests)} parts"
    if table.query_bytes is not None:
        text += f"; the query read {decimal(table.query_bytes)}"
    setting = "input.unlabelled" if table.is_unlabelled else "input.path"
    return Finding("ok", setting, f"{text}; state of {table.taken}")


def _no_damage(looked: FirstFiles, part: InputPart) -> Finding:
    of = " of input.unlabelled" if part.setting == "input.unlabelled" else ""
    number = part.tasks.files - len(part.tasks.tables)
    if looked.whole == number:
        return Finding("ok", "input.damaged", f"every file{of} can be read to its end")
    files = f"{looked.whole} of {number:,} files{of}"
    text = f"{files} can be read to their end; damage of the others shows in the run"
    return Finding("note", "input.damaged", text)


def first_rows(part: InputPart, config: Config) -> FirstRows:
    """The first batch that has a row."""
    for group in part.tasks.groups:
        # The first row of a nominal range is not known yet; so the first rows of its file are read.
        group = replace(group, start=0, stop=None) if is_nominal(group) else group
        for batch in read_tasks(group.tasks(), part.columns, BeamFiles(), damaged=config.input.damaged):
            text = batch.rows["text"]
            lengths = pc.binary_length(text).to_numpy(zero_copy_only=False)
            words = sum(len(value.split()) for value in text.to_pylist())
            reasons = Counter(batch.rejected["reason"].to_pylist())
            left_out = sum(batch.label_map.left_out.values())
            return FirstRows(batch.count, reasons, int(np.sum(lengths)), words, left_out)
    return FirstRows(0, Counter(), 0, 0)


def _first_rows_finding(first: FirstRows, config: Config, part: InputPart) -> Finding:
    rejected, path = first.rejected.total(), part.tasks.groups[0].paths[0]
    if not rejected:
        left_out = f"; input.label_map leaves out {first.left_out:,} of them" if first.left_out else ""
        return Finding("ok", part.setting, f"the first {first.rows:,} rows of {path} can be used{left_out}")
    reasons = ", ".join(f"{reason} ({rows})" for reason, rows in first.rejected.most_common(3))
    text = f"{rejected:,} of the first {first.rows:,} rows of {path} can't be used: {reasons}"
    if INVALID_UTF8 in first.rejected and config.input.encoding == "auto":
        text += f" ({ENCODING_REMEDY})"
    if rejected > config.output.max_rejected * (first.rows - first.left_out):
        return Finding(
            "error", "output.max_rejected", f"is {config.output.max_rejected:g}, and {text}; mend them or raise it"
        )
    return Finding("warning", part.setting, text)


def _write(path: str, *, about: str) -> None:
    try:
        BeamFiles().write(path, b"textrecords doctor\n")
    except Exception as error:  # each client has its own family of errors
        raise UserError(f"{about}: can't write to {path.rpartition('/')[0]}: {error}") from error


@contextlib.contextmanager
def _new_folders_removed(path: str) -> Iterator[None]:
    """Within it, folders may be made for a local path; those that are empty at its end are removed."""
    missing = []
    if is_local(path):
        folder = Path(path)
        missing = [parent for parent in [folder, *folder.parents] if not parent.exists()]
    try:
        yield
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
