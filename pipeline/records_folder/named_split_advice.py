"""A manifest -> advice about files that are named as splits, and whose rows are mixed."""

from collections.abc import Iterator

from pipeline.records_folder.manifest import Manifest


def named_split_sentences(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The setting and the sentence, if names of files tell a split and nothing else does."""
    named = manifest.input.named_splits
    if named and manifest.config.split.column is None and manifest.config.split.time_column is None:
        which = " and ".join(f"{split} ({files})" for split, files in named.items())
        yield (
            "split.column",
            f"Files are named {which}, and their rows are mixed and split anew; to keep them apart, put them into "
            "folders part=train/ and part=test/, and set split.column: part.",
        )
