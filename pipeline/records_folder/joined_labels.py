"""The labels of rows that have one each -> whether they look like lists: comedy, drama, comedy|drama; or ['comedy'].

Some labels have the separator and a comma in their names ("New York, NY") or are of two kinds (en/pos). So labels are
taken for lists only if their parts are shared, lists have different lengths, and cutting makes much fewer labels.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pipeline.config.label_names import ASCII_SPACE
from pipeline.records_folder.manifest import Manifest

# What people put between labels, the clearest first.
_SEPARATORS = ("|", ";", ",", "/", "+", "&")
# Chosen, and not measured: of 3 genres alone there are 4 lists, of 5 there are 26.
_MIN_LISTS = 4
_MAX_PARTS_OF_LABELS = 2 / 3
_MIN_SHARED = 0.8
_SHOWN = 40  # characters of a list


class Joined(NamedTuple):
    """separator: what is between labels. lists: labels that have it. parts: the distinct labels that cutting gives."""

    separator: str
    lists: int
    parts: int


def joined_labels(rows: Mapping[str, int]) -> Joined | None:
    """The separator at which labels should be cut; None: they do not look like lists. rows: by label.

    >>> joined_labels(dict.fromkeys(["war", "love", "war|love", "art", "art|war", "art|love", "art|love|war"], 9))
    Joined(separator='|', lists=4, parts=3)
    """
    for separator in _SEPARATORS:
        cut = {label: [part for raw in label.split(separator) if (part := raw.strip(ASCII_SPACE))] for label in rows}
        lists = [parts for parts in cut.values() if len(parts) > 1]
        in_labels = Counter(part for parts in cut.values() for part in set(parts))
        shared = sum(all(in_labels[part] > 1 for part in parts) for parts in lists)
        if (
            len(lists) >= _MIN_LISTS
            and len(set(map(len, cut.values()))) > 1
            and len(in_labels) <= _MAX_PARTS_OF_LABELS * len(rows)
            and shared >= _MIN_SHARED * len(lists)
        ):
            return Joined(separator, len(lists), len(in_labels))
    return None


def written_lists(rows: Mapping[str, int]) -> list[str]:
    """Labels that are lists as a program writes them, such as ['war', 'love'], the most frequent first.

    >>> written_lists({"['war', 'love']": 2, "[]": 3, "war": 9})
    ['[]', "['war', 'love']"]
    """
    return sorted((label for label in rows if label[0] == "[" and label[-1] == "]"), key=lambda label: -rows[label])


def joined_sentences(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """(setting, sentence) if the labels of a folder look like lists."""
    if manifest.record.several_labels:
        return
    rows = Counter[str]()
    for part in manifest.splits.values():
        rows.update(part.labels)
    written = written_lists(rows)
    found = None if len(written) >= _MIN_LISTS else joined_labels(rows)
    if len(written) >= _MIN_LISTS:
        yield (
            "input.label_column",
            (
                f"{len(written):,} of {len(rows):,} labels look like lists that are written as text, such as "
                f'{written[0][:_SHOWN]}; if so, write lists into parquet or jsonl, or texts such as "war|love" and set '
                "input.label_separator."
            ),
        )
    if found is not None:
        yield (
            "input.label_separator",
            (
                f'{found.lists:,} of {len(rows):,} labels look like lists that are joined by "{found.separator}"; if '
                f'so, input.label_separator: "{found.separator}" makes {found.parts:,} labels of them, several a text.'
            ),
        )
