"""A manifest -> tables that a person reads on a terminal."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.contract import SPLITS
from pipeline.lengths import binned, percentile
from pipeline.manifest_file import ManifestFile, OriginPart, SplitPart
from pipeline.visible import visible
from pipeline.vocabulary_sources.source import KIND_NAMES

_BARS = " ▁▂▃▄▅▆▇█"
_HISTOGRAM_BINS = 40
_MOST_LABELS = 12


def described(manifest: ManifestFile, *, words: Sequence[tuple[str, int]]) -> RenderableType:
    """What the folder holds; `words` are the most frequent ones with their counts."""
    parts: list[RenderableType] = [
        _splits(manifest),
        _labels(manifest),
        _vocabulary(manifest, words),
        _lengths(manifest),
    ]
    if manifest.rejected.rows:
        parts.append(_rejected(manifest))
    if manifest.duplicates.texts:
        parts.append(_duplicates(manifest))
    return Group(*[item for part in parts for item in (part, Text())][:-1])


def show(manifest: ManifestFile, *, words: Sequence[tuple[str, int]]) -> None:
    """Prints the description; as wide as the terminal, 100 columns elsewhere."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=100)
    console.print(described(manifest, words=words))


def _splits(manifest: ManifestFile) -> Table:
    table = _table("rows", "split", "rows", "shards", "tokens", "unknown", "cut", "empty")
    for split in SPLITS:
        part = manifest.splits[split]
        table.add_row(
            split,
            f"{part.rows:,}",
            f"{len(part.shards)}",
            f"{part.tokens:,}",
            _share(part.unknown_tokens, part.tokens),
            _share(part.truncated_texts, part.rows),
            _share(part.empty_texts, part.rows),
        )
    return table


def _labels(manifest: ManifestFile) -> Table:
    table = _table("labels", "label", *SPLITS)
    for label in manifest.labels[:_MOST_LABELS]:
        counts = [(manifest.splits[split].labels.get(label, 0), manifest.splits[split].rows) for split in SPLITS]
        table.add_row(Text(visible(label)), *[f"{rows:,} ({_share(rows, whole)})" for rows, whole in counts])
    if len(manifest.labels) > _MOST_LABELS:
        table.add_row(f"and {len(manifest.labels) - _MOST_LABELS} more")
    return table


def _vocabulary(manifest: ManifestFile, words: Sequence[tuple[str, int]]) -> Group:
    part = manifest.vocabulary
    train = manifest.splits["train"]
    lines = [
        Text("vocabulary", style="bold"),
        Text(
            f"{part.size:,} of {part.distinct_tokens:,} distinct tokens kept "
            f"(top_words {manifest.config.vocabulary.top_words:,}); they make up "
            f"{_share(train.tokens - train.unknown_tokens, train.tokens)} of the train split"
        ),
        *_origin(part.origin),
        Text("most frequent: " + ", ".join(f"{visible(word)} {count:,}" for word, count in words)),
    ]
    return Group(*lines)


def _origin(origin: OriginPart | None) -> list[Text]:
    if origin is None:
        return []
    line = (
        f"ids up to {origin.last_id:,} from {visible(origin.path)} ({KIND_NAMES[origin.kind]}, {origin.words:,} words)"
    )
    return [Text(line)]


def _lengths(manifest: ManifestFile) -> Group:
    part = manifest.splits["train"]
    cut = manifest.config.sequence.max_length
    quantiles = ", ".join(f"{share:.0%} ≤ {percentile(part, share)}" for share in (0.5, 0.9, 0.99, 1.0))
    return Group(
        Text("ids of a text before truncation (train)", style="bold"),
        Text(f"{quantiles}; max_length {cut} cuts {_share(part.truncated_texts, part.rows)} of the texts"),
        _spark(part),
    )


def _spark(part: SplitPart) -> Text:
    """A histogram in a line, from 0 to the 99th percentile."""
    end = max(percentile(part, 0.99), 1)
    bins = binned(part, bins=_HISTOGRAM_BINS, end=end)
    highest = max(*bins, 1)
    drawn = "".join(_BARS[-(-rows * (len(_BARS) - 1) // highest)] for rows in bins)
    return Text.assemble("0 ", (drawn, "cyan"), f" {end}")


def _rejected(manifest: ManifestFile) -> Table:
    table = _table("rejected rows", "reason", "rows", "for example")
    for reason, rows in manifest.rejected.by_reason.items():
        example = next(iter(manifest.rejected.examples.get(reason, [])), None)
        where = f"{example['file']}, row {example['row']}" if example else ""
        table.add_row(reason, f"{rows:,}", Text(visible(where)))
    return table


def _duplicates(manifest: ManifestFile) -> Text:
    part = manifest.duplicates
    return Text(
        f"{part.texts:,} texts occur more than once ({part.rows:,} rows too many); "
        f"{part.conflicting:,} of them carry different labels"
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", header_style="dim")
    return table


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
