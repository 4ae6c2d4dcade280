"""A manifest -> tables on the texts themselves: distinctive words, qualities, duplicates, advice."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.contract import SPLITS
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.text_findings import DuplicateTexts
from pipeline.support.printable import to_one_line, to_printable
from pipeline.support.terminal import percent, share, table

_SHOWN_LABELS = 12
_SHOWN_WORDS = 10  # of a label


def texts(manifest: Manifest) -> Iterator[RenderableType]:
    """The parts; one with nothing to show is left out."""
    if any(words for words in manifest.distinctive_words.labels.values()):
        yield _distinctive_words(manifest)
    if any(finding.count for finding in manifest.quality.findings.values()):
        yield _quality(manifest)
    unlabelled = manifest.unlabelled.duplicates.in_splits.values() if manifest.unlabelled else ()
    part, near = manifest.duplicates, manifest.duplicates.near.across
    if (
        part.texts
        or part.exact.texts
        or part.normalised.texts
        or any(shared.rows for shared in near)
        or any(unlabelled)
    ):
        yield _duplicates(manifest)


def advice(manifest: Manifest) -> Group:
    """A line for each thing that looks out of place, or a line that says that nothing does."""
    lines = [Text.assemble(("• ", "yellow"), to_printable(item.text)) for item in manifest.advice]
    return Group(Text("what to look at", style="bold"), *(lines or [Text("nothing looks out of place", style="green")]))


def _distinctive_words(manifest: Manifest) -> Group:
    part = manifest.distinctive_words
    title = "distinctive words of each label"
    if not part.exact:
        title += f" (counted in {part.sampled_rows:,} of the train texts)"
    made = table("label", "words", kinds="tt")
    made.show_header = False
    for label, words in list(part.labels.items())[:_SHOWN_LABELS]:
        line = ", ".join(to_printable(word.token) for word in words[:_SHOWN_WORDS])
        made.add_row(Text(to_printable(label)), Text(line or "-"))
    return Group(Text(title, style="bold"), made)


def _quality(manifest: Manifest) -> RenderableType:
    part = manifest.quality
    title = "texts that have"
    if part.sampled_rows < part.rows:
        title += f" (estimated from {part.sampled_rows:,} of {part.rows:,})"
    made = table("", "share", "for example", kinds="tnt", title=title)
    for name, finding in part.findings.items():
        if finding.count:
            example = to_one_line(finding.examples[0]) if finding.examples else ""
            made.add_row(
                name.replace("_", " "), percent(finding.share), Text(example, no_wrap=True, overflow="ellipsis")
            )
    return made


def _duplicates(manifest: Manifest) -> RenderableType:
    """Duplicates inside each split, and the rows of a split whose text another split has."""
    part = manifest.duplicates
    if not part.exact.splits:  # a folder of a run that counted duplicates over all splits only
        return Text(_sentence(part))
    heads = ["", "equal", "but for case, punctuation, space"]
    made = table(*heads, title="duplicates, in rows")
    for split in SPLITS:
        made.add_row(f"in {split}, beyond the first", *_pair(part.exact.splits[split], part.normalised.splits[split]))
    for first, second in zip(part.exact.across, part.normalised.across, strict=True):
        rows = manifest.splits[first.splits[1]].rows
        counts = [f"{kind.rows[1]:,} ({share(kind.rows[1], rows)})" for kind in (first, second)]
        made.add_row(f"in {first.splits[1]}, also in {first.splits[0]}", *counts)
    for near in part.near.across:
        if near.rows:
            first_split, second_split = near.splits
            shown = f"about {near.rows:,} ({share(near.rows, manifest.splits[second_split].rows)})"
            made.add_row(f"in {second_split}, nearly in {first_split}", "", shown)
    if manifest.unlabelled is not None:
        for split, rows in manifest.unlabelled.duplicates.in_splits.items():
            number = f"{rows:,} ({share(rows, manifest.unlabelled.rows)})"
            made.add_row(f"without labels, also in {split}", number, "")
    conflicting = [f"{kind.conflicting:,}" for kind in (part.exact, part.normalised)]
    made.add_row("texts with different labels", *conflicting)
    return made


def _pair(exact: DuplicateTexts, normalised: DuplicateTexts) -> list[str]:
    return [f"{exact.rows:,}", f"{normalised.rows:,}"]


def _sentence(part: DuplicateTexts) -> str:
    return (
        f"{part.texts:,} texts occur more than once ({part.rows:,} rows too many); "
        f"{part.conflicting:,} of them carry different labels"
    )
