"""The parts of manifest.json on rejected rows."""

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from pipeline.records_folder.manifest_types import Count, Part, Reason


class RejectedFile(Part):
    """A file with rejected rows."""

    file: str = Field(description="Its path.")
    rows: Count = Field(description="Its rows.")
    used: Count = Field(description="Rows that became records.")
    rejected: Count = Field(description="Rows that were rejected.")


class RejectedExample(TypedDict):
    """A rejected row as rejected/ lists it."""

    file: str
    row: Count
    reason: NotRequired[str]
    content: NotRequired[str]
    id: NotRequired[str]


class RejectedSummary(Part):
    """Rejected rows; all numbers are exact."""

    rows: Count = Field(0, description="Rejected rows.")
    by_reason: dict[Reason, Count] = Field({}, description="Rejected rows by reason, the most frequent first.")
    asked_for: dict[Reason, Count] = Field(
        {},
        description="Those of `by_reason` that could be used and that a setting leaves out, such as "
        "`split.duplicates`. `output.max_rejected` does not count them.",
    )
    examples: dict[Reason, list[RejectedExample]] = Field(
        {}, description="A few rejected rows for each reason, as rejected/ lists them."
    )
    with_rejects: Count = Field(0, description="Files that have rejected rows.")
    files: list[RejectedFile] = Field([], description="The 100 files with the most rejected rows.")
