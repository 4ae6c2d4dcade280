"""The parts of manifest.json on single record files, and on those of texts without labels."""

from pydantic import Field

from pipeline.config.input_settings import LabelKind
from pipeline.contract import Split
from pipeline.records_folder.manifest_types import Count, Label, Part, Sha256, Weight


class RecordForm(Part):
    """What a record holds, by the settings of labels."""

    several_labels: bool = Field(False, description="Whether a record's `label` is a list of indices, perhaps empty.")
    label_kind: LabelKind = Field("nominal", description="`ordinal`: the labels are numbers with an order.")
    weighted: bool = Field(False, description="Whether each record has a `weight`.")
    slices: list[str] = Field([], description="The columns whose values a record's `slices` holds, in this order.")


class SplitWeights(Part):
    """The weights of a split's rows."""

    total: Weight = Field(description="Their sum.")
    squares: Weight = Field(description="The sum of their squares.")
    labels: dict[Label, Weight] = Field(description="Their sum by label.")


class LabelSet(Part):
    """A list of labels that rows have."""

    labels: list[Label] = Field(description="The labels, in the order of the manifest's `labels`; it may be empty.")
    rows: Count = Field(description="Rows that have these labels and no others, of those that were counted.")


class LabelSetsSummary(Part):
    """Which labels the rows of the train split have together. Of more than 8 MB of input a sample of some 8 MB is
    counted, chosen by content."""

    sampled_rows: Count = Field(0, description="Rows that were counted.")
    exact: bool = Field(True, description="Whether these are all rows of the train split.")
    distinct: Count = Field(0, description="Different lists of labels among them.")
    most_frequent: list[LabelSet] = Field([], description="The 20 lists that most of them have, by falling number.")


class Shard(Part):
    """A record file."""

    path: str = Field(description="Its path inside the records folder.")
    bytes: Count = Field(description="Its size as stored, in bytes.")
    records: Count = Field(description="Its number of records; may be 0.")
    sha256: Sha256 = Field(description="SHA-256 of the file as stored.")


class UnlabelledDuplicates(Part):
    """Texts without labels that are equal to others, byte for byte; all numbers are exact."""

    rows: Count = Field(0, description="Rows beyond the first of equal texts.")
    in_splits: dict[Split, Count] = Field({}, description="By split: rows whose text is in the split too.")


class UnlabelledSummary(Part):
    """The texts of `input.unlabelled`; all numbers are exact, but for lengths above 4,096."""

    files: Count = Field(description="Files that were read; `input.files` counts them too.")
    bytes: Count = Field(0, description="Their size as stored, in bytes; `input.bytes` counts it too.")
    rejected: Count = Field(0, description="Rows that were rejected; `rejected.rows` counts them too.")
    rows: Count = Field(description="Records; may be 0.")
    tokens: Count = Field(0, description="Tokens of the texts.")
    unknown_tokens: Count = Field(0, description="Those of them that have no id in the vocabulary.")
    truncated_texts: Count = Field(0, description="Texts of more than `sequence.max_length` ids.")
    empty_texts: Count = Field(0, description="Texts without an id.")
    wordless_texts: Count = Field(0, description="Texts without a token: normalization left nothing of them.")
    lengths: list[tuple[Count, Count]] = Field([], description="`[length, texts]`, as that of a split.")
    duplicates: UnlabelledDuplicates = Field(
        UnlabelledDuplicates(), description="Texts that are equal to others. The key `duplicates` does not count them."
    )
    shards: list[Shard] = Field(description="The record files, in order. Their records have `ids` and no `label`.")
