"""model.json, what an exported folder says about itself: its content, and the comparison of the other files with it.

The export writes it last. It has the size and the SHA-256 of every other file, and at its end the SHA-256 of its own
other keys. So one hash names the whole model: labels, settings, certificate, graph, weights and vocabulary. A file of
another export, or a damaged one, is noticed when a model is opened.

Exports of versions before 0.3 have neither. They can be used, and `trainer verify` says what it could not compare.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.config.input_settings import LabelKind
from pipeline.config.settings import (
    EmbeddingSettings,
    ModelSettings,
    SequenceSettings,
    TextSettings,
    TrainingSettings,
    VocabularySettings,
)
from pipeline.contract import TEXT
from pipeline.errors import JsonError, UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.printable import to_one_line
from pipeline.support.strict_json import first_mistake, parse_json
from pipeline.support.version import VERSION
from trainer import files
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.held_out import HELD_OUT_FILE

INFO_FILE: Final = "assets.extra/model.json"
CERTIFICATE_FILE: Final = "assets.extra/certificate.jsonl"
WARMUP_FILE: Final = "assets.extra/tf_serving_warmup_requests"
CARD_FILE: Final = "MODEL_CARD.md"
CARD_JSON_FILE: Final = "MODEL_CARD.json"
FORMAT_VERSION: Final = 1

# The largest model.json that is read: 10,000 labels and the metrics of each are 3 MB.
_MOST_BYTES: Final = 64 << 20
_REMEDY: Final = "make its files readable, copy the whole folder again, or export the model again"
# The folder in which other programs may put files of their own, as TensorFlow says.
_OPEN_FOLDER: Final = "assets.extra/"
# Files on which no answer of the model depends.
_FOR_OTHERS: Final = (CERTIFICATE_FILE, WARMUP_FILE, CARD_FILE, CARD_JSON_FILE, HELD_OUT_FILE)


class FileSum(BaseModel):
    """The size of a file in bytes, and the SHA-256 of its content."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class ModelInfo(BaseModel):
    """The content of model.json, without its own hash.

    best_epoch: counted from 1; metrics: of the test split, None if it had no rows; records: SHA-256 of the manifest of
    the records folder; versions: of this product and the packages that trained the model, by name.
    text_columns: of the texts that it learnt from. label_map: what input.label_map made of their labels.
    several_labels, label_kind: see `LabelScheme`. weighted: whether the rows that it learnt from had weights.
    decision: how its scores become labels.
    certificate_texts: lines of certificate.jsonl. files: all other files, by their path in the folder. Both are None in
    exports of versions before 0.3.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = Field(FORMAT_VERSION, le=FORMAT_VERSION)
    labels: list[str] = Field(min_length=2)
    text: TextSettings
    vocabulary: VocabularySettings
    sequence: SequenceSettings
    model: ModelSettings
    training: TrainingSettings
    best_epoch: int
    metrics: dict[str, Any] | None
    records: str
    versions: dict[str, str]
    embedding: EmbeddingSettings = EmbeddingSettings()
    text_columns: list[str] = [TEXT]
    label_map: dict[str, str | None] = {}
    several_labels: bool = False
    label_kind: LabelKind = "nominal"
    weighted: bool = False
    decision: Decision = NO_DECISION
    certificate_texts: int | None = None
    files: dict[str, FileSum] | None = None

    @property
    def scheme(self) -> LabelScheme:
        """What the labels are."""
        return LabelScheme(tuple(self.labels), several=self.several_labels, kind=self.label_kind)

    def dumps(self) -> bytes:
        """The content of model.json as bytes."""
        values = json.loads(self.model_dump_json())
        return (json.dumps({**values, "sha256": sha256_of(values)}, indent=1) + "\n").encode()


def sha256_of(values: Mapping[str, Any]) -> str:
    """The SHA-256 of model.json's keys and values, but for its own `sha256`, however the file is laid out.

    >>> sha256_of({"a": 1, "b": 2}) == sha256_of({"b": 2, "a": 1, "sha256": "another"})
    True
    """
    others = {key: value for key, value in values.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(others, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_info(folder: str, *, setting: str) -> ModelInfo:
    """The model.json of a version folder; setting: the option that names the folder, for messages.

    Raises:
      UserError: it is missing, can't be read, is damaged, or another version of this product wrote it.
    """
    path = files.join(folder, INFO_FILE)
    try:
        content = files.read(path, most_bytes=_MOST_BYTES)
        values = parse_json(content)
    except OSError as error:
        raise UserError(f"{setting}: {path} can't be read: {files.reason_of(error)}; {_REMEDY}") from error
    except JsonError as error:
        raise UserError(f"{setting}: {path} is not JSON ({error}); {_REMEDY}") from error
    if isinstance(values, dict) and ("sha256" in values or "files" in values):
        if values.get("sha256") != sha256_of(values):
            raise UserError(f"{setting}: {path} is damaged: its sha256 is not that of its content; {_REMEDY}")
        del values["sha256"]
    try:
        return ModelInfo.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise UserError(
            f"{setting}: {path}: {first_mistake(error)}; {_maker(values)} of this program made it"
        ) from error


def _maker(values: object) -> str:
    """The version that made a model.json, if it says one, and this one.

    >>> _maker({"versions": {"textrecords": "9.1"}}).startswith("version 9.1 (this is version ")
    True
    >>> _maker([])
    'another version'
    """
    versions = values.get("versions") if isinstance(values, dict) else None
    made_by = versions.get("textrecords") if isinstance(versions, dict) else None
    return (
        f"version {to_one_line(str(made_by), width=20)} (this is version {VERSION})" if made_by else "another version"
    )


def sums_of(folder: str) -> dict[str, FileSum]:
    """Size and SHA-256 of each file in a version folder but model.json, by its path in the folder.

    Raises:
      OSError: a file can't be read, or is not a regular file.
    """
    return {name: _sum_of(files.join(folder, name)) for name in sorted(files.below(folder)) if name != INFO_FILE}


def damages(folder: str, info: ModelInfo) -> list[str]:
    """What differs between the files of a version folder and its model.json, a line for each file; [] if nothing does.

    Files in assets.extra/ that are not in model.json are other programs' own. Of an export of a version before 0.3 it
    is only known whether each file can be read.
    """
    return list(_damages(folder, info))


def refuse_damages(folder: str, info: ModelInfo, *, setting: str, also: Sequence[str] = ()) -> None:
    """Refuses a folder of which a file is not the one that was exported. setting: the option that names the folder.

    The certificate, the warm-up requests and the model card do not count: no answer depends on them. A server's owner
    may replace the requests, and people write into a card. also: those of them that count all the same.

    Raises:
      UserError: the first of these files, and what is wrong with it.
    """
    lines = list(_damages(folder, info, without=[name for name in _FOR_OTHERS if name not in also]))
    if lines:
        others = f" (and {len(lines) - 1} more files)" if len(lines) > 1 else ""
        raise UserError(f"{setting}: {folder} is damaged: {lines[0]}{others}; {_REMEDY}")


def _damages(folder: str, info: ModelInfo, *, without: Sequence[str] = ()) -> Iterator[str]:
    try:
        present = sorted(files.below(folder))
    except OSError as error:
        yield f"its files can't be listed: {files.reason_of(error)}"
        return
    listed = dict.fromkeys(present) if info.files is None else info.files
    for name in listed:
        if name not in present and name not in without:
            yield f"{to_one_line(name)} is missing"
    for name in present:
        if name in without:
            continue
        if name in listed:
            yield from _damage(folder, name, listed[name])
        elif not name.startswith(_OPEN_FOLDER) and not name.rpartition("/")[2].startswith("."):
            yield f"{to_one_line(name)} is not of this export"


def _damage(folder: str, name: str, expected: FileSum | None) -> Iterator[str]:
    path, shown = files.join(folder, name), to_one_line(name)
    try:
        if expected is None:
            next(files.parts(path), None)
        elif files.size(path) != expected.bytes:
            yield f"{shown} has {files.size(path):,} bytes, exported were {expected.bytes:,}"
        elif _sum_of(path) != expected:
            yield f"{shown} has another sha256 than model.json says"
    except OSError as error:
        yield f"{shown} can't be read: {files.reason_of(error)}"


def _sum_of(path: str) -> FileSum:
    digest, size = hashlib.sha256(), 0
    for part in files.parts(path):
        digest.update(part)
        size += len(part)
    return FileSum(bytes=size, sha256=digest.hexdigest())
