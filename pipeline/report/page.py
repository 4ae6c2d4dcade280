"""The parts of the report -> one HTML page, with Bokeh's script in it: nothing is loaded from anywhere."""

from collections.abc import Sequence
from html import escape

from bokeh.resources import Resources

from pipeline.advice import Word
from pipeline.lengths import percentile, share_cut
from pipeline.manifest_file import ManifestFile
from pipeline.report import plots, tables
from pipeline.visible import visible

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2125; --paper: #fff; --soft: #667; --line: #dde0e4; --blue: #3d85c6;
  --card: #f6f8fa }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ea; --paper: #15181b; --soft: #99a1a9; --line: #333a41;
  --card: #1d2226 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem }
p { margin: .4rem 0 } small, .soft { color: var(--soft) }
.advice { background: var(--card); border-left: 4px solid var(--blue); padding: .6rem 1rem; margin: 1rem 0 }
.advice ul { margin: 0; padding-left: 1.1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .92rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line) }
bdi { overflow-wrap: anywhere } th { color: var(--soft); font-weight: 500 }
.bar { display: block; height: .7rem; margin-top: .4rem; min-width: 2px; background: var(--blue); border-radius: 2px }
.words td:last-child { width: 50% } .samples td { min-width: 5rem } .samples td:nth-child(n+3) { min-width: 16rem }
mark { background: #cc412544; color: inherit; border-radius: 3px; padding: 0 .2em }
"""


def render(manifest: ManifestFile, *, words: Sequence[Word]) -> bytes:
    """The page of a records folder; `words` are all rows of vocabulary.tsv: id, token, count."""
    tokens = {number: token for number, token, _ in words}
    script = Resources(mode="inline", components=["bokeh"]).js_raw[0]
    parts = [
        _head(manifest),
        _advice([item.text for item in manifest.advice]),
        _section("Splits", tables.splits(manifest)),
        _section("Labels", tables.labels(manifest)),
        _section("Lengths", _length_sentence(manifest), '<div id="plot-lengths"></div>'),
        _section("Coverage", _coverage_sentence(manifest), '<div id="plot-coverage"></div>'),
        _section("Most frequent words", f'<div class="words">{tables.words(words)}</div>'),
        _section("Rejected rows", tables.rejected(manifest)) if manifest.rejected.rows else "",
        _section("Samples", f'<div class="samples">{tables.samples(manifest, tokens)}</div>'),
        _embedded("lengths", plots.lengths(manifest)),
        _embedded("coverage", plots.coverage(manifest)),
    ]
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Records report</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + f"\n<script>{script}</script>\n<script>{_DRAW}</script>\n</body>\n</html>\n"
    )
    return page.encode()


_DRAW = """
for (const script of document.querySelectorAll('script[type="application/json"]'))
  Bokeh.embed.embed_item(JSON.parse(script.textContent));
"""


def _head(manifest: ManifestFile) -> str:
    rows = sum(part.rows for part in manifest.splits.values())
    rejected = manifest.rejected.rows
    duplicates = manifest.duplicates
    return (
        "<h1>What the records hold</h1>"
        f"<p>{manifest.input.rows:,} rows of {manifest.input.files:,} "
        f"{'file' if manifest.input.files == 1 else 'files'}: {rows:,} became records, {rejected:,} could not be used. "
        f"{len(manifest.labels):,} labels.</p>"
        f'<p class="soft">{duplicates.texts:,} texts occur more than once ({duplicates.rows:,} rows too many); '
        f"{duplicates.conflicting:,} of them carry different labels.</p>"
    )


def _advice(sentences: Sequence[str]) -> str:
    if not sentences:
        return '<div class="advice">Nothing in the settings looks out of place for these texts.</div>'
    items = "".join(f"<li>{escape(visible(sentence))}</li>" for sentence in sentences)
    return f'<div class="advice"><ul>{items}</ul></div>'


def _length_sentence(manifest: ManifestFile) -> str:
    part, cut = manifest.splits["train"], manifest.config.sequence.max_length
    quantiles = ", ".join(f"{share:.0%} have at most {percentile(part, share):,}" for share in (0.5, 0.9, 0.99))
    return (
        f"<p>Of the training texts {quantiles} ids; the longest has {percentile(part, 1.0):,}. "
        f"<code>max_length</code> {cut:,} (red) cuts {share_cut(part, cut):.1%}.</p>"
    )


def _coverage_sentence(manifest: ManifestFile) -> str:
    part, train = manifest.vocabulary, manifest.splits["train"]
    covered = 1 - train.unknown_tokens / max(train.tokens, 1)
    return (
        f"<p>The {part.size:,} words kept (red) of {part.distinct_tokens:,} make up {covered:.1%} of the train "
        "split's tokens.</p>"
    )


def _section(title: str, *content: str) -> str:
    return f"<section><h2>{title}</h2>{''.join(content)}</section>"


def _embedded(name: str, item: str) -> str:
    # In a script element '<' alone could end it.
    return f'<script type="application/json" id="data-{name}">{item.replace("<", chr(92) + "u003c")}</script>'
