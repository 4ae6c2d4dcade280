"""A manifest -> sentences that say how its rows were divided into splits, and what that cost."""

from collections.abc import Mapping

from pipeline.config.input_settings import SplitSettings
from pipeline.contract import SPLITS, Split
from pipeline.records_folder.manifest import GroupsSummary, Manifest

# With groups, a split whose share is further than this from the one asked for, relative to it, is told in the advice.
MAX_SHARE_ERROR = 0.25


def division_lines(manifest: Manifest) -> list[str]:
    """How rows were divided, with the share of each split; and what `split.duplicates` left out."""
    settings = manifest.config.split
    rows = {split: manifest.splits[split].rows for split in SPLITS}
    shares = ", ".join(_share(split, rows, settings) for split in SPLITS)
    lines = [f"rows are divided {_how(settings)}{_groups(manifest.groups)}: {shares}"]
    left_out = sum(manifest.rejected.asked_for.values())
    if left_out:
        what = "the text of an earlier row" if settings.duplicates == "first" else "a text that has several labels"
        lines.append(f"{left_out:,} rows with {what} are left out (split.duplicates: {settings.duplicates})")
    return lines


def missed_shares(manifest: Manifest) -> list[tuple[str, float, float]]:
    """(split, its share of the rows, the share asked for) of the splits that groups made much too large or small."""
    settings = manifest.config.split
    whole = sum(part.rows for part in manifest.splits.values())
    if settings.group_column is None or not whole:
        return []
    found = [(split, manifest.splits[split].rows / whole, getattr(settings, split)) for split in SPLITS]
    return [(split, share, asked) for split, share, asked in found if abs(share - asked) > MAX_SHARE_ERROR * asked]


def _how(settings: SplitSettings) -> str:
    if settings.column is not None:
        return f"by the column {settings.column!r}"
    if settings.time_column is not None:
        begins = {"eval": settings.eval_from, "test": settings.test_from}
        times = ", ".join(f"{split} from {time}" for split, time in begins.items() if time is not None)
        return f"by the times in {settings.time_column!r}, {times}"
    if settings.group_column is not None:
        return f"by groups, one for each value of {settings.group_column!r}"
    return "by content, each label on its own" if settings.stratify else "by content"


def _groups(groups: GroupsSummary | None) -> str:
    if groups is None:
        return ""
    if groups.exact:
        return f" ({groups.groups:,}; the largest has {groups.largest:,} rows)"
    return f" (about {groups.groups:,}; the largest of 512 of them has {groups.largest:,} rows)"


def _share(split: Split, rows: Mapping[Split, int], settings: SplitSettings) -> str:
    share = f"{split} {rows[split] / max(sum(rows.values()), 1):.1%}"
    return f"{share} ({getattr(settings, split):.1%} asked for)" if settings.has_shares else share
