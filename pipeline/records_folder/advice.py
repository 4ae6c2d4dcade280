"""A manifest and its vocabulary -> advice: one sentence for each setting that does not fit the data.

The advice is written into the manifest. The end of a run, `describe` and the report show it from there.
"""

from collections.abc import Iterator

from pipeline.contract import max_words
from pipeline.records_folder.counted_texts import counted_texts
from pipeline.records_folder.division import missed_shares
from pipeline.records_folder.label_advice import label_sentences
from pipeline.records_folder.label_balance import balance_sentences
from pipeline.records_folder.lengths import percentile, share_cut
from pipeline.records_folder.manifest import Advice, Manifest
from pipeline.records_folder.named_split_advice import named_split_sentences
from pipeline.records_folder.text_findings import QualityFinding
from pipeline.records_folder.vocabulary_tsv import WordColumns

# Above these values there is advice. They were chosen and not measured.
_MAX_CUT_SHARE = 0.05  # of the texts
_MAX_LEAKED_SHARE = 0.01  # of a split's rows
_MAX_NEAR_SHARE = 0.05  # of a split's rows, if there are more than _MIN_NEAR_ROWS; an estimate
_MIN_NEAR_ROWS = 10
_MAX_EQUAL_SHARE = 0.05  # of a split's rows, if there are more than _MIN_EQUAL_ROWS
_MIN_EQUAL_ROWS = 10
_MAX_SINGLE_SHARE = 0.25  # of the words, if the vocabulary has more than _MIN_WORDS
_MAX_DAMAGED_SHARE = 0.001  # of the texts: with mojibake, glued words, or without an id
_MAX_MARKUP_SHARE = 0.01  # of the texts: with tags or invisible characters
# Below this value there is advice.
_MIN_COVERAGE = 0.9  # of the tokens
# The share of the texts that the advised max_length cuts.
_ADVISED_CUT_SHARE = 0.01
# Words. In a smaller vocabulary many words occur once, whatever the settings are.
_MIN_WORDS = 100
# Words that come from HTML, if they are among the _FREQUENT_WORDS most frequent ones.
_TAG_NAMES = frozenset({"br", "p", "div", "span", "href", "nbsp", "quot", "amp"})
_FREQUENT_WORDS = 100

# Why a row is rejected, see sources/schema.py.
_INVALID_UTF8 = "invalid UTF-8"

# (setting, sentence)
Sentences = Iterator[tuple[str, str]]


def advice(manifest: Manifest, words: WordColumns) -> list[Advice]:
    """The advice, the most important first; `words`: by falling count."""
    sentences = [
        *_leaks(manifest),
        *_groups(manifest),
        *named_split_sentences(manifest),
        *_near(manifest),
        *_frequent(manifest),
        *_conflicts(manifest),
        *_encoding(manifest),
        *label_sentences(manifest),
        *_tags(manifest, words),
        *_characters(manifest),
        *_lengths(manifest),
        *_coverage(manifest),
        *_rare_words(manifest, words),
        *balance_sentences(manifest),
        *_empty(manifest),
    ]
    return [Advice(setting=setting, text=text) for setting, text in sentences]


def _leaks(manifest: Manifest) -> Sentences:
    """Rows of eval and test whose text is in train too: a score on them measures memory."""
    settings = manifest.config.split
    ways = (name for name in ("column", "group_column", "time_column") if getattr(settings, name) is not None)
    setting = next((f"split.{name}" for name in ways), "input.path")
    kinds = [
        ("exact", "", "split.duplicates: first keeps one row of each text"),
        ("normalised", ", but for case, punctuation or white space", "leave them out of the input"),
    ]
    for kind, how, remedy in kinds:
        for shared in getattr(manifest.duplicates, kind).across:
            split, leaked = shared.splits[1], shared.rows[1]
            rows = manifest.splits[split].rows
            if shared.splits[0] != "train" or leaked <= _MAX_LEAKED_SHARE * rows:
                continue
            yield (
                setting,
                (
                    f"{leaked:,} of the {rows:,} {split} rows ({leaked / rows:.1%}) have the text of a train row{how}: "
                    f"what {split} measures there is memory; {remedy}."
                ),
            )


