"""The schema of manifest.json: the job builds a `Manifest`, and who reads a records folder gets one.

In: the parts, in Python's types. Out: one checked, frozen object, and its JSON. Each key's meaning is stated once, in
its `description`; records_folder/manifest_keys.py makes the table of the documents from them.

Keys keep their meaning within a `format_version`. A reader passes over keys that it does not know, of a later version;
a key with a default may be missing, in a folder of an earlier version.
"""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.config.settings import OutputSettings, SequenceSettings, SplitSettings, TextSettings, VocabularySettings
from pipeline.contract import FORMAT_VERSION, Split

# Keys of objects, with the name that the table of keys shows for them.
Label = Annotated[str, "label"]
Reason = Annotated[str, "reason"]
Finding = Annotated[str, "finding"]
Package = Annotated[str, "package"]
Kind = Annotated[str, "kind"]

VocabularyKind = Literal["keras_tokenizer", "token_list", "records_folder"]

_EXACT: Final = "Whether all texts were counted; if not, the numbers are those of a sample chosen by content."


class _Part(BaseModel):
    # By name, so that the job can build `origin`, whose key is a keyword of Python. Readers take the keys alone.
    model_config = ConfigDict(
        frozen=True, extra="ignore", strict=True, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True
    )


class RecordsConfig(_Part):
    """All settings of the run, with their defaults. Only those that decide on the records are checked and typed."""

    model_config = ConfigDict(extra="allow")

    input: dict[str, Any] = {}
    split: SplitSettings = SplitSettings()
    text: TextSettings = TextSettings()
    vocabulary: VocabularySettings
    sequence: SequenceSettings
    output: OutputSettings


class DamagedFile(_Part):
    """A file whose rest can't be read."""

    file: str = Field(description="Its path.")
    rows: int = Field(description="Its rows that could be read, used and rejected.")
    why: str = Field(description="What is wrong with the rest; of a file that was read in ranges, with the first rest.")


class InputSummary(_Part):
    """What was read; all numbers are exact."""

    files: int = Field(0, description="Files that were read.")
    bytes: int = Field(0, description="Their size as stored, in bytes.")
    rows: int = Field(0, description="Rows in them that could be read, used and rejected.")
    left_out: dict[Kind, int] = Field(
        {},
        description="Files that were not read, by kind. `unsup`, `other`: files below label folders that hold no "
        "labelled text. `other_format`: files of a folder with no known format, or another than `input.format`.",
    )
    damaged: int = Field(
        0, description="Files of which a part of unknown size is lost; 0 unless `input.damaged` is `use_what_is_whole`."
    )
    damaged_files: list[DamagedFile] = Field([], description="The first 100 of them by path.")


class VocabularyOrigin(_Part):
    """Where the ids come from, if not from the counts of the train split."""

    kind: VocabularyKind = Field(description="What was imported: `keras_tokenizer`, `token_list` or `records_folder`.")
    path: str = Field(description="Where it was read.")
    sha256: str = Field(description="SHA-256 of the file; of a records folder that of its vocabulary.tsv.")
    words: int = Field(description="Words that it gave.")
    last_id: int = Field(description="Its highest id. Words of this input that were added have the ids after it.")


class CacheUse(_Part):
    """What `vocabulary.cache` saved."""

    reused_files: int = Field(description="Files whose counts were taken from the cache.")
    counted_files: int = Field(description="Files that were counted, as the cache did not have them.")


class VocabularySummary(_Part):
    """vocabulary.tsv and the counts of the train split that it was chosen from; all numbers are exact."""

    size: int = Field(ge=0, description="Words in vocabulary.tsv.")
    tokens: int = Field(0, description="Tokens of the train split.")
    distinct_tokens: int = Field(0, description="Distinct tokens of the train split, before any was left out.")
    sha256: str = Field(description="SHA-256 of vocabulary.tsv.")
    origin: VocabularyOrigin | None = Field(
        None,
        validation_alias="from",  # a keyword of Python
        serialization_alias="from",
        description="Where the ids come from; `null` if from the counts of the train split.",
    )
    cache: CacheUse | None = Field(None, description="What `vocabulary.cache` saved; `null` without one.")


