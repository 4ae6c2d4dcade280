"""A manifest -> sentences about its labels: marks of rows without one, spellings of one label, labels with few rows.

Each gives `input.label_map` as a line that can be copied into the settings. It holds what is set already.
"""

import difflib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from pipeline.config.input_settings import SplitSettings
from pipeline.contract import SPLITS
from pipeline.records_folder.joined_labels import joined_sentences
from pipeline.records_folder.manifest import Manifest

# (setting, sentence)
Sentences = Iterator[tuple[str, str]]

SETTING: Final = "input.label_map"

# What data sets write where a row has no label, in lower case. unsup: aclImdb's folder; -1: its label in tables of it.
_MARKS: Final = frozenset({
    "-1", "unsup", "unsupervised", "unlabelled", "unlabeled", "no label", "no_label", "nolabel", "nan", "null", "none",
    "nil", "n/a", "#n/a", "na", "<na>", "\\n", "unknown", "undefined", "missing", "empty", "?", "-", "--", "''", '""',
})  # fmt: skip
# Marks that are a class if one of these labels is there: the signs of two classes.
_OPPOSITES: Final = {"-": ("+",), "-1": ("+1",)}

# A label of fewer training rows is hardly learnt, and its scores in eval and test are luck. Chosen, not measured.
_MIN_ROWS: Final = 20
_MIN_SHARE: Final = 0.01
# Thousands of labels have small shares, each of them; a label is rare only if it has less than this of a mean one.
_MIN_OF_MEAN: Final = 0.5

# A person reads no more labels than these in a sentence.
_LISTED: Final = 5
# Nor more than these in a setting.
_CHANGED: Final = 20

# What YAML reads as a truth value, if it is not in quotes.
_YAML_WORDS: Final = {"true": "yes and on", "false": "no and off"}

_INTEGRAL: Final = re.compile(r"([-+]?\d+)\.0+")


def label_sentences(manifest: Manifest) -> Sentences:
    """The sentences, the most important first."""
    marks = _marks(manifest)
    spellings = spellings_of_one(manifest.labels)
    # What is said of these labels changes with the rows that they lose or get.
    settled = {*marks, *(label for group in spellings for label in group)}
    joined = list(joined_sentences(manifest))
    yield from joined
    yield from _of_marks(manifest, marks)
    yield from _of_spellings(manifest, spellings)
    yield from _of_keys(manifest)
    if not joined:  # most lists have few rows, and their labels many
        yield from _of_rare(manifest, settled)
        yield from _of_lacking(manifest, settled)


def _marks(manifest: Manifest) -> list[str]:
    """Labels that say that a row has none, but those that somebody chose."""
    chosen = _map_of(manifest).values()
    return [label for label in manifest.labels if _is_mark(label, manifest.labels) and label not in chosen]


def _of_marks(manifest: Manifest, found: Sequence[str]) -> Sentences:
    if not found:
        return
    rows, total = sum(_rows(manifest)[label] for label in found), sum(part.rows for part in manifest.splits.values())
    one = len(found) == 1
    yield (
        SETTING,
        (
            f"{'The label' if one else 'The labels'} {_listed(found)} ({rows:,} of {total:,} rows) "
            f"{'looks' if one else 'look'} like a mark of rows without a label; if so, "
            f"{_line(manifest, dict.fromkeys(found))} {_leaves(manifest, one=one, rows='these')}."
        ),
    )


def _is_mark(label: str, labels: Sequence[str]) -> bool:
    """Whether a label says that there is none. -1 is a class beside 1 alone.

    >>> _is_mark("-1", ["-1", "0", "1"]), _is_mark("-1", ["-1", "1"]), _is_mark("-", ["+", "-"])
    (True, False, False)
    """
    mark = label.strip().casefold()
    if mark not in _MARKS or any(other in labels for other in _OPPOSITES.get(mark, ())):
        return False
    return mark != "-1" or set(labels) != {"-1", "1"}


