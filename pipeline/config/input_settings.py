"""The sections `input` and `split` of the settings: what is read, and how rows are divided."""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from typing_extensions import Self

from pipeline.config.databases import check_databases, check_unlabelled, database_format
from pipeline.config.dialect_names import check_delimiter, check_encoding
from pipeline.config.label_map import LabelMap
from pipeline.config.section import Name, PathName, PathOrNone, Section
from pipeline.config.times import instant

# What a damaged file does to a run.
Damaged = Literal["refuse", "use_what_is_whole"]
# Whether quotes in csv and tsv hold a field together, and whether a backslash takes a character's meaning away.
Quoting = Literal["auto", "quotes", "none"]
Escape = Literal["auto", "none", "backslash"]
Names = Annotated[list[Name], Field(min_length=1)]
Delimiter = Annotated[Name, AfterValidator(check_delimiter)]
Encoding = Annotated[Name, AfterValidator(check_encoding)]
# What becomes of rows with equal texts.
Duplicates = Literal["keep", "first", "drop_conflicting"]
# Whether labels have an order, and what a row means whose list of labels is empty.
LabelKind = Literal["nominal", "ordinal"]
NoLabels = Literal["none_of_them", "missing"]
# A time in ISO 8601, or an integer. YAML makes dates of some.
Time = Annotated[str | int, BeforeValidator(lambda value: value.isoformat() if isinstance(value, date) else value)]

_MAX_TIME: Final = 2**63 - 1
_SHARES: Final = (0.8, 0.1, 0.1)


