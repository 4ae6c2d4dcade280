"""A manifest that the schema accepts -> what in it contradicts something else in it.

The schema sees one value at a time. Here they are compared: rows with the records of the shards, shards with the names
that they must have, the vocabulary, the samples and the labels with the settings. No file but the manifest is read.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

from pipeline.contract import (
    SPLITS,
    TRANSFORM_FOLDER,
    UNLABELLED,
    VOCABULARY_FILE,
    Split,
    Unlabelled,
    embedding_rows,
    max_words,
    shard_file,
)
from pipeline.records_folder.label_scheme import label_value
from pipeline.records_folder.manifest import Manifest, SplitSummary
from pipeline.records_folder.record_files import UnlabelledSummary
from pipeline.support.strict_json import shown

# Fields that came after `files`, as Class.field: keys of the manifest, and settings that it has the types of. A folder
# that has `files` has every key but these.
_LATER_FIELDS: Final[frozenset[str]] = frozenset({
    "InputSummary.tables",
    "InputSummary.left_out_examples",
    "InputSummary.lake_tables",
    "InputSummary.named_splits",
    "InputSummary.left_out_rows",
    "InputSummary.mapped_labels",
    "InputSummary.repeated_headers",
    "InputSummary.spanning_rows",
    "Manifest.groups",
    "RejectedSummary.asked_for",
    "DuplicatesBySplit.most_frequent",
    "DuplicatesSummary.near",
    "SplitSettings.group_column",
    "SplitSettings.time_column",
    "SplitSettings.eval_from",
    "SplitSettings.test_from",
    "SplitSettings.stratify",
    "SplitSettings.duplicates",
    "TextSettings.punctuation",
    "Manifest.unlabelled",
    "VocabularySettings.count_unlabelled",
    "Manifest.record",
    "SplitSummary.no_labels",
    "SplitSummary.weights",
    "Sample.labels",
    "Manifest.label_sets",
})  # fmt: skip


def contradictions(manifest: Manifest) -> Iterator[str]:
    """Each is a line: the key, its value, and what contradicts it."""
    if manifest.files is not None:
        yield from (f"{key} is missing" for key in _missing_keys(manifest))
        yield from _files(manifest)
    yield from _labels(manifest)
    for split in SPLITS:
        if split in manifest.splits:
            yield from _split(split, manifest.splits[split], manifest)
        else:
            yield f"splits.{split} is missing"
    yield from _unlabelled(manifest)
    yield from _vocabulary(manifest)
    yield from _samples(manifest)


def _labels(manifest: Manifest) -> Iterator[str]:
    first: dict[str, int] = {}
    for place, label in enumerate(manifest.labels):
        if first.setdefault(label, place) < place:
            yield f"labels.{place} is {shown(label)}, as labels.{first[label]} is"
    if manifest.record.label_kind == "ordinal":
        values = [label_value(label) for label in manifest.labels]
        for place, (label, value) in enumerate(zip(manifest.labels, values, strict=True)):
            if value is None:
                yield f"labels.{place} is {shown(label)}, but record.label_kind is ordinal: it should be a number"
        numbers = [value for value in values if value is not None]
        if numbers != sorted(numbers):
            yield "labels don't rise, but record.label_kind is ordinal"


def _split(split: Split, part: SplitSummary, manifest: Manifest) -> Iterator[str]:
    key = f"splits.{split}"
    yield from _texts(split, part, manifest, key=key)
    labels = set(manifest.labels)
    for label in part.labels:
        if label not in labels:
            yield f"{key}.labels has {shown(label)}, which labels does not have"
    if manifest.record.several_labels:
        yield from _several_labels(part, key=key)
        yield from _weights(part, manifest, key=f"{key}.weights")
        return
    if part.no_labels:
        yield f"{key}.no_labels is {part.no_labels}, but record.several_labels is false"
    if part.rows != sum(part.labels.values()):
        yield f"{key}.labels add up to {sum(part.labels.values())} rows, but {key}.rows is {part.rows}"
    yield from _weights(part, manifest, key=f"{key}.weights")


def _several_labels(part: SplitSummary, *, key: str) -> Iterator[str]:
    with_labels = part.rows - part.no_labels
    if with_labels < 0:
        yield f"{key}.no_labels is {part.no_labels}, but {key}.rows is {part.rows}"
    for label, rows in part.labels.items():
        if rows > max(with_labels, 0):
            yield f"{key}.labels.{label} is {rows}, but {with_labels} of {key}.rows have a label"
    if sum(part.labels.values()) < with_labels:
        yield (f"{key}.labels add up to {sum(part.labels.values())} rows, but {with_labels} of {key}.rows have a label")


def _weights(part: SplitSummary, manifest: Manifest, *, key: str) -> Iterator[str]:
    weights, several = part.weights, manifest.record.several_labels
    if (weights is not None) != manifest.record.weighted:
        what = "null" if weights is None else "an object"
        yield f"{key} is {what}, but record.weighted is {shown(manifest.record.weighted)}"
    if weights is None:
        return
    for label in weights.labels:
        if label not in set(manifest.labels):
            yield f"{key}.labels has {shown(label)}, which labels does not have"
        if weights.labels[label] > weights.total * (1 + 1e-6):
            yield f"{key}.labels.{label} is {weights.labels[label]:g}, but {key}.total is {weights.total:g}"
    of_labels = sum(weights.labels.values())
    if not several and not math.isclose(of_labels, weights.total, rel_tol=1e-6):
        yield f"{key}.labels add up to {of_labels:g}, but {key}.total is {weights.total:g}"
    if weights.squares > weights.total**2 * (1 + 1e-6):
        yield f"{key}.squares is {weights.squares:g}, more than the square of {key}.total"


def _unlabelled(manifest: Manifest) -> Iterator[str]:
    part, path = manifest.unlabelled, manifest.config.input.get("unlabelled")
    if (part is None) != (path is None or path == []):
        what = "is missing" if part is None else "is an object"
        yield f"unlabelled {what}, but config.input.unlabelled is {shown(path)}"
    if part is not None:
        yield from _texts(UNLABELLED, part, manifest, key=UNLABELLED)
        for split, rows in part.duplicates.in_splits.items():
            if rows > part.rows:
                yield f"unlabelled.duplicates.in_splits.{split} is {rows}, but unlabelled.rows is {part.rows}"
    elif manifest.config.vocabulary.count_unlabelled:
        yield "config.vocabulary.count_unlabelled is true, but there are no texts without labels"


def _texts(
    split: Split | Unlabelled, part: SplitSummary | UnlabelledSummary, manifest: Manifest, *, key: str
) -> Iterator[str]:
    in_shards = sum(shard.records for shard in part.shards)
    if part.rows != in_shards:
        yield f"{key}.rows is {part.rows}, but its shards hold {in_shards} records"
    for index, shard in enumerate(part.shards):
        name = shard_file(split, index, shards=len(part.shards), compression=manifest.config.output.compression)
        if shard.path != name:
            yield f"{key}.shards.{index}.path is {shown(shard.path)}; it should be {name}"
    texts = sum(texts for _, texts in part.lengths)
    if part.lengths and part.rows != texts:
        yield f"{key}.lengths add up to {texts} texts, but {key}.rows is {part.rows}"
    for name in ("truncated_texts", "empty_texts", "wordless_texts"):
        if getattr(part, name) > part.rows:
            yield f"{key}.{name} is {getattr(part, name)}, but {key}.rows is {part.rows}"
    if part.unknown_tokens > part.tokens:
        yield f"{key}.unknown_tokens is {part.unknown_tokens}, but {key}.tokens is {part.tokens}"


def _vocabulary(manifest: Manifest) -> Iterator[str]:
    settings, part = manifest.config.vocabulary, manifest.vocabulary
    if part.size > max_words(settings.top_words, settings.oov):
        yield (
            f"vocabulary.size is {part.size}, but config.vocabulary.top_words {settings.top_words} leaves room for "
            f"{max_words(settings.top_words, settings.oov)} words"
        )
    if (part.origin is None) != (settings.source is None):
        yield (
            f"vocabulary.from is {'null' if part.origin is None else 'an object'}, "
            f"but config.vocabulary.from is {shown(settings.source)}"
        )
    if part.origin is not None and embedding_rows(part.origin.last_id) > settings.top_words:
        yield (
            f"vocabulary.from.last_id is {part.origin.last_id}, but config.vocabulary.top_words is {settings.top_words}"
        )


def _samples(manifest: Manifest) -> Iterator[str]:
    config, labels = manifest.config, set(manifest.labels)
    for place, sample in enumerate(manifest.samples):
        key = f"samples.{place}"
        if sample.label not in labels and not manifest.record.several_labels:
            yield f"{key}.label is {shown(sample.label)}, which labels does not have"
        for label in sample.labels:
            if label not in labels:
                yield f"{key}.labels has {shown(label)}, which labels does not have"
        if len(sample.ids) != config.sequence.max_length:
            yield f"{key}.ids has {len(sample.ids)} ids, but config.sequence.max_length is {config.sequence.max_length}"
        if max(sample.ids, default=0) >= config.vocabulary.top_words:
            yield f"{key}.ids has {max(sample.ids)}, but config.vocabulary.top_words is {config.vocabulary.top_words}"


def _files(manifest: Manifest) -> Iterator[str]:
    hashes: dict[str, str] = {}
    for place, file in enumerate(manifest.files or []):
        key = f"files.{place}.path"
        folder, *names = file.path.split("/")
        is_inside = folder == TRANSFORM_FOLDER and names and not {"", ".", ".."} & {*names} and "\0" not in file.path
        if file.path != VOCABULARY_FILE and not is_inside:
            yield f"{key} is {shown(file.path)}; it should be {VOCABULARY_FILE} or a file below {TRANSFORM_FOLDER}/"
        if file.path in hashes:
            yield f"{key} is {shown(file.path)} for a second time"
        hashes[file.path] = file.sha256
    if VOCABULARY_FILE not in hashes:
        yield f"files has no {VOCABULARY_FILE}"
    elif hashes[VOCABULARY_FILE] != manifest.vocabulary.sha256:
        yield f"vocabulary.sha256 is {manifest.vocabulary.sha256}, but files has {hashes[VOCABULARY_FILE]}"


def _missing_keys(part: Any, path: str = "") -> Iterator[str]:
    """Keys of the schema that the file does not have, of an object, and of those within it."""
    if isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            key = f"{path}{field.alias or field.serialization_alias or name}"
            if name in part.model_fields_set:
                yield from _missing_keys(getattr(part, name), f"{key}.")
            elif f"{type(part).__name__}.{name}" not in _LATER_FIELDS:
                yield key
    elif isinstance(part, dict | list | tuple):
        for place, value in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(value, BaseModel | list | dict):
                yield from _missing_keys(value, f"{path}{place}.")
