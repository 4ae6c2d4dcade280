"""A manifest -> what the texts are like: splits, qualities, duplicates, rejected rows, most frequent words."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from markupsafe import Markup

from pipeline.contract import SPLITS
from pipeline.html.elements import bar, share, table, text_of_data, with_note
from pipeline.html.plots import side_by_side
from pipeline.records_folder.damage import damage_head
from pipeline.records_folder.division import division_lines
from pipeline.records_folder.lengths import Texts
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.text_findings import DuplicatesBySplit, QualityFinding
from pipeline.records_folder.vocabulary_tsv import WordColumns
from pipeline.text.characters import TAG

_SHOWN_WORDS = 40
_TOKEN_CHARACTERS = 40
_CONTENT_CHARACTERS = 200

# The findings of docs/reference/manifest.md in words.
_QUALITIES = {
    "html": "HTML or XML tags",
    "mojibake": "characters that were decoded wrongly (mojibake)",
    "non_latin": "mostly letters of another script than Latin",
    "glued_white_space": Markup("white space that <code>text.split: space</code> would not split at"),
    "invisible": "zero-width spaces or soft hyphens",
    "empty_after_cleaning": "no word left after cleaning",
}

# What to mark in an example of a finding. Which texts have a finding is decided in statistics/text_quality.py.
_MARKED = {
    "html": re.compile(f"({TAG})"),
    "mojibake": re.compile(r"(\ufffd|[ÂÃâðÐÑ][^\x00-\x7f]+)"),
    "glued_white_space": re.compile(r"([^\S ])"),
    "invisible": re.compile(r"([\u200b\u2060\ufeff\u00ad])"),
}


def splits(manifest: Manifest) -> Markup:
    """Rows, tokens and what was cut, a line a split, and one for the texts without labels."""
    rows = []
    parts: dict[str, Texts] = {split: manifest.splits[split] for split in SPLITS}
    if manifest.unlabelled is not None:
        parts["without labels"] = manifest.unlabelled
    for split, part in parts.items():
        rows.append([
            split, f"{part.rows:,}", f"{part.tokens:,}", share(part.unknown_tokens, part.tokens),
            share(part.truncated_texts, part.rows), share(part.empty_texts, part.rows),
        ])  # fmt: skip
    made = table(
        ["split", "texts", "words", "unknown words", "texts cut", "texts without a known word"], rows, kinds="tnnnnn"
    )
    return made + Markup().join(
        Markup("<p>{}.</p>").format(text_of_data(line[:1].upper() + line[1:])) for line in division_lines(manifest)
    )


def qualities(manifest: Manifest) -> Markup:
    """The findings on the texts, the commonest first, with examples."""
    quality = manifest.quality
    findings = sorted(quality.findings.items(), key=lambda item: -item[1].share)
    rows = [
        [_quality_name(name), bar(part.share), _share(part), _examples(name, part.examples)]
        for name, part in findings
        if part.count
    ]
    page = (
        table(["texts that have", "", "share", "for example"], rows, kinds="xbnx", stacked=True) if rows else Markup()
    )
    absent = [_quality_name(name) for name, part in findings if not part.count]
    if absent:
        page += Markup("<p>Not present: {}.</p>").format(Markup("; ").join(absent))
    if quality.sampled_rows < quality.rows:
        page += Markup('<p class="soft">≈: estimated from {:,} of the {:,} texts, chosen by content alone.</p>').format(
            quality.sampled_rows, quality.rows
        )
    return page


def duplicates(manifest: Manifest) -> Markup:
    """Duplicates: equal texts, and texts that differ in case and punctuation only; in all and between splits."""
    part = manifest.duplicates
    rows = [
        *_duplicate_rows("equal", part.exact),
        *_duplicate_rows("equal but for case, punctuation and white space", part.normalised),
    ]
    near = [shared for shared in part.near.across if shared.rows]
    rows += [
        [
            "" if number else with_note("nearly equal", "estimated"),
            "in {} and in {}".format(*shared.splits),
            "",
            with_note(f"≈ {shared.rows:,}", f"of {shared.splits[1]}"),
            "",
        ]
        for number, shared in enumerate(near)
    ]
    if not rows:
        return Markup("<p>No text occurs twice.</p>") + _shared_with_unlabelled(manifest)
    heads = ["texts that are", "where", "texts", "rows too many", "with different labels"]
    why = Markup(
        "<p>A model can remember the label of a text that it has seen. "
        "So texts that the train and the test split share raise the test score.</p>"
    )
    page = why + table(heads, rows, kinds="ttnnn")
    if near:
        page += Markup(
            '<p class="soft">≈: estimated from {:,} rows. Nearly equal rows share {:.0%} of all three ids in a row, or '
            "more. <code>split.group_column</code> keeps rows of one source in one split.</p>"
        ).format(part.near.sampled_rows, part.near.similarity)
    return page + _shared_with_unlabelled(manifest)


def _shared_with_unlabelled(manifest: Manifest) -> Markup:
    """How many of the texts without labels are in a split too; nothing if there are none."""
    part = manifest.unlabelled
    if part is None or not part.rows:
        return Markup()
    counts = ", ".join(f"{split} {rows:,}" for split, rows in part.duplicates.in_splits.items())
    return Markup(
        "<p>Of the {:,} texts without labels, {:,} repeat one before them. Texts that are in a split too: {}.</p>"
    ).format(part.rows, part.duplicates.rows, counts)


def damaged(manifest: Manifest) -> Markup:
    """The files whose rest can't be read."""
    rows = [
        [text_of_data(file.file, longest=_CONTENT_CHARACTERS), f"{file.rows:,}", text_of_data(file.why)]
        for file in manifest.input.damaged_files
    ]
    heads = ["file", "rows that could be read", "what is wrong with the rest"]
    return Markup("<p>{}.</p>").format(damage_head(manifest.input)) + table(heads, rows, kinds="tnx", stacked=True)


