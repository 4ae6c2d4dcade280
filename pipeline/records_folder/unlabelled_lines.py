"""The part of a manifest on texts without labels -> lines for a person, at the end of a run."""

from pipeline.records_folder.record_files import UnlabelledSummary


def unlabelled_lines(part: UnlabelledSummary | None, folder: str) -> list[str]:
    """Where the records of texts without labels are, and how many of the texts are in a split too.

    part: None: there are none. folder: where the records are.

    >>> from pipeline.records_folder.record_files import UnlabelledDuplicates
    >>> shared = UnlabelledDuplicates(in_splits={"train": 7, "eval": 0, "test": 1})
    >>> part = UnlabelledSummary(files=2, rows=15, tokens=200, unknown_tokens=7, duplicates=shared, shards=[])
    >>> print(*unlabelled_lines(part, "out"), sep="\\n")
    15 texts without labels (unknown tokens: 3.5%) are in out/records/unlabelled-*; `trainer vectors` learns from them
    of these texts some are in a split too: 7 in train, 1 in test
    """
    if part is None:
        return []
    unknown = part.unknown_tokens / max(part.tokens, 1)
    texts = "1 text without a label" if part.rows == 1 else f"{part.rows:,} texts without labels"
    are = "is" if part.rows == 1 else "are"
    where = f"{folder.rstrip('/')}/records/unlabelled-*"
    lines = [f"{texts} (unknown tokens: {unknown:.1%}) {are} in {where}; `trainer vectors` learns from them"]
    shared = [f"{rows:,} in {split}" for split, rows in part.duplicates.in_splits.items() if rows]
    return [*lines, f"of these texts some are in a split too: {', '.join(shared)}"] if shared else lines
