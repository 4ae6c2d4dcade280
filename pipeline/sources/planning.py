"""Settings of the input -> what is read, in groups of files and ranges of files, in the order of the input.

    plan_all     for `run`: rows with labels, and texts without
    plan_tasks   for `evaluate`: rows with labels
    plan_texts   for `predict`: rows of which only the texts are wanted, from plain text files too

Few files are opened: those that are larger than a range, and some whose names do not tell their format. A database is
asked for its parts: see tables.py.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from pipeline.config.databases import database_format
from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.input_settings import InputSettings, SplitSettings
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.sources.archive_members import check_archives
from pipeline.sources.columns import ColumnNames, columns_of
from pipeline.sources.format_detection import detect_formats
from pipeline.sources.formats import database_names, sample
from pipeline.sources.input_files import NamedFile, named_files
from pipeline.sources.input_tasks import InputTasks
from pipeline.sources.lake_tables import LakeTables
from pipeline.sources.left_out import LeftOut
from pipeline.sources.losses import REFUSE
from pipeline.sources.named_splits import named_splits
from pipeline.sources.one_name import identity_of, once_each
from pipeline.sources.several_labels import with_labels_decided
from pipeline.sources.table_planning import plan_tables, plan_unlabelled_tables
from pipeline.sources.task_groups import InputFile, grouped, range_size
from pipeline.sources.tasks import FOUND_FORM, MAX_FILES, TaskGroup, TextForm
from pipeline.sources.text_form import check_form, form_of
from pipeline.sources.unlabelled_files import naming_unlabelled, unlabelled_files


def plan_tasks(
    settings: InputSettings,
    files: Files,
    *,
    split: SplitSettings | None = None,
    metrics: MetricsSettings | None = None,
    range_bytes: int | None = None,
    cuts_quoted: bool = False,
) -> InputTasks:
    """The input in groups, each readable without the others; files by sorted path, each file once.

    split, metrics: the settings of the splits and of the metrics, of which columns may be read.
    range_bytes: the largest size of a range; None: derived from the size of the whole input, and from nothing else.
    cuts_quoted: whether large files of csv and tsv are cut as well; their ranges are not yet readable, see
      `csv_ranges`.

    Raises:
      UserError: a file is not there or cannot be read, a glob or folder gives no file, or a format is unknown; or a
        setting counts for no file.
    """
    tasks = _plan_tasks(settings, files, split=split, metrics=metrics, range_bytes=range_bytes, cuts_quoted=cuts_quoted)
    return _fitting(settings, _labels_decided(tasks, settings, files))


def plan_all(
    settings: InputSettings,
    files: Files,
    *,
    split: SplitSettings | None = None,
    metrics: MetricsSettings | None = None,
    range_bytes: int | None = None,
    cuts_quoted: bool = False,
) -> InputTasks:
    """As `plan_tasks`, and after it the files of input.unlabelled.

    Raises:
      UserError: as `plan_tasks`, of either setting; or a file is in both.
    """
    left_out, lake = LeftOut(), LakeTables(files)
    labelled: Sequence[NamedFile] = []
    if not settings.unlabelled_paths or settings.paths == [sample.NAME] or not settings.has_row_order:
        tasks = _plan_tasks(
            settings, files, split=split, metrics=metrics, range_bytes=range_bytes, cuts_quoted=cuts_quoted
        )
    else:
        labelled = _labelled(settings, files, left_out=left_out, lake=lake)
        tasks = _planned(
            labelled, settings, files, left_out=left_out, lake=lake, range_bytes=range_bytes, cuts_quoted=cuts_quoted
        )
    tasks = _labels_decided(tasks, settings, files)
    if not settings.unlabelled_paths:
        return _fitting(settings, tasks)
    with ExitStack() as held, naming_unlabelled():
        held.callback(tasks.close)
        named = unlabelled_files(settings, files, labelled=labelled, left_out=left_out, lake=lake)
        if settings.damaged == REFUSE:
            check_archives((entry.file for entry in named), files, has_setting=True)
        columns = columns_of(settings, labelled=False)
        ordered = _input_files(named, files, columns, form=form_of(settings), first=tasks.files)
        range_bytes = range_size(ordered) if range_bytes is None else range_bytes
        groups = grouped(ordered, files, range_bytes=range_bytes, cuts_quoted=cuts_quoted)
        tables, of_tables = plan_unlabelled_tables(settings, columns, first=tasks.files + len(ordered))
        held.pop_all()
    unlabelled_bytes = sum(file.size for file in ordered) + sum(table.size for table in tables)
    tasks = tasks._replace(
        groups=[*tasks.groups, *groups, *of_tables],
        files=tasks.files + len(ordered) + len(tables),
        bytes=tasks.bytes + unlabelled_bytes,
        left_out=left_out.numbers,
        examples=left_out.examples,
        lake_tables=lake.versions,
        tables=(*tasks.tables, *tables),
        unlabelled_files=len(ordered) + len(tables),
        unlabelled_bytes=unlabelled_bytes,
    )
    return _fitting(settings, tasks)


def _plan_tasks(
    settings: InputSettings,
    files: Files,
    *,
    split: SplitSettings | None,
    metrics: MetricsSettings | None,
    range_bytes: int | None,
    cuts_quoted: bool,
) -> InputTasks:
    if settings.paths == [sample.NAME]:
        return _plan_sample()
    if not settings.has_row_order:
        return _plan_tables(settings, columns_of(settings, split, metrics=metrics))
    left_out, lake = LeftOut(), LakeTables(files)
    named = _labelled(settings, files, left_out=left_out, lake=lake)
    return _planned(
        named, settings, files, left_out=left_out, lake=lake, range_bytes=range_bytes, cuts_quoted=cuts_quoted
    )


def _labels_decided(tasks: InputTasks, settings: InputSettings, files: Files) -> InputTasks:
    try:
        return with_labels_decided(tasks, settings, files)
    except UserError:
        tasks.close()
        raise


def _fitting(settings: InputSettings, tasks: InputTasks) -> InputTasks:
    """The tasks, which end if a setting counts for none of their files."""
    try:
        check_form(settings, {kind.format for group in tasks.groups for kind in group.kinds})
    except UserError:
        tasks.close()
        raise
    return tasks


def _labelled(settings: InputSettings, files: Files, *, left_out: LeftOut, lake: LakeTables) -> list[NamedFile]:
    """The files of input.path, each once."""
    if not settings.paths:
        raise UserError("input.path: the list is empty; name a file, a glob or a folder, or use sample")
    entries = (
        entry
        for path in settings.paths
        for entry in named_files(path, files, format=settings.format, labelled=True, left_out=left_out, lake=lake)
    )
    named = once_each(entries, left_out=left_out)
    if settings.damaged == REFUSE:
        check_archives((entry.file for entry in named), files, has_setting=True)
    return named


def _planned(
    named: Sequence[NamedFile],
    settings: InputSettings,
    files: Files,
    *,
    left_out: LeftOut,
    lake: LakeTables,
    range_bytes: int | None,
    cuts_quoted: bool,
) -> InputTasks:
    ordered = _input_files(named, files, columns_of(settings), form=form_of(settings))
    range_bytes = range_size(ordered) if range_bytes is None else range_bytes
    groups = grouped(ordered, files, range_bytes=range_bytes, cuts_quoted=cuts_quoted)
    return _input_tasks(ordered, groups, left_out=left_out, lake=lake)


def plan_texts(settings: InputSettings, files: Files, *, format: str | None = None) -> InputTasks:
    """The input of a command that needs texts alone, in groups; files in the order of `settings.path`.

    An answer does not name its file, so the order is the user's: the files of a folder or glob are sorted by path, and
    the folders and globs stay as they are given. A file whose name tells no format, such as a .txt file, is read as a
    text a line.

    Args:
      settings: the input; what they say of labels is not used.
      files: the filesystem.
      format: instead of input.format a name of `format_names(labelled=False)`, which has more formats.

    Raises:
      UserError: as `plan_tasks`; or a file is named twice; or it looks like a table and its name does not say so.
    """
    if settings.paths == [sample.NAME]:
        return _fitting(settings, _plan_sample())
    if not settings.has_row_order:
        for path in settings.paths:
            if format not in (None, "auto", database_format(path)):
                raise UserError(f"input.format is {format}, and {path} is a database; set input.format to auto")
        return _fitting(settings, _plan_tables(settings, columns_of(settings, labelled=False)))
    if format in database_names():
        raise UserError(f"input.format is {format}, and {settings.paths[0]} is no database; set input.format to auto")
    left_out, lake = LeftOut(), LakeTables(files)
    named: list[NamedFile] = []
    seen: set[int | str] = set()
    for path in settings.paths:
        entries = named_files(
            path, files, format=format or settings.format, labelled=False, left_out=left_out, lake=lake
        )
        entries = once_each(entries, left_out=left_out)
        for entry in entries:
            if identity_of(entry.file) in seen:
                raise UserError(f"input.path: {entry.file.path} is named twice; name each file once")
        seen.update(identity_of(entry.file) for entry in entries)
        named += entries
    check_archives((entry.file for entry in named), files, has_setting=False)
    ordered = _input_files(named, files, columns_of(settings, labelled=False), form=form_of(settings))
    groups = grouped(ordered, files, range_bytes=range_size(ordered), cuts_quoted=False)
    return _fitting(settings, _input_tasks(ordered, groups, left_out=left_out, lake=lake))


def _plan_sample() -> InputTasks:
    return InputTasks(sample.groups(), files=1, bytes=0, left_out={})


def _plan_tables(settings: InputSettings, columns: ColumnNames) -> InputTasks:
    # The type of the column of labels decides afterwards whether a row has several; so it may hold lists here.
    tables, groups = plan_tables(settings, replace(columns, several_labels=True))
    return InputTasks(groups, len(tables), sum(table.size for table in tables), {}, tables=tuple(tables))


def _input_tasks(
    ordered: Sequence[InputFile], groups: list[TaskGroup], *, left_out: LeftOut, lake: LakeTables
) -> InputTasks:
    size = sum(file.size for file in ordered)
    return InputTasks(
        groups,
        len(ordered),
        size,
        left_out.numbers,
        left_out.examples,
        lake_tables=lake.versions,
        named_splits=named_splits(ordered),
    )


def _input_files(
    ordered: Sequence[NamedFile], files: Files, columns: ColumnNames, *, form: TextForm, first: int = 0
) -> list[InputFile]:
    """The files with the format of each and its place in the input; first: files of the input before them.

    Raises:
      UserError: there are too many, or the name or content of one tells no format.
    """
    if first + len(ordered) > MAX_FILES:
        raise UserError(f"input.path: {first + len(ordered)} files are more than {MAX_FILES}; put several into one")
    detected = detect_formats([entry.file for entry in ordered if entry.format is None], files, columns, form=form)
    stated = None if form == FOUND_FORM else form
    input_files = []
    for index, (file, format, splits, table_columns) in enumerate(ordered, start=first):
        _check_name(file.path)
        format = format or detected[file.path]
        input_files.append(
            InputFile(
                file.path, file.size, index, format, splits, file.stamp, table_columns, stated,
                file.archive, file.member,
            )
        )  # fmt: skip
    return input_files


def _check_name(path: str) -> None:
    try:
        path.isascii() or path.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"input.path: the name of {path!r} is not UTF-8; rename the file") from error