def _of_spellings(manifest: Manifest, groups: Sequence[Sequence[str]]) -> Sentences:
    if not groups:
        return
    rows = _rows(manifest)
    groups = [sorted(group, key=lambda label: (-rows[label], label)) for group in groups]
    kinds = sorted({kind for group in groups for kind in difference(group)})
    pairs = "; ".join(" and ".join(map(_quoted, group[: _LISTED + 1])) for group in groups[:_LISTED])
    others = f" and {len(groups) - _LISTED:,} more pairs" if len(groups) > _LISTED else ""
    changes: dict[str, str | None] = {label: kept for kept, *same in groups for label in same}
    shown = dict(list(changes.items())[:_CHANGED])
    them = "them" if len(shown) == len(changes) else f"the first {_CHANGED}"
    yield (
        SETTING,
        (
            f"The labels {pairs}{others} differ only in {' or '.join(kinds)}, and each is a class of its own; "
            f"{_line(manifest, shown)} makes one of {them}."
        ),
    )


def spellings_of_one(labels: Sequence[str]) -> list[list[str]]:
    """Labels that differ only in case, white space, `.0` or Unicode form, in groups.

    >>> spellings_of_one(["Positive", "negative", "positive", "1", "1.0"])
    [['Positive', 'positive'], ['1', '1.0']]
    """
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[_folded(label)].append(label)
    return [group for group in groups.values() if len(group) > 1]


def difference(labels: Sequence[str]) -> list[str]:
    r"""In what the spellings of one label differ.

    >>> difference(["a b", "a\xa0b"]), difference(["e\u0301", "\xe9"]), difference(["A", "a "])
    (['white space'], ['Unicode form'], ['case', 'white space'])
    """
    alone = [kind for kind, fold in _FOLDS.items() if len(set(map(fold, labels))) == 1]
    needed = [kind for kind in _FOLDS if len({_folded(label, without=kind) for label in labels}) > 1]
    return alone[:1] or needed


def _of_keys(manifest: Manifest) -> Sentences:
    """Keys of input.label_map that no row had as its label."""
    keys = [key for key, rows in manifest.input.mapped_labels.items() if key and not rows]
    if not keys:
        return
    labels = [*manifest.labels, *(key for key, rows in manifest.input.mapped_labels.items() if rows)]
    same = [label for label in labels if _folded(label) == _folded(keys[0])]
    nearest = same or difflib.get_close_matches(keys[0], labels, n=1)
    # YAML reads 1.0 as a number, and a file of text has the label 1.0.
    in_quotes = ", in quotes" if same and same[0] != _integer(same[0]) else ""
    meant = f"; did you mean {_quoted(nearest[0])}{in_quotes}?" if nearest else "."
    if keys[0] in _YAML_WORDS:
        meant = f"; YAML reads {_YAML_WORDS[keys[0]]} as {keys[0]}: put it in quotes."
    yield (
        SETTING,
        f"input.label_map has {_listed(keys)}, but no row has {'this' if len(keys) == 1 else 'such a'} label{meant}",
    )


def _of_rare(manifest: Manifest, settled: Collection[str]) -> Sentences:
    """Labels of which the train split has few rows."""
    rows = manifest.splits["train"].labels
    total = manifest.splits["train"].rows
    least = min(_MIN_SHARE * total, _MIN_OF_MEAN * sum(rows.values()) / max(len(rows), 1))
    few_rows = (label for label in rows if rows[label] < max(_MIN_ROWS, least) and label not in settled)
    rare = sorted(few_rows, key=lambda label: rows[label])
    if not rare:
        return
    named = ", ".join(f"{_quoted(label)} ({rows[label]:,})" for label in rare[:_LISTED])
    label = f"label {named} has" if len(rare) == 1 else f"{len(rare):,} labels {named} have"
    if len(rare) > _LISTED:
        label = f"{len(rare):,} labels {named} ... have"
    leaves = _leaves(manifest, one=len(rare) == 1, rows="its" if len(rare) == 1 else "their")
    others = len(manifest.labels) - len(rare)
    or_leave = f", or {_line(manifest, dict.fromkeys(rare[:_LISTED]))} {leaves}" if others > 1 else ""
    yield SETTING, f"The {label} few of {total:,} training rows to learn from and to measure; get more{or_leave}."