class Shard(_Part):
    """A record file."""

    path: str = Field(description="Its path inside the records folder.")
    bytes: int = Field(ge=0, description="Its size as stored, in bytes.")
    records: int = Field(ge=0, description="Its number of records; may be 0.")
    sha256: str = Field(description="SHA-256 of the file as stored.")


class SplitSummary(_Part):
    """A split; all numbers are exact, but for lengths above 4,096."""

    rows: int = Field(ge=0, description="Records of the split; may be 0.")
    labels: dict[Label, int] = Field(description="Rows by label.")
    tokens: int = Field(0, description="Tokens of its texts.")
    unknown_tokens: int = Field(0, description="Those of them that have no id in the vocabulary.")
    truncated_texts: int = Field(0, description="Texts of more than `sequence.max_length` ids.")
    empty_texts: int = Field(0, description="Texts without an id.")
    wordless_texts: int = Field(0, description="Texts without a token: normalization left nothing of them.")
    lengths: list[tuple[int, int]] = Field(
        [],
        description="`[length, texts]`, by rising length: texts by their number of ids before truncation. "
        "A length above 4,096 is rounded up by at most 1/64, so that there are at most some thousand entries.",
    )
    shards: list[Shard] = Field(description="Its record files, in order.")


class RejectedFile(_Part):
    """A file with rejected rows."""

    file: str = Field(description="Its path.")
    rows: int = Field(description="Its rows.")
    used: int = Field(description="Rows that became records.")
    rejected: int = Field(description="Rows that were rejected.")


class RejectedSummary(_Part):
    """Rejected rows; all numbers are exact."""

    rows: int = Field(0, description="Rejected rows.")
    by_reason: dict[Reason, int] = Field({}, description="Rejected rows by reason, the most frequent first.")
    examples: dict[Reason, list[dict[str, Any]]] = Field(
        {}, description="A few rejected rows for each reason, as rejected/ lists them."
    )
    with_rejects: int = Field(0, description="Files that have rejected rows.")
    files: list[RejectedFile] = Field([], description="The 100 files with the most rejected rows.")


class DuplicateTexts(_Part):
    """Texts that occur more than once."""

    texts: int = Field(0, description="Distinct texts that occur more than once.")
    rows: int = Field(0, description="Rows beyond the first of each.")
    conflicting: int = Field(0, description="Those of the texts that have different labels.")


class SharedTexts(_Part):
    """Texts that occur in both of two splits."""

    splits: tuple[Split, Split] = Field(description="The two splits.")
    texts: int = Field(0, description="Distinct texts that occur in both.")
    rows: tuple[int, int] = Field(
        (0, 0),
        description="Rows of the first and of the second split that have one of these texts. The second number of "
        "train and test is what a test score owes to memory.",
    )
    conflicting: int = Field(0, description="Those of the texts that have different labels.")


class DuplicatesBySplit(DuplicateTexts):
    """Duplicates of the whole input, inside each split, and shared by two splits."""

    splits: dict[Split, DuplicateTexts] = Field({}, description="The same numbers inside each split.")
    across: list[SharedTexts] = Field(
        [], description="For each pair of splits, the texts in both. `exact` has none without `split.column`."
    )


class DuplicatesSummary(DuplicateTexts):
    """Duplicates. The first three numbers are of equal texts inside one split, `exact` and `normalised` of all splits.

    What `normalised` compares are the ids of the record, the number of tokens and the unknown words. So two texts also
    count as equal that differ in the position of an unknown token alone, or in known words after `sequence.max_length`.
    By chance, of 100 million different texts two meet once in 3,000 such inputs.
    """

    exact: DuplicatesBySplit = Field(DuplicatesBySplit(), description="Texts that are equal byte for byte.")
    normalised: DuplicatesBySplit = Field(
        DuplicatesBySplit(),
        description="Texts that are equal token for token: case, punctuation and white space may differ, as `text.*` "
        "says. Texts without a token are compared byte for byte.",
    )


