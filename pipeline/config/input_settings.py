"""The sections `input` and `split` of the settings: what is read, and how rows are divided."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from pipeline.config.section import Name, PathName, Section

# What a damaged file does to a run.
Damaged = Literal["refuse", "use_what_is_whole"]
Names = Annotated[list[Name], Field(min_length=1)]


class InputSettings(Section):
    """Which files are read, their format and their columns."""

    path: PathName | list[PathName] = "sample"
    format: Literal["auto", "csv", "tsv", "jsonl", "parquet", "tfrecord", "folders"] = "auto"
    text_column: Name | Names = "text"
    label_column: Name = "label"
    id_column: Name | None = None
    damaged: Damaged = "refuse"

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
        return self

    @property
    def paths(self) -> list[str]:
        """The entries of `path`."""
        return [self.path] if isinstance(self.path, str) else self.path

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns of the text, in order."""
        return (self.text_column,) if isinstance(self.text_column, str) else tuple(self.text_column)


class SplitSettings(Section):
    """How rows are divided into train, eval and test: by a column, or by fractions."""

    column: Name | None = None
    train: float = Field(0.8, gt=0, le=1)
    eval: float = Field(0.1, ge=0, lt=1)
    test: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def fractions_add_up(self) -> Self:
        """The three fractions make 1."""
        total = self.train + self.eval + self.test
        if self.column is None and abs(total - 1) > 1e-6:
            raise ValueError(
                f"train {self.train:g} + eval {self.eval:g} + test {self.test:g} make {total:g}; they must make 1"
            )
        return self
