"""Read tasks -> every row of the input in its order, each with its text or with the reason why it is rejected."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from pipeline.files.local import Files
from pipeline.files.member_files import member_files
from pipeline.files.text_stream import READ_SIZES, ReadSizes
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import FORMATS
from pipeline.sources.losses import refusal
from pipeline.sources.schema import Batch, file_indices
from pipeline.sources.tasks import ReadTask
from pipeline.sources.unchanged import unchanged


class TextRow(NamedTuple):
    """A row of the input. text: valid UTF-8; None: the row is rejected, and `reason` says why."""

    text: bytes | None
    reason: str = ""


def read_in_order(
    tasks: Iterable[ReadTask], columns: ColumnNames, files: Files, *, sizes: ReadSizes = READ_SIZES
) -> Iterator[TextRow]:
    """The rows of tasks that follow each other; as many as the input has, rejected ones at their place.

    sizes: what is read and parsed at a time.

    Raises:
      UserError: a file is not there, may not be read, lacks a column or has changed since it was planned; or the rest
        of a file is damaged, so that nobody knows how many rows it has.
    """
    for format, run in groupby(tasks, key=lambda task: task.format):
        listed = list(run)
        indices = {task.path: task.file_index for task in listed}
        with unchanged(listed, files), member_files(listed, files) as opened:
            for batch in FORMATS[format].read_all(listed, columns, opened, sizes=sizes):
                yield from _merged(batch, indices)
                for lost in batch.lost:
                    raise refusal(lost, has_setting=False)


def _merged(batch: Batch, indices: dict[str, int]) -> Iterator[TextRow]:
    """The rows of a batch, used and rejected, by file and row."""
    texts = zip(
        file_indices(batch.rows).tolist(), batch.rows["row"].to_pylist(), batch.rows["text"].to_pylist(), strict=True
    )
    used = [((file, row), TextRow(text)) for file, row, text in texts]
    if not batch.rejected.num_rows:
        yield from (row for _, row in used)
        return
    reasons = zip(*(batch.rejected[name].to_pylist() for name in ("file", "row", "reason")), strict=True)
    rejected = [((indices[file], row), TextRow(None, reason)) for file, row, reason in reasons]
    yield from (row for _, row in sorted([*used, *rejected], key=lambda pair: pair[0]))
