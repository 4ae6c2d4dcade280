"""What inspection/compare.py found -> tables that a person reads on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.contract import SPLITS
from pipeline.support.printable import to_printable
from pipeline.support.terminal import small, table

_MOST_LABELS = 12
_SHOWN_WORDS = 12


def compared(found: Mapping[str, Any]) -> list[RenderableType]:
    """All of it, in parts."""
    parts: list[RenderableType] = [
        _overview(found),
        _words(found),
        _labels(found["labels"]),
    ]
    if found["settings"]:
        parts.insert(1, _settings(found["settings"]))
    if found["checks"]:
        parts.append(_checks(found["checks"]))
    return parts


def _overview(found: Mapping[str, Any]) -> Table:
    made = table("", "", *[to_printable(path) for path in found["folders"]], "")
    for split in SPLITS:
        made.add_row(f"{split} rows", *[f"{rows[split]:,}" for rows in found["rows"]])
    vocabulary, coverage, oov, lengths = (found[name] for name in ("vocabulary", "coverage", "oov", "lengths"))
    made.add_row("words", *[f"{size:,}" for size in vocabulary["sizes"]], f"{vocabulary['change']:.1%} changed")
    made.add_row("distinct tokens", *[f"{number:,}" for number in coverage["distinct_tokens"]])
    made.add_row("tokens known", *[f"{share:.1%}" for share in coverage["shares"]], f"{-coverage['drop']:+.1%}")
    made.add_row("unknown to A's words", "", _range(oov), f"{oov['own']:.1%} to its own")
    for share, values in lengths["percentiles"].items():
        made.add_row(f"{share} of texts ≤ ids", *[f"{value:,}" for value in values])
    cut = [f"{share:.1%}" for share in lengths["cut_at_max_length"]]
    made.add_row(f"cut at {lengths['max_length']:,} ids", *cut, f"lengths shifted by {lengths['shift']:.1%}")
    for name, shares in found["quality"].items():
        if any(shares):
            made.add_row(name.replace("_", " "), *[small(share) for share in shares])
    return made


def _range(oov: Mapping[str, float]) -> str:
    low, high = f"{oov['at_least']:.1%}", f"{oov['at_most']:.1%}"
    return low if low == high else f"{low} to {high}"


def _settings(settings: Mapping[str, Sequence[Any]]) -> Table:
    made = table("settings that differ", "", "A", "B")
    for name, values in settings.items():
        made.add_row(name, *[Text(to_printable(str(value))) for value in values])
    return made


def _words(found: Mapping[str, Any]) -> Group:
    lines = []
    for name, title in (("came", "new in B"), ("went", "gone from A")):
        part = found["vocabulary"][name]
        listed = [f"{to_printable(word)} {count:,}" for word, count in part["most_frequent"][:_SHOWN_WORDS]]
        lines.append(_line(f"{title}, {part['words']:,} words", listed, is_cut=part["words"] > len(listed)))
    for name, title in (("more", "used more in B"), ("less", "used less in B")):
        listed = [to_printable(word["token"]) for word in found["usage"][name][:_SHOWN_WORDS]]
        if listed:
            lines.append(_line(title, listed, is_cut=False))
    return Group(Text("words", style="bold"), *lines)


def _line(title: str, words: Sequence[str], *, is_cut: bool) -> Text:
    shown = ", ".join(words) + (" …" if is_cut else "")
    return Text.assemble((f"{title}: ", "dim"), shown or "-")


def _labels(labels: Mapping[str, Any]) -> Table:
    made = table(f"labels (shifted by {labels['shift']:.1%})", "", "A", "B", "")
    shares = sorted(labels["shares"].items(), key=lambda item: -abs(item[1][1] - item[1][0]))
    for name, (before, after) in shares[:_MOST_LABELS]:
        note = "new" if name in labels["came"] else "gone" if name in labels["went"] else f"{after - before:+.1%}"
        made.add_row(Text(to_printable(name)), f"{before:.1%}", f"{after:.1%}", note)
    if len(shares) > _MOST_LABELS:
        made.add_row(f"and {len(shares) - _MOST_LABELS:,} that changed less")
    return made


def _checks(checks: Sequence[Mapping[str, Any]]) -> Table:
    made = table("limits", "", "found", "limit", "")
    for check in checks:
        verdict = Text("above the limit", style="red") if check["exceeded"] else Text("within", style="green")
        made.add_row(check["setting"], f"{check['value']:.4f}", f"{check['limit']:g}", verdict)
    return made
