"""An exported model + texts -> what becomes of them on the way to a label, as data that `explain_view` shows.

    text -> tokens -> ids -> padded ids [texts, max_length] -> vectors [texts, max_length, dim] -> label

Everything is taken from the exported folder: the ids and vectors from its signatures, the words from its vocabulary.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import PADDING_ID, Oov, oov_id
from pipeline.errors import UserError
from pipeline.text.graph import tokenize
from trainer.model import neighbours as neighbours
from trainer.model.neighbours import Neighbour
from trainer.savedmodel.loading import ExportedModel, Floats

# Few enough to read.
_TELLING_WORDS: Final = 3
# A text is scored once without each of its words; so many take a second at 500 ids.
_MOST_TRIED: Final = 500
_FLOAT_BYTES: Final = 4


@dataclass(frozen=True)
class Token:
    """A token of a text. id: None if it leaves none. place: where its id stands in the padded ids, None if nowhere."""

    token: str
    is_known: bool
    id: int | None
    place: int | None


@dataclass(frozen=True)
class TellingWord:
    """A word that the answer rests on.

    effect: how much the probability of the text's label falls if the word is left out (negative: it rises).
    after, before: the nearest words by cosine, in the trained embedding and in the one that training began with, which
      has the most frequent words alone: before is empty for the others.
    """

    token: str
    effect: float
    after: list[Neighbour]
    before: list[Neighbour]


@dataclass(frozen=True)
class TextSteps:
    """A text, step by step. padding: ids that are padding; cut: ids that did not fit into max_length."""

    text: str
    tokens: list[Token]
    ids: list[int]
    padding: int
    cut: int
    label: str
    probability: float
    scores: dict[str, float]
    telling: list[TellingWord]


@dataclass(frozen=True)
class EqualWords:
    """An id that stands at two places [text, place]. same_vector: whether its two vectors are equal, to the bit."""

    token: str
    id: int
    places: list[tuple[int, int]]
    same_vector: bool


@dataclass(frozen=True)
class Explanation:
    """vectors: of each id that occurs. shape: of the embedding's output. bytes_*: of it, and of it as one-hot."""

    texts: list[TextSteps]
    vectors: dict[int, list[float]]
    shape: tuple[int, int, int]
    top_words: int
    oov: Oov
    equal_words: EqualWords | None
    bytes_embedded: int
    bytes_one_hot: int

    def as_json(self) -> dict[str, Any]:
        """All of it as values that JSON knows."""
        return asdict(self)


def explain(model: ExportedModel, texts: Sequence[bytes]) -> Explanation:
    """What becomes of the texts, one or more of them.

    Raises:
      UserError: the model was exported by a version whose tokens differ from this one's.
    """
    info = model.info
    ids = model.token_ids(texts)
    vectors, _ = model.vectors(texts)
    tokens = [_tokens(model, text, row) for text, row in zip(texts, ids, strict=True)]
    steps = [_text_steps(model, *text) for text in zip(texts, tokens, ids, model.scores(texts), strict=True)]
    first = {int(id): place for place, id in reversed(list(zip(np.ndindex(*ids.shape), ids.flat, strict=True)))}
    return Explanation(
        texts=steps,
        vectors={id: vectors[place].tolist() for id, place in sorted(first.items())},
        shape=(len(texts), info.sequence.max_length, info.model.embedding_dim),
        top_words=info.vocabulary.top_words,
        oov=info.vocabulary.oov,
        equal_words=_equal_words(tokens, vectors),
        bytes_embedded=vectors.size * _FLOAT_BYTES,
        bytes_one_hot=ids.size * info.vocabulary.top_words * _FLOAT_BYTES,
    )


def _tokens(model: ExportedModel, text: bytes, ids: npt.NDArray[np.int64]) -> list[Token]:
    """The tokens of a text, with their places among its ids."""
    spelt = [token.decode() for token in tokenize(tf.constant([text]), model.info.text).flat_values.numpy()]
    known = [token in model.words for token in spelt]
    of_unknown = oov_id(model.info.vocabulary.oov)
    found = [model.words.get(token, of_unknown) for token in spelt]
    places = iter(_places(sum(id is not None for id in found), ids, truncating=model.info.sequence.truncating))
    tokens = [
        Token(token, is_known, id, None if id is None else next(places))
        for token, is_known, id in zip(spelt, known, found, strict=True)
    ]
    if any(token.place is not None and ids[token.place] != token.id for token in tokens):
        raise UserError(
            f"--model: {model.folder} cuts texts into other tokens than this version of the program; "
            "explain it with the version that exported it"
        )
    return tokens


def _places(count: int, ids: npt.NDArray[np.int64], *, truncating: str) -> list[int | None]:
    """Where in the padded ids each of a text's `count` ids stands; None for those cut off.

    >>> _places(2, np.array([0, 0, 7, 8]), truncating="pre"), _places(3, np.array([8, 9]), truncating="pre")
    ([2, 3], [None, 0, 1])
    """
    used: list[int | None] = [int(place) for place in np.flatnonzero(ids != PADDING_ID)]
    cut: list[int | None] = [None] * (count - len(used))
    return [*cut, *used] if truncating == "pre" else [*used, *cut]


def _text_steps(
    model: ExportedModel, text: bytes, tokens: list[Token], ids: npt.NDArray[np.int64], scores: Floats
) -> TextSteps:
    labels = model.info.labels
    label = int(scores.argmax())
    return TextSteps(
        text=text.decode("utf-8", "replace"),
        tokens=tokens,
        ids=ids.tolist(),
        padding=int((ids == PADDING_ID).sum()),
        cut=sum(token.id is not None and token.place is None for token in tokens),
        label=labels[label],
        probability=float(scores[label]),
        scores=dict(zip(labels, scores.tolist(), strict=True)),
        telling=list(_telling_words(model, tokens, label=label)),
    )


def _telling_words(model: ExportedModel, tokens: list[Token], *, label: int) -> Iterator[TellingWord]:
    """The words without which the label's probability changes most."""
    used = Counter(token.token for token in tokens if token.is_known and token.place is not None)
    words = list(used)[-_MOST_TRIED:]
    between = "" if model.info.text.split == "character" else " "

    def without(word: str | None) -> bytes:
        return between.join(token.token for token in tokens if token.token != word).encode()

    whole, *others = model.scores([without(word) for word in (None, *words)])[:, label].tolist()
    effects = {word: whole - score for word, score in zip(words, others, strict=True)}
    for word in sorted(words, key=lambda word: -abs(effects[word]))[:_TELLING_WORDS]:
        yield TellingWord(
            word,
            effects[word],
            after=nearest(model, word, model.embedding),
            before=nearest(model, word, model.embedding_before),
        )


def nearest(model: ExportedModel, word: str, embedding: Floats) -> list[Neighbour]:
    """The words whose rows of float32 [ids, dim] point most nearly where the word's own does; none if it has no row.

    Looked for among the most frequent words, those of which both embeddings are kept.
    """
    candidates = {id: token for token, id in model.words.items() if id < len(model.embedding_before)}
    return neighbours.nearest(model.words[word], embedding, candidates)


def _equal_words(tokens: Sequence[list[Token]], vectors: Floats) -> EqualWords | None:
    """The first known word that stands at two places or more."""
    places: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for text, of_text in enumerate(tokens):
        for token in of_text:
            if token.is_known and token.id is not None and token.place is not None:
                places.setdefault((token.token, token.id), []).append((text, token.place))
    for (word, id), found in places.items():
        if len(found) > 1:
            same = all(np.array_equal(vectors[found[0]], vectors[place]) for place in found)
            return EqualWords(word, id, found, same)
    return None
