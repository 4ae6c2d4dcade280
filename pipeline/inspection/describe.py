"""A manifest -> tables for the terminal: all that `describe` shows."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.contract import SPLITS
from pipeline.inspection.describe_texts import advice, texts
from pipeline.records_folder.counted_texts import counted_texts
from pipeline.records_folder.damage import damage_head
from pipeline.records_folder.delimited_rows import repeated_lines, spanning_lines
from pipeline.records_folder.division import division_lines
from pipeline.records_folder.label_balance import label_lines, set_lines, share_of_label
from pipeline.records_folder.lengths import Texts, binned, percentile, share_cut
from pipeline.records_folder.manifest import InputSummary, Manifest, SplitSummary, VocabularyOrigin
from pipeline.records_folder.mapped_labels import mapped_lines
from pipeline.records_folder.table_lines import table_lines
from pipeline.records_folder.vocabulary_tsv import Word
from pipeline.support.printable import to_printable
from pipeline.support.terminal import bars, share, table
from pipeline.vocabulary.imported.source import KIND_NAMES

_BAR_CHARACTERS = 40  # of a line of bars: a histogram or a curve
_COVERAGES = (0.8, 0.9, 0.95, 0.99)  # shares of the counted tokens
_SHOWN_LABELS = 12


def folder_tables(manifest: Manifest, *, words: Sequence[Word]) -> list[RenderableType]:
    """The parts of the description of a records folder. words: the most frequent ones."""
    parts: list[RenderableType] = [
        _splits(manifest),
        _labels(manifest),
        _vocabulary(manifest, words),
        _lengths(manifest),
        *texts(manifest),
    ]
    if of_rows := [*repeated_lines(manifest.input), *spanning_lines(manifest.input)]:
        parts.append(Group(Text("rows and lines", style="bold"), *map(Text, of_rows)))
    if manifest.input.lake_tables:
        parts.append(_lake_tables(manifest.input))
    if manifest.input.damaged:
        parts.append(_damaged(manifest.input))
    if manifest.rejected.rows:
        parts.append(_rejected(manifest))
    return [*parts, advice(manifest)]


def _splits(manifest: Manifest) -> Group:
    made = table("split", "rows", "shards", "tokens", "unknown", "cut", "empty", title="rows")
    parts: dict[str, Texts] = {split: manifest.splits[split] for split in SPLITS}
    if manifest.unlabelled is not None:
        parts["without labels"] = manifest.unlabelled
    for split, part in parts.items():
        made.add_row(
            split,
            f"{part.rows:,}",
            f"{len(part.shards)}",
            f"{part.tokens:,}",
            share(part.unknown_tokens, part.tokens),
            share(part.truncated_texts, part.rows),
            share(part.empty_texts, part.rows),
        )
    lines = [*division_lines(manifest), *table_lines(manifest.input)]
    return Group(made, *(Text(to_printable(line)) for line in lines))


def _labels(manifest: Manifest) -> Group:
    parts, form = [manifest.splits[split] for split in SPLITS], manifest.record
    made = table("label", *SPLITS, *["weight in train"] * form.weighted, title="labels")
    for label in manifest.labels[:_SHOWN_LABELS]:
        cells = [_of_rows(part.labels.get(label, 0), part) for part in parts]
        weight = [f"{share_of_label(parts[0], label):.1%}"] * form.weighted
        made.add_row(Text(to_printable(label)), *cells, *weight)
    if len(manifest.labels) > _SHOWN_LABELS:
        made.add_row(f"and {len(manifest.labels) - _SHOWN_LABELS} more")
    if form.several_labels:
        made.add_row(Text("none of them", style="italic"), *[_of_rows(part.no_labels, part) for part in parts])
    lines = [*label_lines(manifest), *set_lines(manifest), *mapped_lines(manifest)]
    return Group(made, *(Text(to_printable(line)) for line in lines))


def _of_rows(rows: int, part: SplitSummary) -> str:
    return f"{rows:,} ({share(rows, part.rows)})"


def _vocabulary(manifest: Manifest, words: Sequence[Word]) -> Group:
    part = manifest.vocabulary
    counted = counted_texts(manifest)
    lines = [
        Text("vocabulary", style="bold"),
        Text(
            f"{part.size:,} of {part.distinct_tokens:,} distinct tokens are words "
            f"(top_words {manifest.config.vocabulary.top_words:,}); they make up "
            f"{share(counted.tokens - counted.unknown_tokens, counted.tokens)} of {counted.name}"
        ),
        *_origin(part.origin),
        *_coverage(manifest),
        Text("most frequent: " + ", ".join(f"{to_printable(word.token)} {word.count:,}" for word in words)),
    ]
    return Group(*lines)


def _origin(origin: VocabularyOrigin | None) -> list[Text]:
    if origin is None:
        return []
    kind = f"{KIND_NAMES[origin.kind]}, {origin.words:,} words"
    return [Text(f"ids up to {origin.last_id:,} from {to_printable(origin.path)} ({kind})")]


def _coverage(manifest: Manifest) -> list[Text]:
    """The share of the counted tokens that the most frequent words cover: a bar for each number of words."""
    curve = manifest.coverage
    if len(curve) < 2:
        return []
    needed = [(goal, next((words for words, covered in curve if covered >= goal), curve[-1][0])) for goal in _COVERAGES]
    drawn = bars([covered for _, covered in curve[:: max(1, len(curve) // _BAR_CHARACTERS)]])
    return [
        Text.assemble("1 word ", (drawn, "cyan"), f" {curve[-1][0]:,}"),
        Text("words that cover " + ", ".join(f"{goal:.0%}: {words:,}" for goal, words in needed)),
    ]


def _lengths(manifest: Manifest) -> Group:
    part = manifest.splits["train"]
    cut = manifest.config.sequence.max_length
    quantiles = ", ".join(
        f"{quantile:.0%} ≤ {percentile(part, quantile):,}" for quantile in (0.5, 0.9, 0.95, 0.99, 1.0)
    )
    others = sorted({percentile(part, quantile) for quantile in (0.5, 0.9, 0.99)} - {cut, 0})
    elsewhere = ", ".join(f"{length:,}: {share_cut(part, length):.1%}" for length in others)
    return Group(
        Text("ids of a text before truncation (train)", style="bold"),
        *_spark(part, cut),
        Text(quantiles),
        Text(
            f"max_length {cut:,} cuts {share(part.truncated_texts, part.rows)} of the texts; others: {elsewhere or '-'}"
        ),
    )


def _spark(part: SplitSummary, cut: int) -> list[Text]:
    """A histogram of the lengths on one line, from 0 to the 99th percentile; a mark below it shows max_length."""
    end = max(percentile(part, 0.99), 1)
    drawn = Text.assemble("0 ", (bars(binned(part, bins=_BAR_CHARACTERS, end=end)), "cyan"), f" {end:,}")
    if cut > end:
        return [drawn]
    place = cut * _BAR_CHARACTERS // (end + 1)
    return [drawn, Text(" " * (2 + place) + f"▲ max_length {cut:,}", style="yellow")]


def _lake_tables(part: InputSummary) -> Table:
    made = table("table", "kind", "version", "files", kinds="tttn", title="tables that were read")
    for each in part.lake_tables:
        made.add_row(Text(to_printable(each.path)), each.kind, to_printable(each.version), f"{each.files:,}")
    return made


def _damaged(part: InputSummary) -> Group:
    made = table("file", "rows read", "what is wrong with the rest", kinds="tnt")
    for file in part.damaged_files:
        made.add_row(Text(to_printable(file.file)), f"{file.rows:,}", Text(to_printable(file.why)))
    return Group(Text("damaged files", style="bold"), Text(damage_head(part)), made)


def _rejected(manifest: Manifest) -> Table:
    made = table("reason", "rows", "for example", title="rejected rows")
    for reason, rows in manifest.rejected.by_reason.items():
        example = next(iter(manifest.rejected.examples.get(reason, [])), None)
        where = f"{example['file']}, row {example['row']}" if example else ""
        asked_for = " (left out, as the settings ask)" if reason in manifest.rejected.asked_for else ""
        made.add_row(f"{reason}{asked_for}", f"{rows:,}", Text(to_printable(where)))
    return made
