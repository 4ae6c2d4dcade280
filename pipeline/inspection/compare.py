"""Two records folders -> what changed from the first to the second: words, coverage, lengths, labels, qualities.

Everything comes from the two manifests and vocabularies; no record is read. All figures are exact but two:

    the share of B's counted tokens that A's vocabulary does not have: two bounds, at_least and at_most. They are equal
      if A cannot have any of the words that B left out.
    lengths above 4,096 ids, and qualities of large inputs: estimated as in the manifests (docs/reference/manifest.md)
"""

from collections.abc import Collection, Mapping, Sequence
from heapq import nlargest
from typing import Any, NamedTuple

import numpy as np

from pipeline.config.settings import CompareSettings
from pipeline.contract import SPLITS
from pipeline.records_folder.counted_texts import counted_texts
from pipeline.records_folder.lengths import distance, percentile, share_cut
from pipeline.records_folder.manifest import Manifest, SplitSummary
from pipeline.statistics import distinctive_words

_PERCENTILES = (0.5, 0.9, 0.99, 1.0)
_LISTED_WORDS = 50
# Words that B uses more, or less, are listed above this z-score. By chance alone 3 words in 1,000 would be.
_DISTINCTIVE_SCORE = 3.0
_DISTINCTIVE_WORDS = 20


class Folder(NamedTuple):
    """A records folder: its path, its manifest, and its words with their counts in the texts that were counted."""

    path: str
    manifest: Manifest
    words: Mapping[str, int]


def compare(a: Folder, b: Folder, limits: CompareSettings) -> dict[str, Any]:
    """All that changed, as `compare --json` prints it. Of two values in a list the first is A's, the second B's."""
    comparison = {
        "folders": [a.path, b.path],
        "rows": [{split: side.manifest.splits[split].rows for split in SPLITS} for side in (a, b)],
        "unlabelled_rows": [side.manifest.unlabelled.rows if side.manifest.unlabelled else 0 for side in (a, b)],
        "settings": _settings(a.manifest, b.manifest),
        "vocabulary": _vocabulary(a, b),
        "usage": _usage(a, b),
        "coverage": _coverage(a.manifest, b.manifest),
        "oov": oov(a, b),
        "lengths": _lengths(a.manifest, b.manifest),
        "labels": _labels(a.manifest, b.manifest),
        "quality": _quality(a.manifest, b.manifest),
    }
    comparison["checks"] = _checks(comparison, limits)
    return comparison


def oov(a: Folder, b: Folder) -> dict[str, float]:
    """The share of B's counted tokens that A's vocabulary does not have (at_least, at_most), and B's neither (own).

    B's words have counts. Of the tokens that B's vocabulary left out only the sum is known.
    at_most: A has none of them.
    at_least: A has as many of them as possible. They can only be words of A that B does not have. B left them out as
      too rare, so each occurs in B at most as often as B's rarest word.
    """
    counted = counted_texts(b.manifest)
    tokens = max(counted.tokens, 1)
    left_out = counted.tokens - sum(b.words.values())
    unknown = sum(count for word, count in b.words.items() if word not in a.words)
    rarest = min(b.words.values(), default=0)
    may_be_known = left_out
    if b.manifest.vocabulary.origin is None:
        may_be_known = min(left_out, rarest * sum(word not in b.words for word in a.words))
    return {
        "at_least": (unknown + left_out - may_be_known) / tokens,
        "at_most": (unknown + left_out) / tokens,
        "own": counted.unknown_tokens / tokens,
    }


def _settings(a: Manifest, b: Manifest) -> dict[str, list[Any]]:
    """The settings that change ids and differ."""
    differ = {}
    for section in ("text", "vocabulary", "sequence"):
        first, second = getattr(a.config, section).model_dump(), getattr(b.config, section).model_dump()
        differ.update({f"{section}.{key}": [first[key], second[key]] for key in first if first[key] != second[key]})
    return differ


def _vocabulary(a: Folder, b: Folder) -> dict[str, Any]:
    came, went = b.words.keys() - a.words.keys(), a.words.keys() - b.words.keys()
    shared = len(b.words) - len(came)
    return {
        "sizes": [len(a.words), len(b.words)],
        "shared": shared,
        "came": _word_list({word: b.words[word] for word in came}),
        "went": _word_list({word: a.words[word] for word in went}),
        "change": (len(came) + len(went)) / max(shared + len(came) + len(went), 1),
    }


