"""An exported model and texts -> each step of the texts on their way to a label, as data that `explain_view` shows.

    text -> tokens -> ids -> padded ids [texts, max_length] -> vectors [texts, max_length, dim] -> label

Everything comes from the exported folder: ids and vectors from its signatures, words from its vocabulary.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import Oov
from pipeline.errors import UserError
from pipeline.text.graph import tokenize
from pipeline.text.trace import Token, Trace, trace_tokens
from trainer.commands.explain_ngrams import SidesSay, say_of_sides
from trainer.commands.predict import Prediction, predictions_of
from trainer.model import neighbours
from trainer.model.neighbours import Neighbour
from trainer.savedmodel.loading import ExportedModel, Floats

_INFLUENTIAL_WORDS: Final = 3  # of a text
# The model scores the text again without each word. 500 words of a text of 500 ids take a second.
_TRIED_WORDS: Final = 500
_FLOAT_BYTES: Final = 4


@dataclass(frozen=True)
class InfluentialWord:
    """A word of a text that the answer depends on.

    effect: what the probability of the text's label loses if the word is left out; negative if it gains.
    after, before: the nearest words by cosine in the trained embedding, and in the one that training began with. An
      export has the latter for the most frequent words only; before is empty for the others.
    """

    token: str
    effect: float
    after: list[Neighbour]
    before: list[Neighbour]


@dataclass(frozen=True)
class TextSteps:
    """A text, step by step.

    ids: padded, max_length of them; padding: how many are padding; cut: how many ids are cut off; telling: the
    influential words, those with the largest effect first (a key of `explain --json`, so it keeps its name). labels,
    abstains, rating: see `Prediction`; None of a model without them. sides: what LSTM and n-grams say; None of a model
    without n-grams.
    """

    text: str
    tokens: list[Token]
    ids: list[int]
    padding: int
    cut: int
    label: str
    probability: float
    scores: dict[str, float]
    telling: list[InfluentialWord]
    labels: list[str] | None = None
    abstains: bool | None = None
    rating: float | None = None
    sides: SidesSay | None = None


@dataclass(frozen=True)
class EqualWords:
    """A word with several places [text, place]. same_vector: whether its vectors are equal, to the bit."""

    token: str
    id: int
    places: list[tuple[int, int]]
    same_vector: bool


@dataclass(frozen=True)
class Explanation:
    """What `explain` shows.

    vectors: by id, of the ids in the texts; shape: of the embedding's output, [texts, max_length, dim]; top_words: rows
    of the embedding; words: how many words the vocabulary has, each with an id; bytes_embedded, bytes_one_hot: the size
    of the output, and of the same ids as one-hot vectors, float32 both.
    """

    texts: list[TextSteps]
    vectors: dict[int, list[float]]
    shape: tuple[int, int, int]
    top_words: int
    words: int
    oov: Oov
    equal_words: EqualWords | None
    bytes_embedded: int
    bytes_one_hot: int

    def as_json(self) -> dict[str, Any]:
        """All of it as values of JSON; what the model does not have is left out."""
        values = asdict(self)
        for text in values["texts"]:
            for name in ("labels", "abstains", "rating", "sides"):
                if text[name] is None:
                    del text[name]
        return values


def explain(model: ExportedModel, texts: Sequence[bytes]) -> Explanation:
    """The steps of one or more texts.

    Raises:
      UserError: the model was exported by a version that tokenizes in another way.
    """
    info = model.info
    ids = model.token_ids(texts)
    vectors, state = model.vectors(texts)
    traces = [_trace(model, text, row) for text, row in zip(texts, ids, strict=True)]
    answers = model.answers(texts)
    predictions = predictions_of(texts, answers, labels=info.labels)
    labels = answers.label.tolist()
    steps = [_text_steps(model, *text) for text in zip(predictions, traces, labels, strict=True)]
    if info.model.ngrams:
        sides = say_of_sides(model, ids, state, labels)
        steps = [replace(step, sides=said) for step, said in zip(steps, sides, strict=True)]
    place_of_id = {int(id): place for place, id in reversed(list(zip(np.ndindex(*ids.shape), ids.flat, strict=True)))}
    return Explanation(
        texts=steps,
        vectors={id: vectors[place].tolist() for id, place in sorted(place_of_id.items())},
        shape=(len(texts), info.sequence.max_length, info.model.embedding_dim),
        top_words=info.vocabulary.top_words,
        words=len(model.words),
        oov=info.vocabulary.oov,
        equal_words=_equal_words(traces, vectors),
        bytes_embedded=vectors.size * _FLOAT_BYTES,
        bytes_one_hot=ids.size * info.vocabulary.top_words * _FLOAT_BYTES,
    )


def _trace(model: ExportedModel, text: bytes, ids: npt.NDArray[np.int64]) -> Trace:
    """The trace of a text, compared with the ids int64 [max_length] that the model itself gives for it."""
    info = model.info
    tokens = [token.decode() for token in tokenize(tf.constant([text]), info.text).flat_values.numpy()]
    trace = trace_tokens(tokens, model.words, oov=info.vocabulary.oov, sequence=info.sequence)
    if trace.ids != ids.tolist():
        raise UserError(
            f"--model: {model.folder} cuts texts into other tokens than this version of the program; "
            "explain it with the version that exported it"
        )
    return trace


def _text_steps(model: ExportedModel, prediction: Prediction, trace: Trace, label: int) -> TextSteps:
    """label: the index of the answered label."""
    return TextSteps(
        text=prediction.text or "",
        tokens=trace.tokens,
        ids=trace.ids,
        padding=trace.padding,
        cut=trace.cut_ids,
        label=prediction.label or "",
        probability=prediction.probability or 0.0,
        scores=prediction.scores or {},
        telling=list(_influential_words(model, trace.tokens, label=label)),
        labels=prediction.labels,
        abstains=prediction.abstains,
        rating=prediction.rating,
    )


def _influential_words(model: ExportedModel, tokens: list[Token], *, label: int) -> Iterator[InfluentialWord]:
    """The words without which the label's probability changes most."""
    used = Counter(token.token for token in tokens if token.is_known and token.place is not None)
    words = list(used)[-_TRIED_WORDS:]
    between = "" if model.info.text.split == "character" else " "

    def without(word: str | None) -> bytes:
        return between.join(token.token for token in tokens if token.token != word).encode()

    whole, *others = model.scores([without(word) for word in (None, *words)])[:, label].tolist()
    effects = {word: whole - score for word, score in zip(words, others, strict=True)}
    for word in sorted(words, key=lambda word: -abs(effects[word]))[:_INFLUENTIAL_WORDS]:
        yield InfluentialWord(
            word,
            effects[word],
            after=nearest(model, word, model.embedding),
            before=nearest(model, word, model.embedding_before),
        )


def nearest(model: ExportedModel, word: str, embedding: Floats) -> list[Neighbour]:
    """The words whose rows of float32 [ids, dim] point most nearly in the direction of the word's own row.

    Only the most frequent words are candidates: an export has both embeddings of those alone. If the word has no row
    the list is empty.
    """
    candidates = {id: token for token, id in model.words.items() if id < len(model.embedding_before)}
    return neighbours.nearest_neighbours(model.words[word], embedding, candidates)


def _equal_words(traces: Sequence[Trace], vectors: Floats) -> EqualWords | None:
    """The first known word with more than one place."""
    places: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for text, trace in enumerate(traces):
        for token in trace.tokens:
            if token.is_known and token.id is not None and token.place is not None:
                places.setdefault((token.token, token.id), []).append((text, token.place))
    for (word, id), of_word in places.items():
        if len(of_word) > 1:
            is_same = all(np.array_equal(vectors[of_word[0]], vectors[place]) for place in of_word)
            return EqualWords(word, id, of_word, is_same)
    return None
