"""What the stages found out -> manifest.json, or the sentence that says why there is none.

Pure: facts in, a dictionary out. Its keys are public; CONTRACT section 4 and the README name them.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from pipeline.config.settings import Config
from pipeline.contract import FORMAT_VERSION, SPLITS
from pipeline.errors import UserError
from pipeline.job import rejects
from pipeline.job.read import MOST_LABELS, UNKNOWN_LABEL
from pipeline.job.write import WrittenShard
from pipeline.records.shuffle import DuplicateCounts
from pipeline.statistics import distinctive_words, duplicates, split_statistics, text_quality
from pipeline.statistics.split_statistics import SplitStatistics
from pipeline.vocabulary import count_tables
from pipeline.vocabulary.cached_counting import Found, add_found
from pipeline.vocabulary.imported.source import Origin

_PACKAGES = ("apache-beam", "tensorflow", "tensorflow-transform", "pyarrow", "numpy")
# Numbers of words for which the coverage curve has a point, ten a decade: enough to draw it, few enough to read.
_COVERAGE_STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a job found out. splits: by index into SPLITS; words: rows of vocabulary.tsv, by falling count."""

    labels: Sequence[str]
    shards: Sequence[WrittenShard]
    splits: Mapping[int, SplitStatistics]
    repeated: duplicates.Counted
    quality: text_quality.Quality
    rejected: rejects.Rejected
    input_rows: int
    input_files: int
    input_bytes: int
    left_out: Mapping[str, int]
    rejected_files: Mapping[str, Any]
    summary: count_tables.CountSummary
    words: Sequence[tuple[int, str, int]]
    vocabulary_sha256: str
    origin: Origin | None = None
    found: Sequence[Found] | None = None


def build(facts: Facts, config: Config) -> dict[str, Any]:
    """The manifest.

    Raises:
      UserError: the rows make no usable records: none at all, too many rejected, no token, fewer than two labels.
    """
    _judge(facts, config)
    return {
        "format_version": FORMAT_VERSION,
        "config": config.model_dump(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "labels": list(facts.labels),
        "input": {
            "files": facts.input_files,
            "bytes": facts.input_bytes,
            "rows": facts.input_rows,
            "left_out": dict(facts.left_out),
        },
        "vocabulary": {
            "size": len(facts.words),
            "tokens": facts.summary.total,
            "distinct_tokens": facts.summary.distinct,
            "sha256": facts.vocabulary_sha256,
            "from": None if facts.origin is None else facts.origin._asdict(),
            "cache": None if facts.found is None else add_found(facts.found)._asdict(),
        },
        "coverage": _coverage(facts.summary, kept=len(facts.words)),
        "splits": {split: _split(index, facts) for index, split in enumerate(SPLITS)},
        "rejected": {
            "rows": sum(facts.rejected.by_reason.values()),
            "by_reason": facts.rejected.by_reason,
            "examples": facts.rejected.examples,
            **facts.rejected_files,
        },
        "duplicates": {
            **_duplicates(facts.shards),
            "exact": duplicates.for_manifest(facts.repeated.exact),
            "normalised": duplicates.for_manifest(facts.repeated.normalised),
        },
        "quality": text_quality.for_manifest(
            facts.quality, wordless=sum(found.wordless_texts for found in facts.splits.values())
        ),
        "telling_words": _telling_words(facts),
        "samples": _samples(facts),
    }


def _judge(facts: Facts, config: Config) -> None:
    where = config.input.path
    rejected = sum(facts.rejected.by_reason.values())
    reasons = ", ".join(f"{reason} ({rows})" for reason, rows in list(facts.rejected.by_reason.items())[:3])
    if facts.input_rows == 0:
        raise UserError(f"input.path: there are no rows in {where}")
    if not facts.labels and facts.rejected.by_reason.get(UNKNOWN_LABEL):
        raise UserError("split: no row is in the train split; its texts are what is learnt from")
    if len(facts.labels) > MOST_LABELS:
        raise UserError(
            f"input.label_column: '{config.input.label_column}' has more than {MOST_LABELS} different labels; "
            "is it the column with the labels?"
        )
    if rejected > config.output.max_rejected * facts.input_rows:
        raise UserError(
            f"output.max_rejected is {config.output.max_rejected:g}, but {rejected} of {facts.input_rows} rows "
            f"can't be used: {reasons}; mend them or raise output.max_rejected"
        )
    if len(facts.labels) < 2:
        found = f"only the label {facts.labels[0]!r}" if facts.labels else "no rows"
        raise UserError(f"input.label_column: the train split has {found}; at least two labels are needed")
    if facts.summary.total == 0:
        raise UserError(
            f"input.text_column: no text of the train split in '{config.input.text_column}' has a word in it; "
            "is it the column with the texts, and do text.filters leave anything?"
        )
    if facts.origin is None and facts.summary.counts[-1] < config.vocabulary.min_count:
        raise UserError(
            f"vocabulary.min_count is {config.vocabulary.min_count}, but the most frequent word of the train split "
            f"occurs {facts.summary.counts[-1]} times; lower it"
        )
    train = facts.splits.get(SPLITS.index("train"), SplitStatistics())
    if facts.origin is not None and train.unknown_tokens == train.tokens:
        raise UserError(
            f"vocabulary.from: no token of the train split is a word of {facts.origin.path}; are the texts of its "
            "language, and are text.lowercase, filters and split as they were for it?"
        )


def _split(index: int, facts: Facts) -> dict[str, Any]:
    found = facts.splits.get(index, SplitStatistics())
    shards = sorted((shard for shard in facts.shards if shard.split == SPLITS[index]), key=lambda shard: shard.path)
    described = [{"path": shard.path, **asdict(shard.summary)} for shard in shards]
    return {**split_statistics.for_manifest(found, labels=facts.labels), "shards": described}


def _coverage(summary: count_tables.CountSummary, *, kept: int) -> list[list[float]]:
    """[words, share of the train split's tokens that these are] for growing numbers of words."""
    steps = {round(10 ** (step / _COVERAGE_STEPS)) for step in range(10 * _COVERAGE_STEPS)}
    words = sorted({step for step in steps if step < summary.distinct} | {kept, summary.distinct})
    shares = count_tables.coverage(summary, words)
    return [[number, round(share, 6)] for number, share in zip(words, shares, strict=True)]


def _telling_words(facts: Facts) -> dict[str, Any]:
    train = facts.splits.get(SPLITS.index("train"), SplitStatistics())
    return distinctive_words.for_manifest(
        train.words,
        label_rows=[train.labels[index] for index in range(len(facts.labels))],
        labels=facts.labels,
        tokens={number: token for number, token, _ in facts.words},
        rows=train.rows,
    )


def _duplicates(shards: Sequence[WrittenShard]) -> dict[str, int]:
    counted = [shard.duplicates for shard in shards] or [DuplicateCounts(0, 0, 0)]
    return {name: sum(getattr(part, name) for part in counted) for name in DuplicateCounts._fields}


def _samples(facts: Facts) -> list[dict[str, Any]]:
    """Rows with their texts and ids: the exported model is checked against them."""
    return [
        {
            "split": SPLITS[index],
            "text": sample.text.decode(),
            "label": facts.labels[sample.label],
            "ids": list(sample.ids),
        }
        for index in sorted(facts.splits)
        for sample in facts.splits[index].samples
    ]
