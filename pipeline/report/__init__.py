"""A manifest and its vocabulary -> report.html, what a person looks at first.

One self-contained page: nothing is loaded from anywhere, and all text of the data stays text.
"""

from collections.abc import Sequence

from pipeline.manifest_file import ManifestFile


def render(manifest: ManifestFile, *, words: Sequence[tuple[int, str, int]]) -> bytes:
    """The page as UTF-8, the same bytes for the same arguments.

    words: (id, token, count), the rows of vocabulary.tsv in their order, tokens as the file spells them.
    """
    # Bokeh takes 0.8 s to import: the one worker that concludes a job pays for it, not all of them.
    from pipeline.report import page

    return page.page(manifest, words=words)