def _groups(manifest: Manifest) -> Sentences:
    """Splits that groups made too large or too small."""
    missed = [f"{split} has {share:.1%} instead of {asked:.1%}" for split, share, asked in missed_shares(manifest)]
    if missed:
        yield (
            "split.group_column",
            (
                f"Of the rows, {', '.join(missed)}: some groups of '{manifest.config.split.group_column}' are large, "
                "or there are few; another output.seed divides them otherwise."
            ),
        )


def _near(manifest: Manifest) -> Sentences:
    """Rows of eval and test that are nearly a row of train."""
    near = manifest.duplicates.near
    for shared in near.across:
        split, rows = shared.splits[1], manifest.splits[shared.splits[1]].rows
        if shared.splits[0] == "train" and shared.rows > max(_MIN_NEAR_ROWS, _MAX_NEAR_SHARE * rows):
            yield (
                "split.group_column",
                (
                    f"An estimated {shared.rows / rows:.0%} of the {split} rows are nearly a train row (they share "
                    f"{near.similarity:.0%} of all three words in a row, or more): what {split} measures there is "
                    "memory; split.group_column keeps the rows of one source in one split."
                ),
            )


def _frequent(manifest: Manifest) -> Sentences:
    """Many rows of one text, or without a word, that are all in one split, because equal texts go to one."""
    settings = manifest.config.split
    if not settings.has_shares or settings.group_column is not None or settings.duplicates == "first":
        return
    for split, part in manifest.splits.items():
        blank, equal = part.wordless_texts, manifest.duplicates.exact.most_frequent.get(split, 0)
        what = "no word (blank texts)" if blank >= equal else "one and the same text"
        if max(blank, equal) > max(_MIN_EQUAL_ROWS, _MAX_EQUAL_SHARE * part.rows):
            yield (
                "split.duplicates",
                (
                    f"{max(blank, equal):,} of the {part.rows:,} {split} rows have {what}: equal texts go to one "
                    f"split, here to {split}; split.duplicates: first keeps one row of each text."
                ),
            )


def _encoding(manifest: Manifest) -> Sentences:
    """Rows that are not UTF-8, as in files of another encoding."""
    rows = manifest.rejected.by_reason.get(_INVALID_UTF8, 0)
    if rows and manifest.config.input.get("encoding", "auto") == "auto":
        are = "row is" if rows == 1 else "rows are"
        yield (
            "input.encoding",
            f"{rows:,} {are} not UTF-8; if text files are in another encoding, set input.encoding (latin-1, cp1252).",
        )


def _conflicts(manifest: Manifest) -> Sentences:
    conflicting = max(manifest.duplicates.conflicting, manifest.duplicates.exact.conflicting)
    if conflicting:
        yield "input.label_column", f"{_texts(conflicting)} with different labels; no model can get both right."


def _tags(manifest: Manifest, words: WordColumns) -> Sentences:
    html, origin = _finding(manifest, "html"), manifest.vocabulary.origin
    # Other imported vocabularies bring their settings of text, which must stay.
    is_imported = origin is not None and origin.kind != "token_list"
    if manifest.config.text.strip_html or is_imported or html.share <= _MAX_MARKUP_SHARE:
        return
    ranked = enumerate(words.tokens[:_FREQUENT_WORDS], start=1)
    example = next((f" and '{token}' is word {rank}" for rank, token in ranked if token in _TAG_NAMES), "")
    yield "text.strip_html", (f"{_of_texts(html)} hold HTML tags{example}; text.strip_html: true takes the tags out.")


