"""A JSON object that is a whole table, as `DataFrame.to_json` of pandas writes it by default -> a refusal.

Such a file would be one row, rejected or not, and all others would be lost.
"""

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

from pipeline.errors import UserError
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.json_objects import ABSENT, lookup


def orient_of(value: dict[str, Any], names: Sequence[str]) -> str | None:
    """How pandas calls the layout of a table in an object; names: of columns that it should have. None: it is a row.

    >>> names = ["text", "label"]
    >>> orient_of({"text": {"0": "a"}, "label": {"0": 1}}, names), orient_of({"7": {"text": "a", "label": 1}}, names)
    ('columns', 'index')
    >>> orient_of({"columns": ["text", "label"], "index": [0], "data": [["a", 1]]}, names)
    'split'
    >>> orient_of({"text": "a", "label": 1, "more": {"text": "b", "label": 2}}, names)
    """
    data = value.get("data")
    if isinstance(data, list) and isinstance(value.get("columns"), list):
        return "split"
    if isinstance(data, list) and isinstance(value.get("schema"), dict):
        return "table"
    if all(isinstance(lookup(value, name), dict) for name in names):
        return "columns"
    if value and all(_has_all(inner, names) for inner in value.values()):
        return "index"
    return None


def check_is_no_table(value: dict[str, Any], path: str, columns: ColumnNames) -> None:
    """Checks that the one object in a file is a row.

    Raises:
      UserError: it is a table, or holds a list of the rows.
    """
    names = [column.name for column in columns.wanted()]
    jsonl = f"{path.removesuffix('.json')}.jsonl"
    orient = orient_of(value, names)
    if orient is not None:
        types = "" if orient == "table" else ", dtype=False"
        raise UserError(
            f"input.path: {path} is a table in one object, as pandas writes it with orient={orient!r}; write it anew: "
            f"pandas.read_json({path!r}, orient={orient!r}{types}).to_json({jsonl!r}, orient='records', lines=True)"
        )
    for key, rows in value.items():
        if isinstance(rows, list) and rows and _has_all(rows[0], names) and not _has_all(value, names):
            raise UserError(
                f"input.path: {path} holds its rows in a list under the key {key!r}; write them anew: "
                f"jq -c '.[$key][]' --arg key {shlex.quote(key)} {shlex.quote(path)} > {shlex.quote(jsonl)}"
            )


def way_to_objects(begin: bytes, path: str, columns: ColumnNames) -> str | None:
    """The command that makes a line of each row, if the beginning of a file without lines of objects tells one.

    >>> print(way_to_objects(b'[["Not bad",1],["Bad",0]]', "a.json", ColumnNames("text", "label")))
    jq -c '.[] | {"text": .[0], "label": .[1]}' a.json > a.jsonl
    """
    stem = path.removesuffix(".json") if path.endswith(".json") else f"{path.removesuffix('.jsonl')}.new"
    to = f"{shlex.quote(path)} > {shlex.quote(f'{stem}.jsonl')}"
    if re.match(rb"\s*\{[ \t\r]*\n", begin):
        return f"jq -c . {to}"
    if not begin.lstrip().startswith(b"["):
        return None
    names = ", ".join(f"{json.dumps(column.name)}: .[{place}]" for place, column in enumerate(columns.wanted()))
    rows = ".[] | " if re.match(rb"\s*\[\s*\[", begin) else ""
    return f"jq -c {shlex.quote(f'{rows}{{{names}}}')} {to}"


def _has_all(value: object, names: Sequence[str]) -> bool:
    return isinstance(value, dict) and all(lookup(value, name, ABSENT) is not ABSENT for name in names)
