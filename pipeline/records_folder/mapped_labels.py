"""What input.label_map did to the rows of a run -> a line about it, for a terminal and for the report."""

from pipeline.records_folder.manifest import Manifest

# A person reads no more labels than these in a line.
_LISTED = 12


def mapped_lines(manifest: Manifest) -> list[str]:
    """A line with the rows of each label that was named; none: input.label_map is not set."""
    rows = manifest.input.mapped_labels
    if not rows:
        return []
    new_names = manifest.config.input.get("label_map", {})
    taken_away = "taken away" if manifest.record.several_labels else "left out"
    shown = [
        f"{label or 'no label'} -> {new_names.get(label) or (taken_away if label else 'left out')} ({number:,})"
        for label, number in list(rows.items())[:_LISTED]
    ]
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    left_out = manifest.input.left_out_rows
    rows_are = "row is" if left_out == 1 else "rows are"
    return [f"input.label_map: {', '.join(shown)}{more}; {left_out:,} {rows_are} left out"]
