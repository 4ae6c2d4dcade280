"""The parts of the report -> report.html."""

from collections.abc import Sequence

from pipeline.contract import SPLITS
from pipeline.html import Section, document
from pipeline.html.elements import Html, advice, folded, settings_table, share, shown, tiles
from pipeline.records_folder.advice import Word
from pipeline.records_folder.lengths import percentile, share_cut
from pipeline.records_folder.manifest import ManifestFile
from pipeline.records_report import labels, texts
from pipeline.records_report.length_and_coverage import choices, covered
from pipeline.records_report.samples import samples

_FINE = "Nothing in the settings looks out of place for these texts."


def render(manifest: ManifestFile, *, words: Sequence[Word]) -> bytes:
    """The page of a records folder; `words` are all rows of vocabulary.tsv: id, token, count."""
    ids = {token: number for number, token, _ in words}
    head = _head(manifest) + advice([item.text for item in manifest.advice], otherwise=_FINE)
    telling = any(manifest.telling_words.labels.values())
    sections = [
        Section("Are max_length and top_words well chosen?", choices(manifest)),
        Section("Labels", labels.balance(manifest)),
        Section("Words that speak for a label", labels.telling(manifest)) if telling else None,
        Section("Splits", texts.splits(manifest)),
        Section("What the texts are like", texts.qualities(manifest)) if manifest.quality.findings else None,
        Section("Repeated texts", texts.duplicates(manifest)),
        Section("Rejected rows", texts.rejected(manifest)) if manifest.rejected.rows else None,
        Section("From text to ids", samples(manifest, ids)),
        Section("The most frequent words", texts.words(words)),
        Section("Settings", _settings(manifest)),
    ]
    return document(title="Records report", head=head, sections=[part for part in sections if part is not None])


def _head(manifest: ManifestFile) -> Html:
    rows = sum(part.rows for part in manifest.splits.values())
    files = manifest.input.files
    told = (
        "<h1>What the records hold</h1>"
        f"<p>{manifest.input.rows:,} rows of {files:,} {'file' if files == 1 else 'files'}: {rows:,} became records, "
        f"{manifest.rejected.rows:,} could not be used.</p>"
    )
    return told + tiles(_figures(manifest, rows=rows))


def _figures(manifest: ManifestFile, *, rows: int) -> list[tuple[str, Html]]:
    train = manifest.splits["train"]
    most = max(train.labels, key=lambda label: train.labels[label], default="")
    commonest = f"‘{shown(most, longest=20)}’ has {share(train.labels.get(most, 0), train.rows)}"
    sizes = ", ".join(f"{split} {manifest.splits[split].rows:,}" for split in SPLITS)
    max_length = manifest.config.sequence.max_length
    unknown = manifest.splits["test"] if manifest.splits["test"].rows else train
    return [
        ("records", f"{rows:,} <small>{sizes}</small>"),
        ("labels", f"{len(manifest.labels):,} <small>{commonest}</small>"),
        ("words kept", f"{manifest.vocabulary.size:,} <small>cover {share(covered(manifest), 1)} of the text</small>"),
        ("unknown in test", f"{share(unknown.unknown_tokens, unknown.tokens)} <small>of the words</small>"),
        (
            "typical length",
            f"{percentile(train, 0.5):,} <small>ids; 90% have at most {percentile(train, 0.9):,}</small>",
        ),
        ("texts cut", f"{share(share_cut(train, max_length), 1)} <small>by max_length {max_length:,}</small>"),
    ]


def _settings(manifest: ManifestFile) -> Html:
    sections = {
        name: getattr(manifest.config, name).model_dump() for name in ("text", "vocabulary", "sequence", "output")
    }
    return folded("what the records were made with", settings_table(sections))