def _characters(manifest: Manifest) -> Sentences:
    text, is_own = manifest.config.text, manifest.vocabulary.origin is None
    mojibake = _finding(manifest, "mojibake")
    if mojibake.share > _MAX_DAMAGED_SHARE:
        yield (
            "input.path",
            (
                f"{_of_texts(mojibake)} hold damaged characters, as where UTF-8 was read as Latin-1; "
                "make the files anew from their source."
            ),
        )
    glued = _finding(manifest, "glued_white_space")
    if text.split == "space" and glued.share > _MAX_DAMAGED_SHARE and is_own:
        yield (
            "text.split",
            (
                f"{_of_texts(glued)} hold white space other than U+0020, which text.split: space leaves in words; "
                "text.split: whitespace splits there."
            ),
        )
    invisible = _finding(manifest, "invisible")
    if invisible.share > _MAX_MARKUP_SHARE and is_own:
        yield (
            "text.filters",
            (
                f"{_of_texts(invisible)} hold invisible characters, which make other words of the same letters; "
                'add "\\u200b\\u2060\\ufeff\\u00ad" to text.filters.'
            ),
        )


def _lengths(manifest: Manifest) -> Sentences:
    part, chosen = manifest.splits["train"], manifest.config.sequence.max_length
    cut, longest = share_cut(part, chosen), percentile(part, 1.0)
    if cut > _MAX_CUT_SHARE:
        better = -(-percentile(part, 1 - _ADVISED_CUT_SHARE) // 50) * 50
        yield (
            "sequence.max_length",
            (
                f"sequence.max_length {chosen} cuts {cut:.1%} of the texts; "
                f"{better} would cut {share_cut(part, better):.1%}."
            ),
        )
    elif longest and chosen > 2 * longest:
        yield (
            "sequence.max_length",
            (f"sequence.max_length {chosen} is more than twice the longest text ({longest} ids); {longest} would do."),
        )


def _coverage(manifest: Manifest) -> Sentences:
    settings = manifest.config.vocabulary
    # Rounded as it is shown, so that no sentence says that 90.0% is less than 90%.
    counted = counted_texts(manifest)
    covered = round(1 - counted.unknown_tokens / max(counted.tokens, 1), 3)
    if manifest.vocabulary.origin is not None:
        if covered < _MIN_COVERAGE:
            setting = "vocabulary.top_words" if settings.grow else "vocabulary.grow"
            growing = "a larger vocabulary.top_words" if settings.grow else "vocabulary.grow: true"
            yield (
                setting,
                (
                    f"The words of {manifest.vocabulary.origin.path} cover {covered:.1%} of the tokens; "
                    f"{growing} adds words of these texts after them."
                ),
            )
        return
    better = next((words for words, share in manifest.coverage if share >= _MIN_COVERAGE), None)
    if covered < _MIN_COVERAGE and better is not None:
        yield (
            "vocabulary.top_words",
            (
                f"vocabulary.top_words {settings.top_words} covers {covered:.1%} of the tokens; "
                f"{better:,} words would cover {_MIN_COVERAGE:.0%}."
            ),
        )
    words = manifest.vocabulary.size
    if max_words(settings.top_words, settings.oov) > 2 * words:
        yield (
            "vocabulary.top_words",
            (
                f"vocabulary.top_words {settings.top_words:,} is more than twice the {words:,} words there are; "
                "the other rows of the embedding are never used."
            ),
        )


def _rare_words(manifest: Manifest, words: WordColumns) -> Sentences:
    number, single = len(words.counts), words.counts.count(1)
    if manifest.vocabulary.origin is None and number > _MIN_WORDS and single > _MAX_SINGLE_SHARE * number:
        yield (
            "vocabulary.min_count",
            (
                f"{single:,} of the {number:,} words occur once, too seldom to be learnt; "
                "vocabulary.min_count: 2 leaves them out."
            ),
        )


def _empty(manifest: Manifest) -> Sentences:
    empty = sum(part.empty_texts for part in manifest.splits.values())
    rows = sum(part.rows for part in manifest.splits.values())
    if empty > _MAX_DAMAGED_SHARE * rows:
        have = "text has" if empty == 1 else "texts have"
        yield "vocabulary.top_words", f"{empty:,} {have} no word of the vocabulary; the model sees nothing of them."


def _finding(manifest: Manifest, name: str) -> QualityFinding:
    return manifest.quality.findings.get(name, QualityFinding())


def _of_texts(finding: QualityFinding) -> str:
    return f"{'' if finding.exact else 'An estimated '}{finding.share:.1%} of the texts"


def _texts(number: int) -> str:
    return "1 text occurs" if number == 1 else f"{number:,} texts occur"
