"""A manifest -> what a run says at its end: cached counts, labels, texts without, what is lost, and the advice."""

from collections.abc import Iterator

from pipeline.records_folder.damage import damage_lines, rejected_lines
from pipeline.records_folder.delimited_rows import repeated_lines
from pipeline.records_folder.label_balance import label_lines
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.mapped_labels import mapped_lines
from pipeline.records_folder.unlabelled_lines import unlabelled_lines


def run_lines(manifest: Manifest, folder: str) -> Iterator[str]:
    """The lines, each for what there is; folder: where the records are."""
    if (cache := manifest.vocabulary.cache) is not None:
        yield f"counted {cache.counted_files} files anew, {cache.reused_files} taken from the cache"
    yield from mapped_lines(manifest)
    yield from label_lines(manifest)
    yield from repeated_lines(manifest.input)
    yield from unlabelled_lines(manifest.unlabelled, folder)
    yield from damage_lines(manifest.input)
    yield from rejected_lines(manifest.rejected, folder)
    yield from (item.text for item in manifest.advice)
