"""The columns that are read: which setting names each, and the error for one that a file lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.input_settings import InputSettings, SplitSettings
from pipeline.errors import UserError

# The fields of a column of times, by what its values are.
ISO_TIME: Final = "time"
INTEGER_TIME: Final = "time.integer"
WEIGHT: Final = "weight"

# A person does not read more column names than this in a message, nor more characters of one.
LISTED_COLUMNS: Final = 20
LISTED_CHARACTERS: Final = 60

# As in input.label_map; a key "" stands for rows without a label.
LabelPairs: TypeAlias = tuple[tuple[str, str | None], ...]


class Column(NamedTuple):
    """A column that is read: its field in RawColumns, the setting that a message about it names, and its name."""

    field: str
    setting: str
    name: str


@dataclass(frozen=True)
class ColumnNames:
    """The names of the columns to read; None: not asked for. Without a label column, rows have no label.

    text: one column, or several, whose texts are joined by a space. time_is_integer: the times are integers, and not in
    ISO 8601. label_map: what becomes of labels, see `mapped_labels`; pairs of a label and its new name, or None to
    leave its rows out.
    several_labels: whether a row has a list of labels, and not one. label_separator: cuts the text of a label into
    several. no_labels_is_missing: whether a row is rejected whose list of labels is empty.
    label_fractions: whether a label may be a number that is no integer, as 3.5 of 5 stars.
    slices: columns whose values a row keeps, in order; None: the file does not have it, because its folders give it.
    """

    text: str | tuple[str, ...]
    label: str | None = None
    id: str | None = None
    split: str | None = None
    group: str | None = None
    time: str | None = None
    time_is_integer: bool = False
    label_map: LabelPairs = ()
    weight: str | None = None
    slices: tuple[str | None, ...] = ()
    several_labels: bool = False
    label_separator: str | None = None
    no_labels_is_missing: bool = False
    label_fractions: bool = False

    def texts(self) -> tuple[str, ...]:
        """The names of the columns of the text, in order."""
        return (self.text,) if isinstance(self.text, str) else self.text

    def wanted(self) -> list[Column]:
        """Every column that is asked for, those of the text first.

        >>> for column in ColumnNames(("title", "body"), "label", split="part").wanted():
        ...     print(*column)
        text input.text_column title
        text.1 input.text_column body
        label input.label_column label
        split split.column part
        """
        texts = [Column(text_field(number), "input.text_column", name) for number, name in enumerate(self.texts())]
        others = [
            ("label", "input.label_column", self.label),
            ("id", "input.id_column", self.id),
            ("split", "split.column", self.split),
            ("group", "split.group_column", self.group),
            (INTEGER_TIME if self.time_is_integer else ISO_TIME, "split.time_column", self.time),
            (WEIGHT, "input.weight_column", self.weight),
            *((slice_field(number), "metrics.slices", name) for number, name in enumerate(self.slices)),
        ]
        return texts + [Column(field, setting, name) for field, setting, name in others if name is not None]


def columns_of(
    settings: InputSettings,
    split: SplitSettings | None = None,
    *,
    labelled: bool = True,
    metrics: MetricsSettings | None = None,
) -> ColumnNames:
    """The columns that settings name; labelled: whether labels are wanted, and not texts alone.

    input.several_labels: auto is false here, unless there is a separator; `InputTasks.resolved` gives settings in which
    it is decided.
    """
    return ColumnNames(
        text=settings.text_columns,
        label=settings.label_column if labelled else None,
        id=settings.id_column if labelled else None,
        split=split.column if split else None,
        group=split.group_column if split else None,
        time=split.time_column if split else None,
        time_is_integer=split is not None and split.time_is_integer,
        label_map=tuple(settings.label_map.items()) if labelled else (),
        weight=settings.weight_column if labelled else None,
        slices=metrics.columns if metrics and labelled else (),
        several_labels=labelled and (settings.several_labels is True or settings.label_separator is not None),
        label_separator=settings.label_separator if labelled else None,
        no_labels_is_missing=settings.no_labels == "missing",
        label_fractions=labelled and settings.label_kind == "ordinal",
    )


def text_field(number: int) -> str:
    """The field of the column of this number among those of the text.

    >>> text_field(0), text_field(1)
    ('text', 'text.1')
    """
    return f"text.{number}" if number else "text"


def slice_field(number: int) -> str:
    """The field of the column of this number among those of metrics.slices.

    >>> slice_field(0)
    'slices.0'
    """
    return f"slices.{number}"


def missing_column(setting: str, name: str, path: str, have: Sequence[str]) -> UserError:
    """The error for a column that a file lacks; it names the columns that the file has.

    >>> str(missing_column("input.text_column", "txt", "reviews.csv", ["id", "text"]))
    "input.text_column: 'txt' is not in reviews.csv; it has the columns id, text"
    """
    parts = [part.strip() for part in name.split(",")]
    several = f"; set [{', '.join(parts)}] for several" if len(parts) > 1 and set(parts) <= set(have) else ""
    return UserError(f"{setting}: {name!r} is not in {path}; it has the columns {listed_names(have)}{several}")


def repeated_column(setting: str, name: str, path: str, number: int) -> UserError:
    """The error for a column that a file has several times; number: how often.

    >>> str(repeated_column("input.label_column", "label", "reviews.csv", 2))
    "input.label_column: reviews.csv has 2 columns 'label'; rename all but one"
    """
    return UserError(f"{setting}: {path} has {number} columns {name!r}; rename all but one")


def listed_names(names: Sequence[str]) -> str:
    """Names for a message: the first ones, if there are many, and the beginning of a long one.

    >>> listed_names(["id", "text"])
    'id, text'
    """
    shown = (name if len(name) <= LISTED_CHARACTERS else f"{name[:LISTED_CHARACTERS]}..." for name in names)
    return ", ".join(islice(shown, LISTED_COLUMNS)) + (", ..." if len(names) > LISTED_COLUMNS else "")
