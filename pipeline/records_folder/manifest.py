"""The bytes of a manifest.json -> its parts, checked: the one place that says how the file is built for those who
read it.

Keys that stand beside these, of a later version, are passed over.
"""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.config.settings import OutputSettings, SequenceSettings, SplitSettings, TextSettings, VocabularySettings
from pipeline.contract import FORMAT_VERSION, MANIFEST_FILE, SPLITS, Split
from pipeline.errors import UserError

REMEDY = "run the pipeline again"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Shard(_Part):
    """A record file: its path inside the folder, its number of records, and what its bytes must be."""

    path: str
    bytes: int = Field(ge=0)
    records: int = Field(ge=0)
    sha256: str


class SplitPart(_Part):
    """A split. labels: rows by label; lengths: [number of ids before truncation, rows]; a shard or split may be
    empty."""

    rows: int = Field(ge=0)
    shards: list[Shard]
    labels: dict[str, int]
    tokens: int = 0
    unknown_tokens: int = 0
    truncated_texts: int = 0
    empty_texts: int = 0
    wordless_texts: int = 0
    lengths: list[tuple[int, int]] = []


class OriginPart(_Part):
    """A vocabulary from elsewhere. words: how many came from there; ids behind last_id are of new words."""

    kind: Literal["keras_tokenizer", "token_list", "records_folder"]
    path: str
    sha256: str
    words: int
    last_id: int


class CachePart(_Part):
    """How many files' counts were taken from vocabulary.cache, and how many files were counted anew."""

    reused_files: int
    counted_files: int


class VocabularyPart(_Part):
    """vocabulary.tsv. size: its words; tokens, distinct_tokens: what was counted in the train split; origin: where its
    ids come from, if not from those counts; cache: what vocabulary.cache was good for, if there is one."""

    size: int = Field(ge=0)
    tokens: int = 0
    distinct_tokens: int = 0
    sha256: str
    origin: OriginPart | None = Field(None, alias="from")
    cache: CachePart | None = None


class RejectedFile(_Part):
    """A file with rejected rows."""

    file: str
    rows: int
    used: int
    rejected: int


class RejectedPart(_Part):
    """Rows that could not be used, by reason, the commonest first."""

    rows: int = 0
    by_reason: dict[str, int] = {}
    examples: dict[str, list[dict[str, Any]]] = {}
    with_rejects: int = 0
    files: list[RejectedFile] = []


class InputPart(_Part):
    """What was read."""

    files: int = 0
    bytes: int = 0
    rows: int = 0
    left_out: dict[str, int] = {}


class Repeated(_Part):
    """Texts seen more than once, the rows beyond the first of each, and how many of the texts carry different
    labels."""

    texts: int = 0
    rows: int = 0
    conflicting: int = 0


class Shared(_Part):
    """Texts that stand in both of two splits, the rows of the first and of the second that carry one of them, and how
    many of the texts carry different labels there."""

    splits: tuple[Split, Split]
    texts: int = 0
    rows: tuple[int, int] = (0, 0)
    conflicting: int = 0


class Repeats(Repeated):
    """Repeated texts of the whole input, inside each split, and shared by each pair of splits."""

    splits: dict[Split, Repeated] = {}
    across: list[Shared] = []


class DuplicatesPart(Repeated):
    """Repeated texts. Its own numbers count equal texts inside one split; `exact` and `normalised` look at all
    splits together; texts are equal byte for byte there, or token for token."""

    exact: Repeats = Repeats()
    normalised: Repeats = Repeats()


class Finding(_Part):
    """How many of the texts that were looked at (`of`) have some quality; `exact`: all were looked at."""

    count: int = 0
    of: int = 0
    share: float = 0.0
    exact: bool = True
    examples: list[str] = []


class QualityPart(_Part):
    """What the texts are like. findings: by the name of the quality; docs/manifest.md lists the names."""

    rows: int = 0
    sampled_rows: int = 0
    findings: dict[str, Finding] = {}


class TellingWord(_Part):
    """A word that speaks for a label: its z-score, and how often it stands in the label's texts and in the others."""

    token: str
    score: float
    count: int
    elsewhere: int


class TellingWordsPart(_Part):
    """The words most telling for each label, the most telling first; `exact`: counted in all train texts."""

    sampled_rows: int = 0
    exact: bool = True
    labels: dict[str, list[TellingWord]] = {}


class Advice(_Part):
    """A setting that looks out of place, and the sentence that says why."""

    setting: str
    text: str


class Sample(_Part):
    """A row of the input and the ids that its record holds."""

    split: Split
    text: str
    label: str
    ids: list[int]


class ConfigPart(_Part):
    """The settings that the records were made with."""

    split: SplitSettings = SplitSettings()
    text: TextSettings = TextSettings()
    vocabulary: VocabularySettings
    sequence: SequenceSettings
    output: OutputSettings


class ManifestFile(_Part):
    """The whole file. coverage: [number of words, share of the train split's tokens that the most frequent so many
    are]."""

    config: ConfigPart
    labels: list[str]
    vocabulary: VocabularyPart
    splits: dict[Split, SplitPart]
    versions: dict[str, str] = {}
    input: InputPart = InputPart()
    coverage: list[tuple[int, float]] = []
    rejected: RejectedPart = RejectedPart()
    duplicates: DuplicatesPart = DuplicatesPart()
    quality: QualityPart = QualityPart()
    telling_words: TellingWordsPart = TellingWordsPart()
    advice: list[Advice] = []
    samples: list[Sample] = []


def parse_manifest(content: bytes, *, path: str) -> ManifestFile:
    """The manifest that the bytes of the file at `path` are.

    Raises:
      UserError: they are none, or one of another format version.
    """
    try:
        values = json.loads(content)
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}); {REMEDY}") from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise UserError(f"{path}: format_version is {version!r}, expected {FORMAT_VERSION}; {REMEDY}")
    try:
        manifest = ManifestFile.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: {key}: {first['msg']}; {REMEDY}") from error
    missing = [split for split in SPLITS if split not in manifest.splits]
    if missing:
        raise UserError(f"{path}: splits.{missing[0]} is missing; {REMEDY}")
    return manifest


def no_manifest(folder: str) -> UserError:
    """What to say of a folder without a manifest."""
    return UserError(
        f"{folder} is no complete records folder: it has no {MANIFEST_FILE}; "
        "give the output.path of a run of `python -m pipeline run` that has ended"
    )
