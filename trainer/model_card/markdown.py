r"""Text and tables -> Markdown in which text of the data is text, whatever characters it has.

A value of the data is code (`value`), where nothing is markup but the marks at its ends. A sentence that quotes the
data has its marks escaped (`sentence`). Both are on one line, and no character steers a terminal.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pipeline.support.printable import to_one_line

# Characters of a label, a word or a setting that are shown; MODEL_CARD.json has all of them.
_LONGEST: Final = 80
# Everything that begins or ends markup within a line. An underscore between two letters does neither.
_MARKS: Final = re.compile(r"[\\`*\[\]~$!{}]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# GitHub makes links of these without any mark.
_LINKS: Final = re.compile(r"(https?|ftp)(:)|\b(www)(\.)", re.IGNORECASE)
# What makes a block of the line that it begins: headings, lists, rules.
_BLOCK: Final = re.compile(r"^(?:[-+#=]|(\d+)(?=[.)](?:\s|$)))")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}


def code(text: str, *, longest: int = _LONGEST) -> str:
    r"""A value of the data as code; of a long one the beginning. With a pipe or a backtick it is escaped text.

    Code could hold those too, but programs differ in where a cell of a table ends then.

    >>> print(code("# x [a](b) <script>"), code("a`b"), code("a|b\n"), code(" "))
    `# x [a](b) <script>` a\`b a&#124;b (empty)
    """
    line = to_one_line(text, width=longest)
    if not line:
        return "(empty)"
    return sentence(line) if "|" in line or "`" in line else f"`{line}`"


def sentence(text: str) -> str:
    r"""A sentence that may quote the data, with all marks escaped.

    >>> print(sentence("# 'a_b' has *3* <b>rows</b>, see https://x"))
    \# 'a_b' has \*3\* &lt;b&gt;rows&lt;/b&gt;, see https\://x
    """
    line = "".join(_ENTITIES.get(character, character) for character in to_one_line(text))
    line = _MARKS.sub(lambda mark: "\\" + mark[0], line)
    line = _LINKS.sub(lambda link: f"{link[1] or link[3]}\\{link[2] or link[4]}", line)
    return _BLOCK.sub(lambda start: f"{start[1]}\\" if start[1] else f"\\{start[0]}", line)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, kinds: str) -> str:
    """A table. Heads and cells are Markdown already; kinds: a letter for each column, n numbers, t text.

    >>> print(table(["label", "rows"], [["`a`", "7"]], kinds="tn"))
    | label | rows |
    |---|---:|
    | `a` | 7 |
    """
    rules = ["---:" if kind == "n" else "---" for kind in kinds]
    lines = [_row(heads), f"|{'|'.join(rules)}|", *map(_row, rows)]
    return "\n".join(lines)


def bullets(sentences: Iterable[str]) -> str:
    """A list, an item a sentence; they may quote the data.

    >>> print(bullets(["a", "<b>"]))
    - a
    - &lt;b&gt;
    """
    return "\n".join(f"- {sentence(item)}" for item in sentences)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
