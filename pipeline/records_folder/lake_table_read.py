"""What the manifest says of a Delta or Iceberg table that was read."""

from pydantic import Field

from pipeline.records_folder.manifest_types import Count, Part


class LakeTableRead(Part):
    """A table that was read by its log."""

    path: str = Field(description="Its folder.")
    kind: str = Field(description="`Delta` or `Iceberg`.")
    version: str = Field(description="The version that was read: of Delta its number, of Iceberg the snapshot's id.")
    files: Count = Field(description="Files of this version that were read.")
