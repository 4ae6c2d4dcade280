"""A manifest -> what the texts are like: splits, odd ones, repeated ones, rejected rows, most frequent words."""

import re
from collections.abc import Iterator, Sequence

from pipeline.contract import SPLITS
from pipeline.html.elements import Html, bar, share, shown, table
from pipeline.html.plots import beside
from pipeline.records_folder.manifest import Finding, ManifestFile, Repeats
from pipeline.text.characters import TAG

_WORDS = 40
_TOKEN_CHARACTERS = 40
_CONTENT_CHARACTERS = 200

# The findings of docs/manifest.md as a person would say them.
_QUALITIES = {
    "html": "HTML or XML tags",
    "mojibake": "characters that were decoded wrongly (mojibake)",
    "non_latin": "mostly letters of another script than Latin",
    "glued_white_space": "white space that <code>text.split: space</code> would not split at",
    "invisible": "zero-width spaces or soft hyphens",
    "empty_after_cleaning": "no word left after cleaning",
}

# What to mark in an example of a finding; what it is exactly is the business of pipeline/statistics/text_quality.py.
_FOUND = {
    "html": re.compile(f"({TAG})"),
    "mojibake": re.compile(r"(\ufffd|[ÂÃâðÐÑ][^\x00-\x7f]+)"),
    "glued_white_space": re.compile(r"([^\S ])"),
    "invisible": re.compile(r"([\u200b\u2060\ufeff\u00ad])"),
}


def splits(manifest: ManifestFile) -> Html:
    """Rows, tokens and what was cut, a line a split."""
    rows = []
    for split in SPLITS:
        part = manifest.splits[split]
        rows.append([
            split, f"{part.rows:,}", f"{part.tokens:,}", share(part.unknown_tokens, part.tokens),
            share(part.truncated_texts, part.rows), share(part.empty_texts, part.rows),
        ])  # fmt: skip
    return table(
        ["split", "texts", "words", "unknown words", "texts cut", "texts without a known word"], rows, kinds="tnnnnn"
    )


def qualities(manifest: ManifestFile) -> Html:
    """What odd things the texts have, the commonest first."""
    quality = manifest.quality
    found = sorted(quality.findings.items(), key=lambda item: -item[1].share)
    rows = [
        [_QUALITIES.get(name, shown(name)), bar(part.share), _share(part), _examples(name, part.examples)]
        for name, part in found
        if part.count
    ]
    none = [_QUALITIES.get(name, shown(name)) for name, part in found if not part.count]
    sentence = f"<p>Not found: {'; '.join(none)}.</p>" if none else ""
    if quality.sampled_rows < quality.rows:
        sentence += (
            f'<p class="soft">≈: estimated from {quality.sampled_rows:,} of the {quality.rows:,} texts, chosen by '
            "content alone.</p>"
        )
    return (
        table(["texts that have", "", "share", "for example"], rows, kinds="xbnx", stacked=True) if rows else ""
    ) + sentence


def duplicates(manifest: ManifestFile) -> Html:
    """Repeated texts: byte for byte and but for case and punctuation, in all and between splits."""
    found = manifest.duplicates
    rows = [
        *_repeats("equal", found.exact),
        *_repeats("equal but for case, punctuation and white space", found.normalised),
    ]
    if not rows:
        return "<p>No text occurs twice.</p>"
    heads = ["texts that are", "where", "texts", "rows too many", "with different labels"]
    told = "<p>A text of the test split that stands in the train split as well is remembered, not understood.</p>"
    return told + table(heads, rows, kinds="ttnnn")


def rejected(manifest: ManifestFile) -> Html:
    """Rejected rows by reason, with examples."""
    rows = []
    for reason, count in manifest.rejected.by_reason.items():
        for place, example in enumerate(manifest.rejected.examples.get(reason) or [{}]):
            where = f"{example.get('file', '')}, row {example.get('row', '')}" if example else ""
            head = [shown(reason), f"{count:,}"] if place == 0 else ["", ""]
            rows.append([*head, shown(where), shown(str(example.get("content", "")), longest=_CONTENT_CHARACTERS)])
    return table(["reason", "rows", "for example", "content"], rows, kinds="tnxx", stacked=True)


def words(rows: Sequence[tuple[int, str, int]]) -> Html:
    """The most frequent words with bars, in two columns."""
    first = rows[:_WORDS]
    highest = max((count for _, _, count in first), default=1) or 1
    cells = [
        [f"{number}", shown(token, longest=_TOKEN_CHARACTERS), f"{count:,}", bar(count / highest)]
        for number, token, count in first
    ]
    half = -(-len(cells) // 2)
    columns = [part for part in (cells[:half], cells[half:]) if part]
    return beside(*[table(["id", "word", "count", ""], part, kinds="ntnb") for part in columns])


def _repeats(what: str, found: Repeats) -> list[list[Html]]:
    inside = [("in all", found), *((f"inside {split}", part) for split, part in found.splits.items())]
    lines = [(where, part.texts, f"{part.rows:,}", part.conflicting) for where, part in inside if part.texts]
    for shared in found.across:
        if shared.texts:
            first, second = shared.splits
            rows = f"{shared.rows[1]:,} <small>of {second}</small>"
            lines.append((f"in {first} and in {second}", shared.texts, rows, shared.conflicting))
    return [
        ["" if place else what, where, f"{texts:,}", rows, f"{conflicting:,}"]
        for place, (where, texts, rows, conflicting) in enumerate(lines)
    ]


def _share(part: Finding) -> Html:
    if part.exact:
        return f"{share(part.count, part.of)} <small>{part.count:,}</small>"
    return f"≈ {share(part.share, 1)}"


def _examples(name: str, examples: Sequence[str]) -> Html:
    """A line each, what was found in it marked; a character that is not seen as its code."""
    found = _FOUND.get(name)
    if found is None:
        return "".join(f"<div>… {shown(example)} …</div>" for example in examples)
    lines = ("".join(_marked(found.split(example))) for example in examples)
    return "".join(f"<div>… {line} …</div>" for line in lines)


def _marked(pieces: Sequence[str]) -> Iterator[Html]:
    """What re.split gives: text, match, text ..."""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            yield shown(piece) if piece else ""
        elif len(piece) == 1 and (piece.isspace() or not piece.isprintable()):
            yield f"<mark>U+{ord(piece):04X}</mark>"
        else:
            yield f"<mark>{shown(piece)}</mark>"