def rejected(manifest: Manifest) -> Markup:
    """Rejected rows by reason, with examples."""
    rows = []
    for reason, count in manifest.rejected.by_reason.items():
        is_asked_for = reason in manifest.rejected.asked_for
        for number, example in enumerate(manifest.rejected.examples.get(reason) or [None]):
            where = f"{example['file']}, row {example['row']}" if example else ""
            shown = (
                with_note(text_of_data(reason), "left out, as the settings ask")
                if is_asked_for
                else text_of_data(reason)
            )
            head = [shown, f"{count:,}"] if number == 0 else ["", ""]
            content = text_of_data(example.get("content", "") if example else "", longest=_CONTENT_CHARACTERS)
            rows.append([*head, text_of_data(where), content])
    return table(["reason", "rows", "for example", "content"], rows, kinds="tnxx", stacked=True)


def words(words_by_count: WordColumns) -> Markup:
    """The most frequent words with bars, in two columns. words_by_count: the most frequent first."""
    highest = max(words_by_count.counts[:_SHOWN_WORDS], default=1) or 1
    cells = [
        [
            f"{word_id}",
            text_of_data(token, longest=_TOKEN_CHARACTERS),
            f"{count:,}",
            bar(count / highest),
        ]
        for word_id, token, count in islice(zip(*words_by_count, strict=True), _SHOWN_WORDS)
    ]
    half = -(-len(cells) // 2)
    columns = [part for part in (cells[:half], cells[half:]) if part]
    return side_by_side(*[table(["id", "word", "count", ""], part, kinds="ntnb") for part in columns])


def _duplicate_rows(kind: str, repeats: DuplicatesBySplit) -> list[list[str]]:
    parts = [("in all", repeats), *((f"inside {split}", part) for split, part in repeats.splits.items())]
    lines: list[tuple[str, int, str, int]] = [
        (where, part.texts, f"{part.rows:,}", part.conflicting) for where, part in parts if part.texts
    ]
    for shared in repeats.across:
        if shared.texts:
            first, second = shared.splits
            rows = with_note(f"{shared.rows[1]:,}", f"of {second}")
            lines.append((f"in {first} and in {second}", shared.texts, rows, shared.conflicting))
    return [
        ["" if number else kind, where, f"{texts:,}", rows, f"{conflicting:,}"]
        for number, (where, texts, rows, conflicting) in enumerate(lines)
    ]


def _quality_name(name: str) -> str:
    return _QUALITIES.get(name) or text_of_data(name)


def _share(part: QualityFinding) -> str:
    if part.exact:
        return with_note(share(part.count, part.of), f"{part.count:,}")
    return f"≈ {share(part.share, 1)}"


def _examples(name: str, examples: Sequence[str]) -> Markup:
    """A line for each example, with the match marked. A character that cannot be seen is shown as its code."""
    pattern = _MARKED.get(name)
    lines = [
        text_of_data(example) if pattern is None else Markup().join(_marked(pattern.split(example)))
        for example in examples
    ]
    return Markup().join(Markup("<div>… {} …</div>").format(line) for line in lines)


def _marked(parts: Sequence[str]) -> Iterator[Markup]:
    """parts: what re.split gives, text and match in turn."""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            yield text_of_data(part) if part else Markup()
        elif len(part) == 1 and (part.isspace() or not part.isprintable()):
            yield Markup("<mark>U+{:04X}</mark>").format(ord(part))
        else:
            yield Markup("<mark>{}</mark>").format(text_of_data(part))
