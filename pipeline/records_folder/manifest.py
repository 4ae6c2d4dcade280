"""The schema of manifest.json: the job builds a `Manifest`, and who reads a records folder gets one.

In: the parts, in Python's types. Out: one checked, frozen object, and its JSON. Each key's meaning is stated once, in
its `description`; records_folder/manifest_keys.py makes the table of the documents from them.

Keys keep their meaning within a `format_version`. A reader passes over keys that it does not know, of a later version;
a key with a default may be missing, in a folder of an earlier version.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from pipeline.config.input_settings import SplitSettings
from pipeline.config.settings import OutputSettings, SequenceSettings, TextSettings, VocabularySettings
from pipeline.contract import FORMAT_VERSION, Split
from pipeline.records_folder.lake_table_read import LakeTableRead
from pipeline.records_folder.manifest_types import Count, Kind, Label, Package, Part, Sha256, Share
from pipeline.records_folder.record_files import LabelSetsSummary, RecordForm, Shard, SplitWeights, UnlabelledSummary
from pipeline.records_folder.rejected_summary import RejectedSummary
from pipeline.records_folder.text_findings import DistinctiveWordsSummary, DuplicatesSummary, QualitySummary
from pipeline.support.printable import json_text

VocabularyKind = Literal["keras_tokenizer", "token_list", "records_folder"]

# Bytes of manifest.json. The job writes none above, and readers hold none above. That of 2,000 labels has 0.5 MB.
MAX_MANIFEST_BYTES: Final = 64 << 20


class RecordsConfig(Part):
    """All settings of the run, with their defaults. Only those that decide on the records are checked and typed."""

    model_config = ConfigDict(extra="allow")

    input: dict[str, Any] = Field({})
    split: SplitSettings = SplitSettings()
    text: TextSettings = TextSettings()
    vocabulary: VocabularySettings
    sequence: SequenceSettings
    output: OutputSettings


class DamagedFile(Part):
    """A file whose rest can't be read."""

    file: str = Field(description="Its path.")
    rows: Count = Field(description="Its rows that could be read, used and rejected.")
    why: str = Field(description="What is wrong with the rest; of a file that was read in ranges, with the first rest.")


class TableRead(Part):
    """A table of a database that was read, or the rows of a query."""

    path: str = Field(description="The entry of `input.path`.")
    taken: str = Field(description="When the state of the database was taken that was read, in ISO 8601.")
    parts: Count = Field(description="Parts that it was read in, each without the others.")
    query_bytes: Count | None = Field(
        None, description="Bytes that BigQuery had to read to answer `input.query`, for which it bills; else `null`."
    )


class InputSummary(Part):
    """What was read; all numbers are exact."""

    files: Count = Field(0, description="Files of both settings that were read; a table of a database counts as one.")
    bytes: Count = Field(
        0, description="Their size as stored, in bytes; of a table the size of its texts, or what BigQuery estimates."
    )
    tables: list[TableRead] = Field([], description="What was read of databases.")
    rows: Count = Field(0, description="Rows in them that could be read: used, rejected and left out.")
    left_out_rows: Count = Field(0, description="Those of them that `input.label_map` leaves out.")
    mapped_labels: dict[Label, Count] = Field(
        {}, description='Rows by the label that they had, for each key of `input.label_map`; the key "" is no label.'
    )
    spanning_rows: Count = Field(
        0, description="Those of them, in csv and tsv, that have several lines: a field in quotes holds a line break."
    )
    repeated_headers: Count = Field(
        0, description="Lines inside csv and tsv files that repeat the header; they count as no rows."
    )
    left_out: dict[Kind, Count] = Field(
        {},
        description="Files that were not read, by kind. `unsup`, `other`: files below label folders that hold no "
        "labelled text. `labelled`: texts of a folder in `input.unlabelled` that are not in `unsup`. `other_format`: "
        "files of a folder with no known format, or another than `input.format`. "
        "`hidden`: a name in their path begins with a dot or an underscore. `metadata`: they describe a data set. "
        "`same_file`: other names of files that were read. `loop`: links to folders that lead back. `not_in_table`: "
        "files in the folder of a table that the version of the table does not have.",
    )
    left_out_examples: dict[Kind, list[str]] = Field({}, description="The first three of them of each kind.")
    lake_tables: list[LakeTableRead] = Field([], description="Delta and Iceberg tables that were read by their logs.")
    named_splits: dict[Split, Count] = Field(
        {},
        description="Files, by the split that their name or folder sounds like, if two splits are named. It decides "
        "nothing.",
    )
    damaged: Count = Field(
        0, description="Files of which a part of unknown size is lost; 0 unless `input.damaged` is `use_what_is_whole`."
    )
    damaged_files: list[DamagedFile] = Field([], description="The first 100 of them by path.")


