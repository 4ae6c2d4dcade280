"""What the parts of the manifest's schema share: their base class, and the types of numbers, hashes and keys."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Keys of objects, with the name that the table of keys shows for them.
Label = Annotated[str, "label"]
Reason = Annotated[str, "reason"]
Finding = Annotated[str, "finding"]
Package = Annotated[str, "package"]
Kind = Annotated[str, "kind"]

# Numbers fit int64, a share is at most 1, a hash has 64 hexadecimal digits. So whoever reads them need not check again.
Count = Annotated[int, Field(ge=0, lt=2**63)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Part(BaseModel):
    """A part of the manifest: frozen, of exact types, without numbers that are infinite or NaN."""

    # By name, so that the job can build `origin`, whose key is a keyword of Python. Readers take the keys alone.
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        allow_inf_nan=False,
        serialize_by_alias=True,
        validate_by_name=True,
        validate_by_alias=True,
    )
