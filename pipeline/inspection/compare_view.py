"""The result of inspection/compare.py -> tables for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.contract import SPLITS
from pipeline.support.printable import to_printable
from pipeline.support.terminal import percent, table

_SHOWN_LABELS = 12  # those whose shares changed most
_SHOWN_WORDS = 12


def comparison_tables(comparison: Mapping[str, Any]) -> list[RenderableType]:
    """All parts of a comparison, as `compare` returns it."""
    parts: list[RenderableType] = [
        _overview(comparison),
        _words(comparison),
        _labels(comparison["labels"]),
    ]
    if comparison["settings"]:
        parts.insert(1, _settings(comparison["settings"]))
    if comparison["checks"]:
        parts.append(_checks(comparison["checks"]))
    return parts


def _overview(comparison: Mapping[str, Any]) -> Table:
    made = table("", *[to_printable(path) for path in comparison["folders"]], "")
    for split in SPLITS:
        made.add_row(f"{split} rows", *[f"{rows[split]:,}" for rows in comparison["rows"]])
    if any(comparison["unlabelled_rows"]):
        made.add_row("rows without labels", *[f"{rows:,}" for rows in comparison["unlabelled_rows"]])
    vocabulary, coverage, oov, lengths = (comparison[name] for name in ("vocabulary", "coverage", "oov", "lengths"))
    made.add_row("words", *[f"{size:,}" for size in vocabulary["sizes"]], f"{vocabulary['change']:.1%} changed")
    made.add_row("distinct tokens", *[f"{number:,}" for number in coverage["distinct_tokens"]])
    made.add_row("tokens known", *[f"{share:.1%}" for share in coverage["shares"]], f"{-coverage['drop']:+.1%}")
    made.add_row("unknown to A's words", "", _range(oov), f"{oov['own']:.1%} to its own")
    for share, values in lengths["percentiles"].items():
        made.add_row(f"{share} of texts ≤ ids", *[f"{value:,}" for value in values])
    cut = [f"{share:.1%}" for share in lengths["cut_at_max_length"]]
    made.add_row(f"cut at {lengths['max_length']:,} ids", *cut, f"lengths shifted by {lengths['shift']:.1%}")
    for name, shares in comparison["quality"].items():
        if any(shares):
            made.add_row(name.replace("_", " "), *[percent(share) for share in shares])
    return made


def _range(oov: Mapping[str, float]) -> str:
    low, high = f"{oov['at_least']:.1%}", f"{oov['at_most']:.1%}"
    return low if low == high else f"{low} to {high}"


def _settings(settings: Mapping[str, Sequence[Any]]) -> Table:
    made = table("", "A", "B", title="settings that differ")
    for name, values in settings.items():
        made.add_row(name, *[Text(to_printable(str(value))) for value in values])
    return made


def _words(comparison: Mapping[str, Any]) -> Group:
    lines = []
    for name, title in (("came", "new in B"), ("went", "gone from A")):
        part = comparison["vocabulary"][name]
        words = [f"{to_printable(word)} {count:,}" for word, count in part["most_frequent"][:_SHOWN_WORDS]]
        lines.append(_line(f"{title}, {part['words']:,} words", words, is_cut=part["words"] > len(words)))
    for name, title in (("more", "used more in B"), ("less", "used less in B")):
        words = [to_printable(word["token"]) for word in comparison["usage"][name][:_SHOWN_WORDS]]
        if words:
            lines.append(_line(title, words, is_cut=False))
    return Group(Text("words", style="bold"), *lines)


def _line(title: str, words: Sequence[str], *, is_cut: bool) -> Text:
    line = ", ".join(words) + (" …" if is_cut else "")
    return Text.assemble((f"{title}: ", "dim"), line or "-")


def _labels(labels: Mapping[str, Any]) -> Table:
    made = table("", "A", "B", "", title=f"labels (shifted by {labels['shift']:.1%})")
    shares = sorted(labels["shares"].items(), key=lambda item: -abs(item[1][1] - item[1][0]))
    for name, (before, after) in shares[:_SHOWN_LABELS]:
        note = "new" if name in labels["came"] else "gone" if name in labels["went"] else f"{after - before:+.1%}"
        made.add_row(Text(to_printable(name)), f"{before:.1%}", f"{after:.1%}", note)
    if len(shares) > _SHOWN_LABELS:
        made.add_row(f"and {len(shares) - _SHOWN_LABELS:,} that changed less")
    if "no_labels" in labels:
        before, after = labels["no_labels"]
        made.add_row(Text("none of them", style="italic"), f"{before:.1%}", f"{after:.1%}", f"{after - before:+.1%}")
    return made


def _checks(checks: Sequence[Mapping[str, Any]]) -> Table:
    made = table("", "value", "limit", "", title="limits")
    for check in checks:
        verdict = Text("above the limit", style="red") if check["exceeded"] else Text("within", style="green")
        made.add_row(check["setting"], f"{check['value']:.4f}", f"{check['limit']:g}", verdict)
    return made