class VocabularyOrigin(Part):
    """Where the ids come from, if not from the counts of the train split."""

    kind: VocabularyKind = Field(description="What was imported: `keras_tokenizer`, `token_list` or `records_folder`.")
    path: str = Field(description="Where it was read.")
    sha256: Sha256 = Field(description="SHA-256 of the file; of a records folder that of its vocabulary.tsv.")
    words: Count = Field(description="Words that it gave.")
    last_id: Count = Field(description="Its highest id. Words of this input that were added have the ids after it.")


class CacheUse(Part):
    """What `vocabulary.cache` saved."""

    reused_files: Count = Field(description="Files whose counts were taken from the cache.")
    counted_files: Count = Field(description="Files that were counted, as the cache did not have them.")


class VocabularySummary(Part):
    """vocabulary.tsv and the counts that it was chosen from; all numbers are exact."""

    size: Count = Field(description="Words in vocabulary.tsv.")
    tokens: Count = Field(
        0,
        description="Tokens that were counted: of the train split, and of the texts without labels if "
        "`vocabulary.count_unlabelled` is true.",
    )
    distinct_tokens: Count = Field(0, description="Distinct tokens among them, before any was left out.")
    sha256: Sha256 = Field(description="SHA-256 of vocabulary.tsv.")
    origin: VocabularyOrigin | None = Field(
        None,
        validation_alias="from",  # a keyword of Python
        serialization_alias="from",
        description="Where the ids come from; `null` if from the counts of the train split.",
    )
    cache: CacheUse | None = Field(None, description="What `vocabulary.cache` saved; `null` without one.")


class SplitSummary(Part):
    """A split; all numbers are exact, but for lengths above 4,096."""

    rows: Count = Field(description="Records of the split; may be 0.")
    labels: dict[Label, Count] = Field(
        description="Rows by label. With several labels a row counts for each of them, so they may be more than `rows`."
    )
    no_labels: Count = Field(0, description="Rows that have none of the labels; 0 unless `record.several_labels`.")
    weights: SplitWeights | None = Field(None, description="The rows' weights; `null` unless `record.weighted`.")
    tokens: Count = Field(0, description="Tokens of its texts.")
    unknown_tokens: Count = Field(0, description="Those of them that have no id in the vocabulary.")
    truncated_texts: Count = Field(0, description="Texts of more than `sequence.max_length` ids.")
    empty_texts: Count = Field(0, description="Texts without an id.")
    wordless_texts: Count = Field(0, description="Texts without a token: normalization left nothing of them.")
    lengths: list[tuple[Count, Count]] = Field(
        [],
        description="`[length, texts]`, by rising length: texts by their number of ids before truncation. "
        "A length above 4,096 is rounded up by at most 1/64, so that there are at most some thousand entries.",
    )
    shards: list[Shard] = Field(description="Its record files, in order.")


class GroupsSummary(Part):
    """The groups of `split.group_column`."""

    groups: Count = Field(0, description="Groups; an estimate within 10% if not `exact`.")
    exact: bool = Field(True, description="Whether all groups were counted; if not, 512 of them, chosen by chance.")
    largest: Count = Field(0, description="Rows of the largest group, of those that were counted.")


class Sample(Part):
    """A row of the input and the ids that its record holds."""

    split: Split = Field(description="Its split.")
    text: str = Field(description="Its text as read, at most 4,000 bytes.")
    label: str = Field(
        description="Its label. With several labels all of them, as a JSON list in the order of their UTF-8 bytes."
    )
    labels: list[str] = Field(
        [], description="With several labels all of them, in the order of the manifest's `labels`."
    )
    ids: list[Count] = Field(description="Its ids, as the record holds them.")


class Advice(Part):
    """A setting that does not fit the data."""

    setting: str = Field(description="`section.key`.")
    text: str = Field(description="One sentence that says why, and what would fit.")


