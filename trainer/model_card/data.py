"""A manifest -> the card's part on data: rows, labels, vocabulary, what was rejected, what splits share."""

from collections.abc import Iterator

from pipeline.contract import SPLITS, Split
from pipeline.records_folder.counted_texts import counted_texts
from pipeline.records_folder.manifest import Manifest, SplitSummary
from trainer.model_card.schema import Data, FindingData, LabelData, SharedRows, SplitData, VocabularyData


def data_of(manifest: Manifest, *, sha256: str) -> Data:
    """The part; sha256: of manifest.json."""
    splits = {split: manifest.splits[split] for split in SPLITS if manifest.splits[split].rows}
    return Data(
        manifest=sha256,
        splits={split: _split(part) for split, part in splits.items()},
        labels=[_label(manifest, label) for label in manifest.labels],
        vocabulary=VocabularyData(
            words=manifest.vocabulary.size,
            known_tokens=counted_texts(manifest).known_share,
            sha256=manifest.vocabulary.sha256,
        ),
        unlabelled_rows=manifest.unlabelled.rows if manifest.unlabelled else 0,
        rejected=dict(sorted(manifest.rejected.by_reason.items())),
        left_out=manifest.input.left_out_rows,
        shared=list(_shared(manifest)),
        findings={
            name: FindingData(share=finding.share, exact=finding.exact)
            for name, finding in sorted(manifest.quality.findings.items())
            if finding.count
        },
    )


def effective_rows(total: float, squares: float) -> float:
    """The effective sample size of weighted rows: so many rows of equal weight say as much.

        n = (sum of w)² / sum of w²

    (L. Kish, Survey Sampling, 1965, section 11.7.) total: the sum of the weights; squares: that of their squares.

    >>> effective_rows(3.0, 3.0), effective_rows(4.0, 10.0)
    (3.0, 1.6)
    """
    return total * total / squares if squares else 0.0


def _split(part: SplitSummary) -> SplitData:
    weights = part.weights
    return SplitData(
        rows=part.rows,
        no_labels=part.no_labels,
        tokens=part.tokens,
        unknown_tokens=_ratio(part.unknown_tokens, part.tokens),
        truncated_texts=_ratio(part.truncated_texts, part.rows),
        empty_texts=_ratio(part.empty_texts, part.rows),
        weight=weights and weights.total,
        effective_rows=weights and effective_rows(weights.total, weights.squares),
    )


def _label(manifest: Manifest, label: str) -> LabelData:
    train = manifest.splits["train"]
    weights = train.weights
    return LabelData(
        label=label,
        rows={split: manifest.splits[split].labels.get(label, 0) for split in SPLITS if manifest.splits[split].rows},
        share=_ratio(train.labels.get(label, 0), train.rows),
        weight_share=weights and _ratio(weights.labels.get(label, 0.0), weights.total),
    )


def _shared(manifest: Manifest) -> Iterator[SharedRows]:
    """Texts of two splits, the surest first."""
    found = manifest.duplicates
    for how, kind in (("equal", found.exact), ("equal_but_for_form", found.normalised)):
        for pair in kind.across:
            yield from _pair(manifest, pair.splits, how=how, rows=pair.rows[1])
    for near in found.near.across:
        yield from _pair(manifest, near.splits, how="nearly_equal", rows=near.rows)


def _pair(manifest: Manifest, splits: tuple[Split, Split], *, how: str, rows: int) -> Iterator[SharedRows]:
    if rows:
        yield SharedRows(splits=splits, how=how, rows=rows, share=min(1.0, rows / manifest.splits[splits[1]].rows))


def _ratio(part: float, whole: float) -> float:
    """A share that is not above 1 by rounding.

    >>> _ratio(1, 8), _ratio(0, 0)
    (0.125, 0.0)
    """
    return min(1.0, part / whole) if whole else 0.0