class InputSettings(Section):
    """Which files are read, their format and their columns."""

    path: PathName | list[PathName] = "sample"
    format: Literal[
        "auto", "csv", "tsv", "jsonl", "parquet", "arrow", "orc", "avro", "tfrecord", "folders", "bigquery", "sql"
    ] = "auto"
    table: Name | None = None
    query: Name | None = None
    key_column: Name | None = None
    text_column: Name | Names = "text"
    label_column: Name = "label"
    id_column: Name | None = None
    label_map: LabelMap = Field({})
    unlabelled: PathOrNone | list[PathName] = None
    damaged: Damaged = "refuse"
    delimiter: Delimiter = "auto"
    quoting: Quoting = "auto"
    escape: Escape = "auto"
    encoding: Encoding = "auto"
    columns: Names | None = None
    weight_column: Name | None = None
    label_kind: LabelKind = "nominal"
    several_labels: Literal["auto"] | bool = "auto"
    label_separator: Name | None = None
    no_labels: NoLabels = "none_of_them"

    @model_validator(mode="after")
    def columns_differ(self) -> Self:
        """A text is not its own label, and no column is in a text twice."""
        texts = self.text_columns
        if self.label_column in texts:
            raise ValueError(
                f"text_column and label_column are both {self.label_column!r}; name the two columns that hold them"
            )
        if len(set(texts)) < len(texts):
            raise ValueError(f"text_column is {list(texts)}; name each column once")
        if len(set(self.columns or ())) < len(self.columns or ()):
            raise ValueError(f"columns is {self.columns}; name each column once")
        return self

    @model_validator(mode="after")
    def labels_fit(self) -> Self:
        """A weight is not a text or a label; one label is not cut, and several have no order."""
        if self.weight_column is not None and self.weight_column in (*self.text_columns, self.label_column):
            raise ValueError(
                f"weight_column is {self.weight_column!r}, which is the text or the label; name the column of weights"
            )
        if self.label_separator is not None and self.several_labels is False:
            raise ValueError(
                f"label_separator is {self.label_separator!r}, but several_labels is false; set one of them"
            )
        if self.label_kind == "ordinal" and (self.label_separator is not None or self.several_labels is True):
            raise ValueError("label_kind is ordinal, but a text may have several labels; use nominal")
        return self

    @model_validator(mode="after")
    def databases_are_complete(self) -> Self:
        """A database comes with what to read of it, and nothing is said of one that is not there."""
        check_databases(self.paths, format=self.format, query=self.query, table=self.table, key_column=self.key_column)
        check_unlabelled(self.unlabelled_paths)
        return self

    @property
    def has_row_order(self) -> bool:
        """Whether the rows have an order: those of files have, those of a table have none."""
        return not any(map(database_format, self.paths))

    @property
    def has_unlabelled_order(self) -> bool:
        """As `has_row_order`, of the texts without labels."""
        return not any(map(database_format, self.unlabelled_paths))

    @property
    def paths(self) -> list[str]:
        """The entries of `path`."""
        return [self.path] if isinstance(self.path, str) else self.path

    @property
    def unlabelled_paths(self) -> list[str]:
        """The entries of `unlabelled`."""
        return [self.unlabelled] if isinstance(self.unlabelled, str) else self.unlabelled or []

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns of the text, in order."""
        return (self.text_column,) if isinstance(self.text_column, str) else tuple(self.text_column)


class SplitSettings(Section):
    """How rows are divided into train, eval and test: by a column, by time, or by fractions."""

    column: Name | None = None
    train: float = Field(_SHARES[0], gt=0, le=1)
    eval: float = Field(_SHARES[1], ge=0, lt=1)
    test: float = Field(_SHARES[2], ge=0, lt=1)
    group_column: Name | None = None
    time_column: Name | None = None
    eval_from: Time | None = None
    test_from: Time | None = None
    stratify: bool = False
    duplicates: Duplicates = "keep"

    @model_validator(mode="after")
    def fractions_add_up(self) -> Self:
        """The three fractions make 1."""
        total = self.train + self.eval + self.test
        if self.has_shares and abs(total - 1) > 1e-6:
            raise ValueError(
                f"train {self.train:g} + eval {self.eval:g} + test {self.test:g} make {total:g}; they must make 1"
            )
        return self

    @model_validator(mode="after")
    def one_way_is_set(self) -> Self:
        """Only one setting decides on the split of a row."""
        ways = {name: way for name in ("column", "group_column", "time_column") if (way := getattr(self, name))}
        for name, way in list(ways.items())[1:]:
            raise ValueError(
                f"{name} is {way!r}, but {next(iter(ways))} decides on the split of a row; set one of them"
            )
        if self.stratify and ways:
            raise ValueError(f"stratify is true, but {next(iter(ways))} decides on the split of a row; set one of them")
        return self

    @model_validator(mode="after")
    def times_are_set(self) -> Self:
        """A column of times has a time from which on rows are held out; both times can be compared."""
        times = {name: time for name in ("eval_from", "test_from") if (time := getattr(self, name)) is not None}
        if self.time_column is None:
            for name, time in times.items():
                raise ValueError(f"{name} is {time!r}, but there is no time_column; name the column that holds times")
            return self
        if (self.train, self.eval, self.test) != _SHARES:
            raise ValueError("train, eval and test are shares, but time_column divides the rows; leave out the shares")
        if not times:
            raise ValueError(f"time_column is {self.time_column!r}; give eval_from or test_from, or both")
        for name, time in times.items():
            if isinstance(time, str) and instant(time) is None:
                raise ValueError(f"{name} is {time!r}; give a time in ISO 8601 (2024-01-31) or an integer")
            if isinstance(time, int) and abs(time) >= _MAX_TIME:
                raise ValueError(f"{name} is {time}; use a smaller integer")
        if len(times) == 2 and isinstance(self.eval_from, int) != isinstance(self.test_from, int):
            raise ValueError(f"eval_from is {self.eval_from!r} and test_from {self.test_from!r}; give two of a kind")
        if len(times) == 2 and self.times[0] > self.times[1]:
            raise ValueError(f"eval_from is {self.eval_from}, after test_from {self.test_from}; eval comes before test")
        return self

    @property
    def has_shares(self) -> bool:
        """Whether rows are divided by the shares, and not by a column or by time."""
        return self.column is None and self.time_column is None

    @property
    def needs_all_rows(self) -> bool:
        """Whether what becomes of a row depends on other rows, so that all of them are looked at first."""
        return self.stratify or self.duplicates != "keep"

    @property
    def time_is_integer(self) -> bool:
        """Whether the times are integers (years, seconds), and not dates and times in ISO 8601."""
        return isinstance(self.test_from if self.eval_from is None else self.eval_from, int)

    @property
    def times(self) -> tuple[int, int]:
        """eval_from and test_from as numbers: integers as they are, other times in microseconds from 1970.

        Without test_from no row is in test; without eval_from none is in eval.

        >>> SplitSettings(time_column="day", eval_from="1970-01-01", test_from="1970-01-02").times
        (0, 86400000000)
        >>> SplitSettings(time_column="year", test_from=2024).times
        (2024, 2024)
        """
        test = _MAX_TIME if self.test_from is None else _number(self.test_from)
        return test if self.eval_from is None else _number(self.eval_from), test


def _number(time: str | int) -> int:
    number = instant(time) if isinstance(time, str) else time
    assert number is not None  # the validator refused it
    return number