class QualityFinding(_Part):
    """How many texts have a quality."""

    count: int = Field(0, description="Texts that have it, of those that were examined.")
    of: int = Field(0, description="Texts that were examined.")
    share: float = Field(0.0, description="`count` / `of`, 0 to 1; an estimate for the whole input if not `exact`.")
    exact: bool = Field(True, description="Whether all texts were examined.")
    examples: list[str] = Field([], description="Up to 3 snippets of at most 80 characters around the first place.")


class QualitySummary(_Part):
    """What the texts are like. Of more than 8 MB of input a sample of some 8 MB is examined, chosen by content.

    Findings: `html`: an HTML or XML tag, which `text.strip_html` would take out. `mojibake`: U+FFFD, or UTF-8 that was
    read as Latin-1 or Windows-1252. `non_latin`: more letters of other scripts than of the Latin one.
    `glued_white_space`: white space other than U+0020 that `text.filters` leaves, at which `text.split: space` does not
    split. `invisible`: a zero-width space, word joiner, U+FEFF or soft hyphen. `empty_after_cleaning`: no token at all;
    always exact, without examples.
    """

    rows: int = Field(0, description="All texts.")
    sampled_rows: int = Field(0, description="Texts that were examined.")
    findings: dict[Finding, QualityFinding] = Field({}, description="By the name of the quality.")


class DistinctiveWord(_Part):
    """A word that is typical for a label."""

    token: str = Field(description="The word.")
    score: float = Field(description="z-score of its log-odds ratio, of the label against all others; above 0.")
    count: int = Field(description="Its occurrences in records of the label.")
    elsewhere: int = Field(description="Its occurrences in all other records.")


class DistinctiveWordsSummary(_Part):
    """The distinctive words of each label, counted in the ids of train records.

    The score has an informative Dirichlet prior: equations 16, 19, 20 and 22 of Monroe, Colaresi and Quinn, "Fightin'
    Words" (Political Analysis 16:4, 2008). The prior is the frequency of the words in all counted records, worth 1,000
    tokens. A word above 2 is hardly there by chance. Only the 20,000 most frequent words are looked at.
    """

    sampled_rows: int = Field(0, description="Train records that were counted.")
    exact: bool = Field(True, description=_EXACT)
    labels: dict[Label, list[DistinctiveWord]] = Field(
        {}, description="At most 20 words a label, the highest score first, of the 50 labels with the most train rows."
    )


class Sample(_Part):
    """A row of the input and the ids that its record holds."""

    split: Split = Field(description="Its split.")
    text: str = Field(description="Its text as read, at most 4,000 bytes.")
    label: str = Field(description="Its label.")
    ids: list[int] = Field(description="Its ids, as the record holds them.")


class Advice(_Part):
    """A setting that does not fit the data."""

    setting: str = Field(description="`section.key`.")
    text: str = Field(description="One sentence that says why, and what would fit.")


class Manifest(_Part):
    """The whole file."""

    format_version: int = Field(FORMAT_VERSION, description="Of this file.")
    config: RecordsConfig = Field(description="All settings of the run, with their defaults.")
    versions: dict[Package, str] = Field({}, description="Of TextRecords, Python and the packages that were used.")
    labels: list[str] = Field(description="The labels. A record's `label` is the index into this list.")
    input: InputSummary = Field(InputSummary(), description="What was read.")
    vocabulary: VocabularySummary = Field(description="vocabulary.tsv and the counts that it was chosen from.")
    coverage: list[tuple[int, float]] = Field(
        [], description="`[words, share]`: the share of the train split's tokens that its most frequent words are."
    )
    splits: dict[Split, SplitSummary] = Field(description="By split: `train`, `eval`, `test`.")
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


def to_json(manifest: Manifest) -> bytes:
    """The content of manifest.json: UTF-8, keys in the order of the schema."""
    return (json.dumps(manifest.model_dump(), ensure_ascii=False, indent=1) + "\n").encode()
