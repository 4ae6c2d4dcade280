"""What all sections of settings share: their base class, and the types of values that several of them have."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from pipeline.config.paths import check_path, expand_home

Name = Annotated[str, Field(min_length=1)]
PathName = Annotated[Name, AfterValidator(check_path), AfterValidator(expand_home)]
# The contract writes `none` where YAML has null.
PathOrNone = Annotated[PathName | None, BeforeValidator(lambda value: None if value == "none" else value)]


class Section(BaseModel):
    """A section of pipeline.yaml: frozen, no unknown keys, no guessed types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True, serialize_by_alias=True)