class StoredFile(Part):
    """A file of the records folder that is read again: vocabulary.tsv, or one of transform/."""

    path: str = Field(description="Its path inside the records folder.")
    bytes: Count = Field(description="Its size, in bytes.")
    sha256: Sha256 = Field(description="SHA-256 of the file.")


class Manifest(Part):
    """The whole file."""

    format_version: int = Field(FORMAT_VERSION, description="Of this file.")
    config: RecordsConfig = Field(description="All settings of the run, with their defaults.")
    versions: dict[Package, str] = Field({}, description="Of TextRecords, Python and the packages that were used.")
    labels: list[str] = Field(description="The labels. A record's `label` is the index into this list.")
    record: RecordForm = Field(RecordForm(), description="What a record holds, by the settings of labels.")
    input: InputSummary = Field(InputSummary(), description="What was read.")
    vocabulary: VocabularySummary = Field(description="vocabulary.tsv and the counts that it was chosen from.")
    coverage: list[tuple[Count, Share]] = Field(
        [], description="`[words, share]`: the share of the counted tokens that the most frequent words are."
    )
    splits: dict[Split, SplitSummary] = Field(description="By split: `train`, `eval`, `test`.")
    label_sets: LabelSetsSummary | None = Field(
        None, description="Which labels texts have together; `null` unless `record.several_labels`."
    )
    unlabelled: UnlabelledSummary | None = Field(
        None, description="The texts of `input.unlabelled`; `null` or missing without any."
    )
    files: list[StoredFile] | None = Field(
        None,
        description="vocabulary.tsv and the files of transform/, by path; `null` or missing in a folder of an earlier "
        "version. In a folder that has it no other key is missing.",
    )
    groups: GroupsSummary | None = Field(None, description="The groups of `split.group_column`; `null` without it.")
    rejected: RejectedSummary = Field(RejectedSummary(), description="Rejected rows.")
    duplicates: DuplicatesSummary = Field(DuplicatesSummary(), description="Texts that occur more than once.")
    quality: QualitySummary = Field(QualitySummary(), description="What the texts are like.")
    distinctive_words: DistinctiveWordsSummary = Field(
        DistinctiveWordsSummary(),
        validation_alias="telling_words",  # its name before the field's term for it was taken; a public key stays
        serialization_alias="telling_words",
        description="The distinctive words of each label.",
    )
    samples: list[Sample] = Field([], description="The first rows of each split in shuffled order, at most 16 a split.")
    advice: list[Advice] = Field([], description="Settings that do not fit the data, the most important first.")
    checksum: Sha256 | None = Field(
        None,
        description="SHA-256 of `labels`, `config`, `splits`, `record` if one of its keys is set, and "
        "`unlabelled`, unless it is `null`: a JSON list of them, in ASCII, without white space. No reader takes "
        "others for these records. `null` or missing in a folder of an earlier version.",
    )


def stored_file(path: str, content: bytes) -> StoredFile:
    """What the manifest says of a file; path: inside the records folder."""
    return StoredFile(path=path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def all_shards(manifest: Manifest) -> list[Shard]:
    """The record files of all splits, and of the texts without labels."""
    shards = [shard for part in manifest.splits.values() for shard in part.shards]
    return shards + (manifest.unlabelled.shards if manifest.unlabelled else [])


def checksum_of(content: Mapping[str, Any]) -> str:
    """The checksum of a manifest's content: of what gives the records their meaning.

    >>> checksum_of({"labels": ["a"], "config": {}, "splits": {}, "advice": []})[:8]
    '2d0f7753'
    """
    parts = [content["labels"], content["config"], content["splits"]]
    if any((content.get("record") or {}).get(key) for key in ("several_labels", "weighted", "slices")):
        parts.append(content["record"])
    if content.get("unlabelled") is not None:
        parts.append(content["unlabelled"])
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def with_checksum(manifest: Manifest) -> Manifest:
    """The manifest with its checksum."""
    return manifest.model_copy(update={"checksum": checksum_of(manifest.model_dump())})


def to_json(manifest: Manifest) -> bytes:
    """The content of manifest.json: UTF-8, keys in the order of the schema."""
    return (json_text(manifest.model_dump(), indent=1) + "\n").encode()
