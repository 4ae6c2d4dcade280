"""Files that a folder or glob holds and that are not read -> their number and a few names, by kind, for a person."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from pipeline.files.hidden import HIDDEN, is_hidden
from pipeline.files.walk import LOOP

UNLABELLED_FOLDER: Final = "unsup"
LABELLED: Final = "labelled"
OTHER: Final = "other"
OTHER_FORMAT: Final = "other_format"
METADATA: Final = "metadata"
SAME_FILE: Final = "same_file"
UNPACKED: Final = "unpacked_archive"
NOT_IN_TABLE: Final = "not_in_table"
# Why files are left out. Each sentence follows the number of the files and some of their names.
REASONS: Final = {
    UNLABELLED_FOLDER: f"texts in folders named {UNLABELLED_FOLDER} have no label",
    LABELLED: f"of a folder in input.unlabelled, texts in folders named {UNLABELLED_FOLDER} are taken, where some are",
    OTHER_FORMAT: "in a folder, files are taken whose names end as those of a known format, or of input.format, do",
    OTHER: "only texts in a folder of a label are taken (below a folder of a split, where there are some)",
    HIDDEN: "a name that begins with . or _ is not data, unless input.path spells it",
    METADATA: "such a file describes a data set, and has none of its rows",
    SAME_FILE: "a link, or another spelling of a path, is another name of a file that is read",
    UNPACKED: "the files of such an archive lie unpacked beside it",
    NOT_IN_TABLE: "the version of their table that is read does not have them",
    LOOP: "such a link leads to a folder that is read already, or that holds the link",
}
EXAMPLES: Final = 3


class LeftOut:
    """Files that are left out, by kind: a key of REASONS."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def add(self, kind: str, path: str) -> None:
        """Counts a file; its name is kept if it is among the first of its kind, or of hidden ones of its hidden name.

        >>> left_out = LeftOut()
        >>> left_out.add_all(HIDDEN, ["in/.git/a", "in/.git/b", "in/.git/c", "in/_SUCCESS"])
        >>> left_out.numbers, left_out.examples
        ({'hidden': 4}, {'hidden': ['in/.git/a', 'in/_SUCCESS']})
        """
        self._numbers[kind] += 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            shown = path.encode("utf-8", "backslashreplace").decode()
            if kind != HIDDEN or _hidden_name(shown) not in map(_hidden_name, examples):
                examples.append(shown)

    def add_all(self, kind: str, paths: Iterable[str]) -> None:
        """Counts several files."""
        for path in paths:
            self.add(kind, path)

    def take_back(self, kind: str, paths: Collection[str]) -> None:
        """Does not count several files any more that were counted as of this kind."""
        self._numbers[kind] -= len(paths)
        self._examples[kind] = [path for path in self._examples.get(kind, []) if path not in paths]

    def add_those_of(self, other: "LeftOut") -> None:
        """Counts what another one has counted."""
        self._numbers.update(other._numbers)
        for kind, paths in other._examples.items():
            examples = self._examples.setdefault(kind, [])
            examples += paths[: EXAMPLES - len(examples)]

    @property
    def numbers(self) -> dict[str, int]:
        """The number of files by kind; no kind has 0."""
        return {kind: number for kind, number in self._numbers.items() if number > 0}

    @property
    def examples(self) -> dict[str, list[str]]:
        """The first EXAMPLES paths of each kind."""
        return {kind: list(paths) for kind, paths in self._examples.items() if self._numbers[kind] > 0}


def lines(
    numbers: Mapping[str, int], examples: Mapping[str, Sequence[str]], *, name: Callable[[str], str] = str
) -> list[str]:
    """A line for a person about each kind of files that are left out; it may name a setting, as `name` puts it.

    >>> lines({"unsup": 3, "hidden": 1}, {"hidden": ["spark/_SUCCESS"]})
    ['3 files are left out: texts in folders named unsup have no label', \
'1 file is left out (spark/_SUCCESS): a name that begins with . or _ is not data, unless input.path spells it']
    """
    return [
        f"{number} {'files are' if number > 1 else 'file is'} left out{_listed(examples.get(kind, ()), number)}: "
        f"{name(REASONS[kind])}"
        for kind, number in numbers.items()
    ]


def _hidden_name(path: str) -> str:
    """The last hidden part of a path."""
    return next((part for part in reversed(path.split("/")) if is_hidden(part)), "")


def _listed(paths: Sequence[str], number: int) -> str:
    return f" ({', '.join(paths)}{', ...' if number > len(paths) else ''})" if paths else ""
