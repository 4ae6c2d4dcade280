"""A manifest and its vocabulary -> report.html, all sections in one page."""

from markupsafe import Markup

from pipeline.contract import SPLITS
from pipeline.html import Section, document
from pipeline.html.elements import advice, details, settings_table, share, text_of_data, tiles, with_note
from pipeline.records_folder.delimited_rows import repeated_lines, spanning_lines
from pipeline.records_folder.lengths import percentile, share_cut
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.table_lines import table_lines
from pipeline.records_folder.vocabulary_tsv import WordColumns
from pipeline.records_report import labels, texts
from pipeline.records_report.length_and_coverage import choices, covered
from pipeline.records_report.samples import samples

_FINE = "Nothing in the settings looks out of place for these texts."


def render(manifest: Manifest, *, words: WordColumns) -> bytes:
    """The page of a records folder; `words` are all of vocabulary.tsv, by falling count."""
    ids = dict(zip(words.tokens, words.ids, strict=True))
    head = _head(manifest) + advice([item.text for item in manifest.advice], otherwise=_FINE)
    distinctive = any(manifest.distinctive_words.labels.values())
    sections = [
        Section("Damaged files", texts.damaged(manifest)) if manifest.input.damaged else None,
        Section("Are max_length and top_words well chosen?", choices(manifest)),
        Section("Labels", labels.balance(manifest)),
        Section("Distinctive words of each label", labels.distinctive_words(manifest)) if distinctive else None,
        Section("Splits", texts.splits(manifest)),
        Section("What the texts are like", texts.qualities(manifest)) if manifest.quality.findings else None,
        Section("Duplicates", texts.duplicates(manifest)),
        Section("Rejected rows", texts.rejected(manifest)) if manifest.rejected.rows else None,
        Section("From text to ids", samples(manifest, ids)),
        Section("The most frequent words", texts.words(words)),
        Section("Settings", _settings(manifest)),
    ]
    return document(title="Records report", head=head, sections=[part for part in sections if part is not None])


def _head(manifest: Manifest) -> Markup:
    rows = sum(part.rows for part in manifest.splits.values())
    unlabelled = manifest.unlabelled.rows if manifest.unlabelled else 0
    files, asked_for = manifest.input.files, sum(manifest.rejected.asked_for.values())
    number = manifest.input.left_out_rows + asked_for
    left_out = f", {number:,} were left out, as the settings ask" if number else ""
    rejected = manifest.rejected.rows - asked_for
    note = Markup(" {:,} of the records are texts without labels.").format(unlabelled) if unlabelled else ""
    lead = Markup(
        "<h1>What the records hold</h1><p>{:,} rows of {:,} {}: {:,} became records, {:,} were rejected{}.{}</p>"
    ).format(manifest.input.rows, files, "file" if files == 1 else "files", rows + unlabelled, rejected, left_out, note)
    of_rows = [*table_lines(manifest.input), *repeated_lines(manifest.input), *spanning_lines(manifest.input)]
    lead += Markup("").join(Markup("<p>{}.</p>").format(line) for line in of_rows)
    return lead + tiles(_figures(manifest, rows=rows))


def _figures(manifest: Manifest, *, rows: int) -> list[tuple[str, Markup]]:
    train = manifest.splits["train"]
    commonest = max(train.labels, key=lambda label: train.labels[label], default="")
    sizes = ", ".join(f"{split} {manifest.splits[split].rows:,}" for split in SPLITS)
    max_length = manifest.config.sequence.max_length
    test = manifest.splits["test"] if manifest.splits["test"].rows else train
    return [
        ("records", with_note(f"{rows:,}", sizes)),
        (
            "labels",
            with_note(
                f"{len(manifest.labels):,}",
                Markup("‘{}’ has {}").format(
                    text_of_data(commonest, longest=20), share(train.labels.get(commonest, 0), train.rows)
                ),
            ),
        ),
        (
            "words",
            with_note(f"{manifest.vocabulary.size:,}", f"cover {share(covered(manifest), 1)} of the text"),
        ),
        ("unknown in test", with_note(share(test.unknown_tokens, test.tokens), "of the words")),
        (
            "typical length",
            with_note(f"{percentile(train, 0.5):,}", f"ids; 90% have at most {percentile(train, 0.9):,}"),
        ),
        ("texts cut", with_note(share(share_cut(train, max_length), 1), f"by max_length {max_length:,}")),
    ]


def _settings(manifest: Manifest) -> Markup:
    sections = {
        name: getattr(manifest.config, name).model_dump() for name in ("text", "vocabulary", "sequence", "output")
    }
    return details("what the records were made with", settings_table(sections))
