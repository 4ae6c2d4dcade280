"""A manifest -> tables as HTML that needs no script. Whatever comes from the data is escaped here, by `shown`."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import dropwhile

from pipeline.contract import PADDING_ID, SPLITS, oov_id
from pipeline.manifest_file import ManifestFile, Sample
from pipeline.visible import visible

_MOST_LABELS = 50
_WORDS = 40
_SAMPLES_OF_SPLIT = 3
_SHOWN_CHARACTERS = 700

Cell = str


def shown(text: str) -> Cell:
    """Text of the data as HTML: inert, isolated from the writing direction of what surrounds it.

    >>> shown("<script>")
    '<bdi>&lt;script&gt;</bdi>'
    """
    short = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " …"
    return f"<bdi>{escape(visible(short))}</bdi>"


def splits(manifest: ManifestFile) -> str:
    """Rows, tokens and what was cut, a line a split."""
    rows = []
    for split in SPLITS:
        part = manifest.splits[split]
        rows.append([
            split, f"{part.rows:,}", f"{len(part.shards)}", f"{part.tokens:,}", share(part.unknown_tokens, part.tokens),
            share(part.truncated_texts, part.rows), share(part.empty_texts, part.rows),
        ])  # fmt: skip
    return table(["split", "rows", "shards", "tokens", "unknown tokens", "texts cut", "texts without a word"], rows)


def labels(manifest: ManifestFile) -> str:
    """Rows by label, a column a split."""
    rows = []
    for label in manifest.labels[:_MOST_LABELS]:
        counts = [(manifest.splits[split].labels.get(label, 0), manifest.splits[split].rows) for split in SPLITS]
        rows.append([shown(label), *[f"{count:,} <small>{share(count, whole)}</small>" for count, whole in counts]])
    if len(manifest.labels) > _MOST_LABELS:
        rows.append([f"and {len(manifest.labels) - _MOST_LABELS:,} more", *["" for _ in SPLITS]])
    return table(["label", *SPLITS], rows)


def words(rows: Sequence[tuple[int, str, int]]) -> str:
    """The most frequent words with bars."""
    first = rows[:_WORDS]
    highest = max((count for _, _, count in first), default=1)
    return table(
        ["id", "word", "count", ""],
        [
            [f"{number}", shown(token), f"{count:,}", f'<i class="bar" style="width:{100 * count / highest:.1f}%"></i>']
            for number, token, count in first
        ],
    )


def rejected(manifest: ManifestFile) -> str:
    """Rejected rows by reason, with examples."""
    rows = []
    for reason, count in manifest.rejected.by_reason.items():
        for place, example in enumerate(manifest.rejected.examples.get(reason, [{}])):
            where = f"{example.get('file', '')}, row {example.get('row', '')}" if example else ""
            head = [escape(reason), f"{count:,}"] if place == 0 else ["", ""]
            rows.append([*head, shown(where), shown(str(example.get("content", "")))])
    return table(["reason", "rows", "for example", "content"], rows)


def samples(manifest: ManifestFile, tokens: Mapping[int, str]) -> str:
    """Texts and what their records hold, ids as words."""
    rows = []
    for split in SPLITS:
        of_split = [sample for sample in manifest.samples if sample.split == split]
        rows += [
            [split, shown(sample.label), shown(sample.text), decoded(sample, manifest, tokens)]
            for sample in of_split[:_SAMPLES_OF_SPLIT]
        ]
    return table(["split", "label", "text", "record"], rows)


def decoded(sample: Sample, manifest: ManifestFile, tokens: Mapping[int, str]) -> Cell:
    """The ids of a record as words, padding counted, unknown words marked."""
    unknown = oov_id(manifest.config.vocabulary.oov)
    ids = list(sample.ids)
    if manifest.config.sequence.padding == "pre":
        ids = list(dropwhile(lambda number: number == PADDING_ID, ids))
    else:
        ids = list(dropwhile(lambda number: number == PADDING_ID, ids[::-1]))[::-1]
    words = ["<mark>unknown</mark>" if number == unknown else shown(tokens.get(number, "?")) for number in ids[:80]]
    more = f" … {len(ids) - 80} more" if len(ids) > 80 else ""
    padding = f"<small>{len(sample.ids) - len(ids)} × padding</small> " if len(ids) < len(sample.ids) else ""
    return padding + " ".join(words) + more


def table(heads: Iterable[Cell], rows: Iterable[Iterable[Cell]]) -> str:
    """A table; cells are HTML."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def share(part: int, whole: int) -> str:
    """A part in percent."""
    return f"{part / whole:.1%}" if whole else "–"
