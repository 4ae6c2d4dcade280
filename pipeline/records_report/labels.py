"""A manifest -> how the labels are spread over the splits, and the words that speak for each of them."""

from collections.abc import Sequence

from pipeline.contract import SPLITS
from pipeline.html.elements import Html, bar, folded, share, shown, table
from pipeline.records_folder.manifest import ManifestFile, TellingWord

_MOST_ROWS = 40
_LEAST_ROWS = 10
_OPEN_LABELS = 12
_LABEL_CHARACTERS = 60
_TOKEN_CHARACTERS = 40


def balance(manifest: ManifestFile) -> Html:
    """Rows by label, a column a split; of many labels those with the most and the fewest training rows."""
    train = manifest.splits["train"].labels
    names = manifest.labels
    if len(names) > _MOST_ROWS + _LEAST_ROWS:
        by_rows = sorted(names, key=lambda label: -train.get(label, 0))
        between = len(names) - _MOST_ROWS - _LEAST_ROWS
        rows = [_row(manifest, label) for label in by_rows[:_MOST_ROWS]]
        rows.append([f"<i>{between:,} labels between</i>", "", "", "", ""])
        rows += [_row(manifest, label) for label in by_rows[-_LEAST_ROWS:]]
    else:
        rows = [_row(manifest, label) for label in names]
    return table(["label", "", *SPLITS], rows, kinds="tbnnn")


def telling(manifest: ManifestFile) -> Html:
    """The words that speak most for each label."""
    found = manifest.telling_words
    heads = ["label", "words, the most telling first"]
    rows = [[shown(label, longest=_LABEL_CHARACTERS), _listed(words)] for label, words in found.labels.items() if words]
    counted = "" if found.exact else f" Estimated from {found.sampled_rows:,} training texts."
    what = (
        "<p>Words that stand more often in a label’s texts than chance would have it (times there:elsewhere). An id, "
        f"a name or a tag among them is what a model would learn instead of the language.{counted}</p>"
    )
    more = rows[_OPEN_LABELS:]
    rest = folded(f"{len(more)} more labels", table(heads, more, kinds="tx")) if more else ""
    return what + table(heads, rows[:_OPEN_LABELS], kinds="tx") + rest


def _row(manifest: ManifestFile, label: str) -> list[Html]:
    counts = [(manifest.splits[split].labels.get(label, 0), manifest.splits[split].rows) for split in SPLITS]
    most = max([1, *manifest.splits["train"].labels.values()])
    cells = [f"{count:,} <small>{share(count, whole)}</small>" for count, whole in counts]
    return [shown(label, longest=_LABEL_CHARACTERS), bar(counts[0][0] / most), *cells]


def _listed(words: Sequence[TellingWord]) -> Html:
    return " ".join(
        f'<span class="chip" title="{word.count:,} times here, {word.elsewhere:,} elsewhere">'
        f"{shown(word.token, longest=_TOKEN_CHARACTERS)} <small>{word.count:,}:{word.elsewhere:,}</small></span>"
        for word in words
    )
