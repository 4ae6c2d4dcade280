"""A planned input -> what a person should see of it before a job starts: files, columns, and rows as they will be read.

Of each format the first file is opened, and one batch of it is read.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.input_settings import InputSettings, LabelKind, SplitSettings
from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.member_files import member_files
from pipeline.files.text_stream import READ_SIZES, encoding_of
from pipeline.sources.columns import ColumnNames, columns_of
from pipeline.sources.folder_columns import given_columns
from pipeline.sources.format_detection import check_not_foreign
from pipeline.sources.formats import FORMATS, folders
from pipeline.sources.formats.format import Description
from pipeline.sources.input_tasks import InputTasks
from pipeline.sources.losses import described
from pipeline.sources.mapped_labels import with_mapped_labels
from pipeline.sources.preview_labels import LISTED, LabelsSeen, label_lines, labels_seen, shown_label
from pipeline.sources.reading import check_columns
from pipeline.sources.schema import ENCODING_REMEDY, INVALID_UTF8, Batch, LostRest, excerpt, no_rows, rejected_rows
from pipeline.sources.tasks import ReadTask, TaskGroup
from pipeline.sources.unlabelled_files import naming_unlabelled, with_remedy
from pipeline.support.printable import to_one_line

# Rows that are shown of each file.
SHOWN_ROWS: Final = 3
# Texts in folders of their labels are read from files over the whole input: the first ones have one label.
SPREAD_FILES: Final = 32
# Fits a line of a terminal of 100 characters, after the label.
_TEXT_CHARACTERS: Final = 70


class PreviewRow(NamedTuple):
    """A row as it will be read; split: the splits that it may go to, if its file or a column says so."""

    text: str
    label: str | None
    split: str | None


class PreviewFile(NamedTuple):
    """What was seen of the files of one format.

    files: their number. path: the first one, which `description` is of. seen: number of rows that were read. labels: of
    these rows. rejected: of these rows by reason. lost: what is damaged in the files that were opened. left_out: how
    many of these rows input.label_map leaves out.
    """

    format: str
    files: int
    path: str
    description: Description
    seen: int
    rows: list[PreviewRow]
    labels: LabelsSeen
    rejected: Counter[str]
    lost: list[LostRest]
    left_out: int = 0


def input_lines(
    tasks: InputTasks,
    settings: InputSettings,
    split: SplitSettings,
    files: Files,
    *,
    metrics: MetricsSettings | None = None,
) -> list[str]:
    """What was seen of the input of `run`, in lines for a person: rows with labels, texts without, what is left out.

    Raises:
      UserError: as `preview`.
    """
    columns = columns_of(tasks.resolved(settings), split, metrics=metrics)
    lines = list(preview_lines(preview(tasks.labelled(), columns, files), columns, kind=settings.label_kind))
    if tasks.unlabelled_files:
        columns = columns_of(settings, labelled=False)
        with naming_unlabelled():
            lines += ["texts without labels:", *preview_lines(preview(tasks.unlabelled(), columns, files), columns)]
    return [*lines, *tasks.left_out_lines(name=with_remedy)]


def check_input(
    tasks: InputTasks,
    settings: InputSettings,
    split: SplitSettings,
    files: Files,
    *,
    metrics: MetricsSettings | None = None,
) -> None:
    """Looks into the first files of both parts of an input, see `reading.check_columns`.

    Raises:
      UserError: they can't be read as the settings say, or have no row.
    """
    columns = columns_of(tasks.resolved(settings), split, metrics=metrics)
    check_columns(tasks.labelled().tasks(), columns, files, damaged=settings.damaged)
    if tasks.unlabelled_files:
        columns = columns_of(settings, labelled=False)
        with naming_unlabelled():
            check_columns(tasks.unlabelled().tasks(), columns, files, damaged=settings.damaged)


def preview(tasks: InputTasks, columns: ColumnNames, files: Files) -> list[PreviewFile]:
    """A look into files of each format, in the order of the input.

    Raises:
      UserError: a file can't be read as its format, or lacks a column.
    """
    number: Counter[str] = Counter()
    for group in _first_groups(tasks.groups):
        number.update(kind.format for kind in group.kinds)
    looks = []
    for format, count in number.items():
        chosen = _spread(tasks.groups, format, number=count)
        with member_files(chosen, files) as opened:
            try:
                looks.append(_looked_into(chosen, columns, opened, number=count))
            except UserError:
                check_not_foreign(chosen[0], opened)
                raise
    return looks


def _first_groups(groups: Iterable[TaskGroup]) -> Iterator[TaskGroup]:
    """The groups in which files begin, so that each file is in one."""
    return (group for group in groups if group.start == 0)


def _spread(groups: Iterable[TaskGroup], format: str, *, number: int) -> list[ReadTask]:
    """The first file of a format; or some of them, spread over the input, if each file is a row."""
    wanted = [number * place // SPREAD_FILES for place in range(SPREAD_FILES)] if format == folders.NAME else [0]
    chosen, chosen_at = [], set(wanted)
    before = 0
    for group in _first_groups(groups):
        for file, kind in enumerate(group.kinds):
            if kind.format == format:
                if before in chosen_at:
                    (task,) = group.part(file, file + 1).tasks()
                    chosen.append(task.of_whole_file())
                before += 1
    return chosen


def _looked_into(tasks: list[ReadTask], columns: ColumnNames, files: Files, *, number: int) -> PreviewFile:
    first = tasks[0]
    format = FORMATS[first.format]
    lost: list[LostRest] = []
    batch = Batch(no_rows(), rejected_rows([]))
    batches = format.read_all(tasks, columns, files, sizes=READ_SIZES)
    for batch in with_mapped_labels(batches, columns, tasks):
        lost += batch.lost
        if batch.count:
            break
    step = max(1, batch.rows.num_rows // SHOWN_ROWS) if len(tasks) > 1 else 1
    rows = [
        PreviewRow(
            excerpt(row["text"]), None if row["label"] is None else shown_label(row["label"], columns), row["split"]
        )
        for row in batch.rows.to_pylist()[: step * SHOWN_ROWS : step]
    ]
    labels = labels_seen(batch.rows, columns)
    rejected = Counter(batch.rejected["reason"].to_pylist())
    description = Description()
    with suppress(DamagedFileError):  # of an archive, in its first bytes
        description = format.describe(first, files)
        if format.is_encoded:
            description = Description((*description.facts, _encoding(first, files)), description.columns)
    given = tuple((column.name, "of its folder or table") for column, _ in given_columns(first, columns))
    description = Description(description.facts, description.columns + given)
    left_out = sum(batch.label_map.left_out.values())
    return PreviewFile(
        first.format, number, first.path, description, batch.count, rows, labels, rejected, lost, left_out
    )


def _encoding(task: ReadTask, files: Files) -> str:
    with open_file(files, task.path) as file:
        return encoding_of(file, task.path, encoding=task.form.encoding)


def preview_lines(looks: Iterable[PreviewFile], columns: ColumnNames, *, kind: LabelKind = "nominal") -> Iterator[str]:
    """What was seen, in lines for a person. kind: input.label_kind.

    >>> row = PreviewRow("Not bad", "pos", None)
    >>> about = Description(("delimiter ;",), (("review", "text"), ("stars", "text")))
    >>> look = PreviewFile("csv", 2, "a.csv", about, 1, [row], LabelsSeen(Counter(pos=1)), Counter(), [])
    >>> print(*preview_lines([look], ColumnNames("review", "stars")), sep="\\n")
    csv       2 files, the first is a.csv; delimiter ;
              columns: review (text), stars (text)
              text from review, label from stars
              row 1: pos | Not bad
              labels of the first 1 rows: pos (1)
    """
    for look in looks:
        which = look.path if look.files == 1 else f"{look.files:,} files, the first is {look.path}"
        yield _titled(look.format, "; ".join([which, *look.description.facts]))
        if look.description.columns:
            yield _titled("", f"columns: {_listed(f'{name} ({kind})' for name, kind in look.description.columns)}")
            yield _titled("", _sources(columns))
        for number, row in enumerate(look.rows, 1):
            allowed = f" [{row.split}]" if row.split else ""
            label = "" if row.label is None else f"{row.label}{allowed} | "
            yield _titled("", f"row {number}: {label}{to_one_line(row.text, width=_TEXT_CHARACTERS)}")
        for line in label_lines(look.labels, rows=look.seen, kind=kind):
            yield _titled("", line)
        if look.left_out:
            yield _titled("", f"left out of the first {look.seen:,} rows: {look.left_out:,} (input.label_map)")
        for rest in look.lost:
            yield _titled("", f"{rest.file}: {described(rest)}")
        for reason, rows in look.rejected.most_common():
            remedy = f"; {ENCODING_REMEDY}" if reason == INVALID_UTF8 and FORMATS[look.format].is_encoded else ""
            yield _titled("", f"rejected of the first {look.seen:,} rows: {reason} ({rows:,}){remedy}")


def _titled(title: str, line: str) -> str:
    return f"{title:<9} {line}"


def _sources(columns: ColumnNames) -> str:
    """Which columns are read, by what they become.

    >>> _sources(ColumnNames(("title", "body"), "stars"))
    'text from title and body, label from stars'
    """
    by_field: dict[str, list[str]] = {}
    for field, _, name in columns.wanted():
        by_field.setdefault(field.partition(".")[0], []).append(name)
    return ", ".join(f"{field} from {' and '.join(names)}" for field, names in by_field.items())


def _listed(names: Iterable[str]) -> str:
    some = list(islice(names, LISTED + 1))
    return ", ".join(some[:LISTED]) + (", ..." if len(some) > LISTED else "")