def _word_list(words: Mapping[str, int]) -> dict[str, Any]:
    return {
        "words": len(words),
        "tokens": sum(words.values()),
        "most_frequent": [
            list(item) for item in nlargest(_LISTED_WORDS, words.items(), key=lambda item: (item[1], item[0]))
        ],
    }


def _usage(a: Folder, b: Folder) -> dict[str, list[dict[str, Any]]]:
    """Words of both that B uses more, or less, than chance explains; scored as in statistics/distinctive_words.py."""
    words = sorted(a.words.keys() & b.words.keys())
    if not words:
        return {"more": [], "less": []}
    before, after = (np.array([side.words[word] for word in words], np.int64) for side in (a, b))
    score = distinctive_words.scores(after, before)
    order = np.argsort(-score, kind="stable").tolist()

    def entries(indices: Sequence[int]) -> list[dict[str, Any]]:
        return [
            {"token": words[index], "score": round(float(score[index]), 2),
             "counts": [int(before[index]), int(after[index])]}
            for index in indices[:_DISTINCTIVE_WORDS]
            if abs(score[index]) > _DISTINCTIVE_SCORE
        ]  # fmt: skip

    return {
        "more": entries([index for index in order if score[index] > 0]),
        "less": entries([index for index in reversed(order) if score[index] < 0]),
    }


def _coverage(a: Manifest, b: Manifest) -> dict[str, Any]:
    """The share of each folder's counted tokens that its own vocabulary has."""
    shares = [1 - part.unknown_tokens / max(part.tokens, 1) for part in map(counted_texts, (a, b))]
    return {
        "shares": shares,
        "drop": shares[0] - shares[1],
        "distinct_tokens": [side.vocabulary.distinct_tokens for side in (a, b)],
        "unknown_by_split": {
            split: [_ratio(side.splits[split].unknown_tokens, side.splits[split].tokens) for side in (a, b)]
            for split in SPLITS
        },
    }


def _lengths(a: Manifest, b: Manifest) -> dict[str, Any]:
    parts = [a.splits["train"], b.splits["train"]]
    length = a.config.sequence.max_length
    return {
        "percentiles": {f"{share:.0%}": [percentile(part, share) for part in parts] for share in _PERCENTILES},
        "max_length": length,
        "cut_at_max_length": [share_cut(part, length) for part in parts],
        "shift": distance(*parts),
    }


def _labels(a: Manifest, b: Manifest) -> dict[str, Any]:
    """The share of each label among all rows. shift: the share of rows that would need another label.

    If a row may have several labels, at least the share of rows by which a label changed most would need others, and
    `no_labels` has the shares of rows without one.
    """
    names = sorted({*a.labels, *b.labels}, key=[*a.labels, *b.labels].index)
    shares = {name: [_label_share(side.splits.values(), name) for side in (a, b)] for name in names}
    labels = {
        "shares": shares,
        "came": [name for name in b.labels if name not in a.labels],
        "went": [name for name in a.labels if name not in b.labels],
        "shift": sum(abs(after - before) for before, after in shares.values()) / 2,
    }
    if a.record.several_labels or b.record.several_labels:
        none = [_no_label_share(side.splits.values()) for side in (a, b)]
        labels["no_labels"] = none
        labels["shift"] = max(abs(after - before) for before, after in [*shares.values(), none])
    return labels


def _label_share(splits: Collection[SplitSummary], name: str) -> float:
    return _ratio(sum(split.labels.get(name, 0) for split in splits), sum(split.rows for split in splits))


def _no_label_share(splits: Collection[SplitSummary]) -> float:
    return _ratio(sum(split.no_labels for split in splits), sum(split.rows for split in splits))


def _quality(a: Manifest, b: Manifest) -> dict[str, list[float]]:
    before, after = a.quality.findings, b.quality.findings
    return {name: [before[name].share, after[name].share] for name in before if name in after}


def _checks(comparison: Mapping[str, Any], limits: CompareSettings) -> list[dict[str, Any]]:
    """Each limit that is set, with the value of the comparison, and whether the value is above the limit."""
    values = {
        "max_oov_share": comparison["oov"]["at_least"],
        "max_label_shift": comparison["labels"]["shift"],
        "max_length_shift": comparison["lengths"]["shift"],
        "max_vocabulary_change": comparison["vocabulary"]["change"],
        "max_coverage_drop": comparison["coverage"]["drop"],
    }
    return [
        {"setting": f"compare.{name}", "limit": limit, "value": values[name], "exceeded": values[name] > limit}
        for name, limit in limits.model_dump().items()
        if limit is not None
    ]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
