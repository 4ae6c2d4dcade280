"""A manifest -> sentences about settings that do not fit the data; none where all is well."""

from collections.abc import Iterator, Sequence

from pipeline.lengths import percentile, share_cut
from pipeline.manifest_file import ManifestFile

Word = tuple[int, str, int]

_MUCH_CUT = 0.05  # of the texts
_LITTLE_CUT = 0.01
_LOW_COVERAGE = 0.9  # of the tokens
_UNBALANCED = 5  # times as many rows of one label as of another
_TAG_NAMES = frozenset({"br", "p", "div", "span", "href", "nbsp", "quot", "amp"})
_FREQUENT = 100


def advice(manifest: ManifestFile, words: Sequence[Word]) -> list[str]:
    """What to change, the most telling first; `words` are rows of vocabulary.tsv."""
    return [*_lengths(manifest), *_coverage(manifest), *_tags(manifest, words), *_labels(manifest), *_texts(manifest)]


def _lengths(manifest: ManifestFile) -> Iterator[str]:
    part, chosen = manifest.splits["train"], manifest.config.sequence.max_length
    cut, longest = share_cut(part, chosen), percentile(part, 1.0)
    if cut > _MUCH_CUT:
        better = -(-percentile(part, 1 - _LITTLE_CUT) // 50) * 50
        yield (
            f"sequence.max_length {chosen} cuts {cut:.1%} of the texts; "
            f"{better} would cut {share_cut(part, better):.1%}."
        )
    elif longest and chosen > 2 * longest:
        yield f"sequence.max_length {chosen} is more than twice the longest text ({longest} ids); {longest} would do."


def _coverage(manifest: ManifestFile) -> Iterator[str]:
    train = manifest.splits["train"]
    covered = 1 - train.unknown_tokens / max(train.tokens, 1)
    if manifest.vocabulary.origin is not None and covered < _LOW_COVERAGE:
        growing = "a larger vocabulary.top_words" if manifest.config.vocabulary.grow else "vocabulary.grow: true"
        yield (
            f"The words of {manifest.vocabulary.origin.path} cover {covered:.1%} of the tokens; "
            f"{growing} adds words of these texts behind them."
        )
        return
    better = next((words for words, share in manifest.coverage if share >= _LOW_COVERAGE), None)
    if covered < _LOW_COVERAGE and better is not None:
        yield (
            f"vocabulary.top_words {manifest.config.vocabulary.top_words} covers {covered:.1%} of the tokens; "
            f"{better:,} words would cover {_LOW_COVERAGE:.0%}."
        )


def _tags(manifest: ManifestFile, words: Sequence[Word]) -> Iterator[str]:
    if manifest.config.text.strip_html:
        return
    for rank, (_, token, _) in enumerate(words[:_FREQUENT], start=1):
        if token in _TAG_NAMES:
            yield f"'{token}' is word {rank}: texts hold HTML; text.strip_html: true takes the tags out."
            return


def _labels(manifest: ManifestFile) -> Iterator[str]:
    rows = manifest.splits["train"].labels
    if rows and max(rows.values()) > _UNBALANCED * max(min(rows.values()), 1):
        most, least = max(rows, key=lambda label: rows[label]), min(rows, key=lambda label: rows[label])
        yield f"The label '{most}' has {rows[most]:,} training rows, '{least}' {rows[least]:,}; accuracy will flatter."


def _texts(manifest: ManifestFile) -> Iterator[str]:
    if manifest.duplicates.conflicting:
        yield f"{manifest.duplicates.conflicting:,} texts occur with different labels; no model can get both right."
    empty = sum(part.empty_texts for part in manifest.splits.values())
    if empty:
        yield f"{empty:,} texts have no word of the vocabulary; the model sees nothing of them."
