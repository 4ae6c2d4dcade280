"""The tokens of a text and the words of a vocabulary -> the trace of the text: which tokens are unknown, which are cut
off, and where the id of each is in the padded row.

This is the reference in plain Python for people to read, in report.html and in `trainer explain`. The job computes the
same ids with `text/graph.py` and `text/fast_sequences.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from pipeline.config.settings import SequenceSettings, Side
from pipeline.contract import PADDING_ID, Oov, oov_id


@dataclass(frozen=True)
class Token:
    """A token of a text.

    is_known: whether the vocabulary has it; id: None if it gets no id; place: the index of its id in the padded row,
    None if it has no id or its id is cut off.
    """

    token: str
    is_known: bool
    id: int | None
    place: int | None


@dataclass(frozen=True)
class Trace:
    """A text on its way to ids.

    tokens: all tokens of the text; used: those of the stretch that is not cut off, tokens without an id among them;
    ids: the padded row, max_length ids.
    """

    tokens: list[Token]
    used: slice
    ids: list[int]

    @property
    def used_tokens(self) -> list[Token]:
        """The tokens that are not cut off."""
        return self.tokens[self.used]

    @property
    def cut_tokens(self) -> list[Token]:
        """The tokens that are cut off, at the start or at the end of the text as sequence.truncating has it."""
        return [*self.tokens[: self.used.start], *self.tokens[self.used.stop :]]

    @property
    def cut_ids(self) -> int:
        """The number of ids that are cut off."""
        return sum(token.id is not None for token in self.cut_tokens)

    @property
    def unknown(self) -> int:
        """The number of tokens that the vocabulary does not have."""
        return sum(not token.is_known for token in self.tokens)

    @property
    def padding(self) -> int:
        """The number of ids that are padding."""
        return self.ids.count(PADDING_ID)


def trace_tokens(tokens: Sequence[str], words: Mapping[str, int], *, oov: Oov, sequence: SequenceSettings) -> Trace:
    """The trace of a text. tokens: of the text, in order; words: word -> id.

    Padding, and an unknown token, which gets no id:

    >>> words = {"this": 1, "is": 2, "a": 3, "text": 4}
    >>> five = SequenceSettings(max_length=5)
    >>> trace = trace_tokens(["a", "new", "text"], words, oov="drop", sequence=five)
    >>> trace.ids, trace.padding, trace.unknown
    ([0, 0, 0, 3, 4], 3, 1)
    >>> [(token.token, token.id, token.place) for token in trace.tokens]
    [('a', 3, 3), ('new', None, None), ('text', 4, 4)]

    With `oov: token` unknown tokens share an id, and words begin at 2:

    >>> trace_tokens(["a", "new", "text"], {"a": 2, "text": 3}, oov="token", sequence=five).ids
    [0, 0, 2, 1, 3]

    Truncation, at the start of the text by default:

    >>> two = SequenceSettings(max_length=2)
    >>> trace = trace_tokens(["this", "new", "is", "text"], words, oov="drop", sequence=two)
    >>> trace.ids, [token.token for token in trace.cut_tokens], trace.cut_ids
    ([2, 4], ['this', 'new'], 1)
    """
    unknown = oov_id(oov)
    ids = [words.get(token, unknown) for token in tokens]
    with_id = [index for index, id in enumerate(ids) if id is not None]
    surplus = max(len(with_id) - sequence.max_length, 0)
    if sequence.truncating == "pre":
        indices = with_id[surplus:]
        used = slice(indices[0] if surplus else 0, len(tokens))
    else:
        indices = with_id[: sequence.max_length]
        used = slice(0, with_id[sequence.max_length] if surplus else len(tokens))
    first = sequence.max_length - len(indices) if sequence.padding == "pre" else 0
    places = {index: first + number for number, index in enumerate(indices)}
    row = [PADDING_ID] * sequence.max_length
    for index, place in places.items():
        row[place] = ids[index] or PADDING_ID
    return Trace(
        tokens=[Token(token, token in words, ids[index], places.get(index)) for index, token in enumerate(tokens)],
        used=used,
        ids=row,
    )


def without_padding(ids: Sequence[int], *, padding: Side) -> list[int]:
    """A padded row without its padding.

    >>> without_padding([0, 0, 3], padding="pre"), without_padding([3, 0, 0], padding="post")
    ([3], [3])
    """
    reading = ids if padding == "pre" else ids[::-1]
    left = list(dropwhile(lambda id: id == PADDING_ID, reading))
    return left if padding == "pre" else left[::-1]
