"""A manifest and metrics -> sentences on what was seen in the data that limits the model, the most important first.

The job's own advice is part of them: what splits share, damaged texts, cut texts, unknown words.
"""

from collections.abc import Iterator
from typing import Final

from pipeline.contract import Split
from pipeline.records_folder.manifest import Manifest
from pipeline.support.terminal import percent
from trainer.model_card.data import effective_rows

# A label below this share of the train rows is rare: the model has seen little of it. The issue's own number.
RARE_SHARE: Final = 0.05
# Held-out rows of a label; with fewer, Wilson's interval of a recall of 0.8 is wider than 0.28.
_FEW_ROWS: Final = 30
# Rare labels that a sentence names.
_NAMED: Final = 5
# The effective sample size, as a share of the rows, below which weights are told to cost much.
_MUCH_LOST: Final = 0.5
# A finding below this share of the texts is not told; the job's advice has the same.
_FOREIGN_SHARE: Final = 0.01


def limits_of(manifest: Manifest, *, measured: Split | None) -> list[str]:
    """The sentences; measured: the split whose metrics the card has, None without."""
    return [
        *_not_measured(measured),
        *_rare(manifest),
        *_few_held_out(manifest, measured),
        *_weights(manifest),
        *_scripts(manifest),
        *(item.text for item in manifest.advice),
    ]


def _not_measured(measured: Split | None) -> Iterator[str]:
    if measured is None:
        yield "There was no test split: nothing says how good the model is on texts that it has not seen."


def _rare(manifest: Manifest) -> Iterator[str]:
    train = manifest.splits["train"]
    shares = {label: train.labels.get(label, 0) / max(train.rows, 1) for label in manifest.labels}
    rare = sorted((label for label in shares if shares[label] < RARE_SHARE), key=lambda label: shares[label])
    if rare:
        are = "has" if len(rare) == 1 else "have"
        yield (
            f"{len(rare):,} of {len(manifest.labels):,} labels {are} less than {RARE_SHARE:.0%} of the train rows: "
            f"{_named([f'{quoted(label)} ({percent(shares[label])})' for label in rare])}."
        )


def _few_held_out(manifest: Manifest, measured: Split | None) -> Iterator[str]:
    if measured is None:
        return
    rows = {label: manifest.splits[measured].labels.get(label, 0) for label in manifest.labels}
    few = sorted((label for label in rows if rows[label] < _FEW_ROWS), key=lambda label: rows[label])
    if few:
        are, whose = ("has", "its") if len(few) == 1 else ("have", "their")
        yield (
            f"{len(few):,} of {len(rows):,} labels {are} fewer than {_FEW_ROWS} {measured} rows, so {whose} figures "
            f"are uncertain: {_named([f'{quoted(label)} ({rows[label]:,})' for label in few])}."
        )


def _weights(manifest: Manifest) -> Iterator[str]:
    train = manifest.splits["train"]
    if train.weights is None or not train.rows:
        return
    effective = effective_rows(train.weights.total, train.weights.squares)
    if effective < _MUCH_LOST * train.rows:
        yield (
            f"The weights of the {train.rows:,} train rows differ so much that they say as much as {effective:,.0f} "
            "rows of equal weight."
        )


def _scripts(manifest: Manifest) -> Iterator[str]:
    found = manifest.quality.findings.get("non_latin")
    if found and found.share > _FOREIGN_SHARE:
        estimated = "" if found.exact else "An estimated "
        yield (
            f"{estimated}{percent(found.share)} of the texts are mostly in another script than the Latin one: the "
            "figures do not say how good the model is on each."
        )


def quoted(label: str) -> str:
    """A label inside a sentence.

    >>> quoted("spam")
    "'spam'"
    """
    return f"'{label}'"


def _named(parts: list[str]) -> str:
    """The first parts, and how many more there are.

    >>> _named(["a", "b"]), _named(list("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = f" and {len(parts) - _NAMED:,} more" if len(parts) > _NAMED else ""
    return ", ".join(parts[:_NAMED]) + more