def _of_lacking(manifest: Manifest, settled: Collection[str]) -> Sentences:
    """Splits without a row of a label that train has."""
    setting, remedy = _way_to_split(manifest.config.split, several=manifest.record.several_labels)
    for split in SPLITS[1:]:
        part = manifest.splits[split]
        lacking = [label for label in manifest.labels if not part.labels.get(label) and label not in settled]
        if part.rows and lacking:
            label = "label" if len(lacking) == 1 else "labels"
            yield (
                setting,
                f"The {split} split has no row of the {label} {_listed(lacking)}: its scores say nothing of "
                f"{'it' if len(lacking) == 1 else 'them'}; {remedy}.",
            )


def _way_to_split(split: SplitSettings, *, several: bool) -> tuple[str, str]:
    """The setting that decides on the split of a row, and how a label gets rows in one."""
    for name in ("column", "group_column", "time_column"):
        if getattr(split, name):
            return f"split.{name}", f"the rows follow split.{name}"
    if split.stratify:
        return "split.stratify", "it takes more rows"
    whose = "the rows of each list of labels" if several else "each label's rows"
    return "split.stratify", f"split.stratify: true divides {whose} by the shares"


def _rows(manifest: Manifest) -> Counter[str]:
    """The rows of each label, of all splits."""
    rows: Counter[str] = Counter()
    for part in manifest.splits.values():
        rows.update(part.labels)
    return rows


def _leaves(manifest: Manifest, *, one: bool, rows: str) -> str:
    """What input.label_map does to labels whose new name is null."""
    if manifest.record.several_labels:
        return f"takes {'it' if one else 'them'} out of the lists"
    return f"leaves {rows} rows out"


def _map_of(manifest: Manifest) -> dict[str, str | None]:
    """input.label_map as it is set."""
    return dict(manifest.config.input.get("label_map") or {})


def _line(manifest: Manifest, changes: Mapping[str, str | None]) -> str:
    """The setting with these changes too. Its keys are labels of the input; a new name is changed where it is given."""
    before = {old: changes.get(new, new) if new is not None else None for old, new in _map_of(manifest).items()}
    entries = before | {old: new for old, new in changes.items() if old not in before}
    return f"{SETTING}: {{{', '.join(f'{_quoted(old)}: {_value(new)}' for old, new in entries.items())}}}"


def _value(label: str | None) -> str:
    return "null" if label is None else _quoted(label)


def _quoted(label: str) -> str:
    r"""A label as YAML in quotes, in which each character can be told from another that looks like it.

    >>> print(_quoted("caf\xe9"), _quoted("cafe\u0301"), _quoted("a\xa0b"), _quoted('"'))
    "café" "cafe\u0301" "a\u00a0b" "\""
    """
    return '"' + "".join(map(_character, label)) + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isalnum() or (character.isascii() and character.isprintable()):
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 1 << 16 else f"\\U{ord(character):08x}"


def _listed(labels: Sequence[str]) -> str:
    """Some labels in words.

    >>> _listed(["a"]), _listed(["a", "b"]), _listed(["a", "b", "c", "d", "e", "f", "g"])
    ('"a"', '"a" and "b"', '"a", "b", "c", "d", "e" and 2 others')
    """
    if len(labels) == 1:
        return _quoted(labels[0])
    shown = list(map(_quoted, labels[:_LISTED]))
    last = shown.pop() if len(labels) <= _LISTED else f"{len(labels) - _LISTED:,} others"
    return f"{', '.join(shown)} and {last}"


def _one_white_space(label: str) -> str:
    visible = "".join(character for character in label if unicodedata.category(character) != "Cf")
    return " ".join(visible.split())


def _integer(label: str) -> str:
    match = _INTEGRAL.fullmatch(label)
    return match[1] if match else label


# In what spellings of one label may differ.
_FOLDS: Final[dict[str, Callable[[str], str]]] = {
    "case": str.casefold,
    "white space": _one_white_space,
    "Unicode form": lambda label: unicodedata.normalize("NFKC", label),
    "a final .0": _integer,
}


def _folded(label: str, *, without: str = "") -> str:
    for kind, fold in _FOLDS.items():
        if kind != without:
            label = fold(label)
    return label
