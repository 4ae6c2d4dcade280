"""The type of input.label_map: labels as YAML gives them -> new labels, or None for rows to leave out."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from pipeline.config.label_names import canonical_name
from pipeline.config.section import Name
from pipeline.errors import RejectedRowError
from pipeline.support.strict_json import shown


def label_names(value: Any) -> dict[str, str | None]:
    """A mapping of labels, as YAML gives it -> the same in their one spelling. As a key, "" or null: rows without one.

    Raises:
      ValueError: a key or value can't be a label, or two keys are one.

    >>> label_names({0: "neg", 1.0: "pos", True: 1, "-1": None, None: None})
    {'0': 'neg', '1': '1', '-1': None, '': None}
    """
    if not isinstance(value, dict):
        raise ValueError(f"label_map is {shown(value)}; give {{label: new label, or null to leave its rows out}}")
    names: dict[str, str | None] = {}
    for old, new in value.items():
        key = "" if old in (None, "") else _label_name(old)
        if key in names:
            raise ValueError(f"label_map has {key!r} twice, as {old!r} is that label; give each label once")
        names[key] = None if new is None else _label_name(new)
        if key == "" and new is not None:
            raise ValueError(f"label_map gives rows without a label {new!r}; they can be left out alone: use null")
    return names


def _label_name(value: object) -> str:
    try:
        return canonical_name(value, column="label")
    except RejectedRowError as error:
        raise ValueError(f"label_map has {value!r}: {error}; use a label, or null to leave rows out") from error


LabelMap = Annotated[dict[str, Name | None], BeforeValidator(label_names)]
