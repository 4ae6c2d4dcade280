"""A manifest -> what a person should know of the texts themselves: qualities, repeats, telling words, advice."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.contract import SPLITS
from pipeline.records_folder.manifest import DuplicateTexts, Manifest
from pipeline.support.printable import to_one_line, to_printable
from pipeline.support.terminal import share, small, table

_MOST_LABELS = 12
_WORDS_OF_LABEL = 10


def texts(manifest: Manifest) -> Iterator[RenderableType]:
    """The parts that have something to say."""
    if any(words for words in manifest.distinctive_words.labels.values()):
        yield _telling(manifest)
    if any(finding.count for finding in manifest.quality.findings.values()):
        yield _quality(manifest)
    if manifest.duplicates.texts or manifest.duplicates.exact.texts or manifest.duplicates.normalised.texts:
        yield _repeats(manifest)


def advice(manifest: Manifest) -> Group:
    """What looks out of place, or that nothing does."""
    lines = [Text.assemble(("• ", "yellow"), to_printable(item.text)) for item in manifest.advice]
    return Group(Text("what to look at", style="bold"), *(lines or [Text("nothing looks out of place", style="green")]))


def _telling(manifest: Manifest) -> Group:
    part = manifest.distinctive_words
    title = "words that speak for a label"
    if not part.exact:
        title += f" (counted in {part.sampled_rows:,} of the train texts)"
    made = table("")
    made.show_header = False
    made.add_column()
    made.add_column(overflow="fold")
    for label, words in list(part.labels.items())[:_MOST_LABELS]:
        listed = ", ".join(to_printable(word.token) for word in words[:_WORDS_OF_LABEL])
        made.add_row(Text(to_printable(label)), Text(listed or "-"))
    return Group(Text(title, style="bold"), made)


def _quality(manifest: Manifest) -> RenderableType:
    part = manifest.quality
    title = "texts that have"
    if part.sampled_rows < part.rows:
        title += f" (estimated from {part.sampled_rows:,} of {part.rows:,})"
    made = table(title, "", "share", "for example")
    made.columns[2].justify = "left"
    for name, finding in part.findings.items():
        if finding.count:
            example = to_one_line(finding.examples[0]) if finding.examples else ""
            made.add_row(name.replace("_", " "), small(finding.share), Text(example, no_wrap=True, overflow="ellipsis"))
    return made


def _repeats(manifest: Manifest) -> RenderableType:
    """Rows that repeat another: inside the splits, and those of a split whose text stands in train."""
    part = manifest.duplicates
    if not part.exact.splits:  # of a run before these were told apart
        return Text(_sentence(part))
    made = table("rows whose text is repeated", "", "equal", "but for case, punctuation, space")
    for split in SPLITS:
        made.add_row(f"in {split}, beyond the first", *_pair(part.exact.splits[split], part.normalised.splits[split]))
    for first, second in zip(part.exact.across, part.normalised.across, strict=True):
        rows = manifest.splits[first.splits[1]].rows
        counts = [f"{kind.rows[1]:,} ({share(kind.rows[1], rows)})" for kind in (first, second)]
        made.add_row(f"in {first.splits[1]}, known from {first.splits[0]}", *counts)
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
