"""A manifest -> how many rows each label has in each split, and the distinctive words of each label."""

from collections.abc import Sequence

from markupsafe import Markup

from pipeline.contract import SPLITS
from pipeline.html.elements import bar, details, share, table, text_of_data, with_note
from pipeline.records_folder.label_balance import label_lines, share_of_label
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.mapped_labels import mapped_lines
from pipeline.records_folder.text_findings import DistinctiveWord

# Of many labels a table shows those with the most training rows and those with the fewest.
_MOST_FREQUENT_LABELS = 40
_RAREST_LABELS = 10
_OPEN_LABELS = 12  # the rows of further labels open on a click
_LABEL_CHARACTERS = 60
_SET_CHARACTERS = 200
_TOKEN_CHARACTERS = 40
_MAPPED_CHARACTERS = 2000


def balance(manifest: Manifest) -> Markup:
    """Rows by label, a column for each split. Of more than 50 labels: the 40 most frequent and the 10 rarest."""
    train = manifest.splits["train"].labels
    names, form = manifest.labels, manifest.record
    heads, kinds = ["label", "", *SPLITS, *["weight in train"] * form.weighted], "tbnnn" + "n" * form.weighted
    if len(names) > _MOST_FREQUENT_LABELS + _RAREST_LABELS:
        by_rows = sorted(names, key=lambda label: -train.get(label, 0))
        between = len(names) - _MOST_FREQUENT_LABELS - _RAREST_LABELS
        rows = [_row(manifest, label) for label in by_rows[:_MOST_FREQUENT_LABELS]]
        rows.append([Markup("<i>{:,} labels between</i>").format(between), *[""] * (len(heads) - 1)])
        rows += [_row(manifest, label) for label in by_rows[-_RAREST_LABELS:]]
    else:
        rows = [_row(manifest, label) for label in names]
    if form.several_labels:
        cells = [_of_rows(part.no_labels, part.rows) for part in map(manifest.splits.__getitem__, SPLITS)]
        rows.append([Markup("<i>none of them</i>"), "", *cells, *[""] * form.weighted])
    lines = [f"{line[0].upper()}{line[1:]}." for line in label_lines(manifest)] + mapped_lines(manifest)
    notes = (Markup("<p>{}</p>").format(text_of_data(line, longest=_MAPPED_CHARACTERS)) for line in lines)
    return table(heads, rows, kinds=kinds) + Markup("").join(notes) + _sets(manifest)


def _sets(manifest: Manifest) -> Markup:
    """The lists of labels that most training rows have."""
    sets = manifest.label_sets
    if sets is None or not sets.most_frequent:
        return Markup()
    rows = [
        [
            text_of_data(" + ".join(each.labels), longest=_SET_CHARACTERS) if each.labels else Markup("<i>none</i>"),
            bar(each.rows / sets.most_frequent[0].rows),
            _of_rows(each.rows, sets.sampled_rows),
        ]
        for each in sets.most_frequent
    ]
    head = Markup(
        "<h3>Labels that rows have together</h3><p>{} different lists of labels among {:,} training rows{}.</p>"
    )
    rest = "" if sets.exact else ", a sample"
    return head.format(f"{sets.distinct:,}", sets.sampled_rows, rest) + table(["labels", "", "rows"], rows, kinds="tbn")


def distinctive_words(manifest: Manifest) -> Markup:
    """The words that are most distinctive of each label."""
    part = manifest.distinctive_words
    heads = ["label", "words, the most distinctive first"]
    rows = [
        [text_of_data(label, longest=_LABEL_CHARACTERS), _chips(words)] for label, words in part.labels.items() if words
    ]
    counted = "" if part.exact else f" Estimated from {part.sampled_rows:,} training texts."
    explanation = Markup(
        "<p>Words that a label’s texts have more often than chance explains (times there:elsewhere). An id, a name or "
        "a tag among them is what a model would learn instead of the language.{}</p>"
    ).format(counted)
    more = rows[_OPEN_LABELS:]
    rest = details(f"{len(more)} more labels", table(heads, more, kinds="tx")) if more else ""
    return explanation + table(heads, rows[:_OPEN_LABELS], kinds="tx") + rest


def _row(manifest: Manifest, label: str) -> list[str]:
    counts = [(manifest.splits[split].labels.get(label, 0), manifest.splits[split].rows) for split in SPLITS]
    most = max([1, *manifest.splits["train"].labels.values()])
    cells = [_of_rows(count, whole) for count, whole in counts]
    weight = [f"{share_of_label(manifest.splits['train'], label):.1%}"] * manifest.record.weighted
    return [text_of_data(label, longest=_LABEL_CHARACTERS), bar(counts[0][0] / most), *cells, *weight]


def _of_rows(count: int, whole: int) -> Markup:
    return with_note(f"{count:,}", share(count, whole))


def _chips(words: Sequence[DistinctiveWord]) -> Markup:
    return Markup(" ").join(
        Markup('<span class="chip" title="{count:,} times here, {elsewhere:,} elsewhere">{word}</span>').format(
            count=word.count,
            elsewhere=word.elsewhere,
            word=with_note(text_of_data(word.token, longest=_TOKEN_CHARACTERS), f"{word.count:,}:{word.elsewhere:,}"),
        )
        for word in words
    )
