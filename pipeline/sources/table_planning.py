"""Entries of input.path and of input.unlabelled that name a database -> what is read of each, and its task groups."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from pipeline.config.databases import database_format, unlabelled_table
from pipeline.config.input_settings import InputSettings
from pipeline.contract import UNLABELLED
from pipeline.errors import UserError
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import FORMATS
from pipeline.sources.tables import PlannedTable, groups_of
from pipeline.sources.tasks import TaskGroup


def plan_tables(settings: InputSettings, columns: ColumnNames) -> tuple[list[PlannedTable], list[TaskGroup]]:
    """The tables and queries of input.path, by sorted path, each once.

    Raises:
      UserError: a database can't be reached, or has not what is asked for.
    """
    return _planned([(path, settings) for path in sorted(set(settings.paths))], columns)


def plan_unlabelled_tables(
    settings: InputSettings, columns: ColumnNames, *, first: int
) -> tuple[list[PlannedTable], list[TaskGroup]]:
    """The tables of input.unlabelled; first: files of the input before them.

    Raises:
      UserError: as `plan_tables`; or a table is in input.path too.
    """
    asked = []
    for path in sorted({path for path in settings.unlabelled_paths if database_format(path)}):
        address, table = unlabelled_table(path)
        if address in settings.paths and table == settings.table:
            raise UserError(
                f"input.unlabelled: {path} is in input.path too; a text has a label or has none: name the table in one "
                "of the two"
            )
        asked.append((address, settings.model_copy(update={"table": table, "query": None, "key_column": None})))
    return _planned(asked, columns, first=first, splits=UNLABELLED)


def _planned(
    asked: Sequence[tuple[str, InputSettings]], columns: ColumnNames, *, first: int = 0, splits: str | None = None
) -> tuple[list[PlannedTable], list[TaskGroup]]:
    """(path, what is said of it) -> what is read, and its groups. splits: see ReadTask."""
    tables: list[PlannedTable] = []
    with ExitStack() as held:  # if one can't be planned, the others are closed
        for path, settings in asked:
            plan = FORMATS[database_format(path) or settings.format].plan
            assert plan is not None
            tables.append(replace(plan(path, settings, columns), splits=splits))
            held.callback(tables[-1].close)
        held.pop_all()
    return tables, [group for index, table in enumerate(tables, first) for group in groups_of(table, index=index)]
