"""An Explanation -> short sections on the terminal, for somebody who meets an Embedding layer for the first time.

Sections 1 to 6 are about a text, sections 7 to 11 about the model; n-grams have a section more. Several texts have the
first sections each.
"""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.padding import Padding
from rich.text import Text

from pipeline.config.settings import SequenceSettings, TextSettings
from pipeline.contract import PADDING_ID, PADDING_TOKEN, first_word_id, oov_id
from pipeline.support.printable import to_one_line
from pipeline.support.terminal import table
from pipeline.text.trace import Token, without_padding
from trainer.commands.explain import Explanation, InfluentialWord, TextSteps
from trainer.commands.explain_answer import answer_view
from trainer.commands.explain_ngrams import SidesSay
from trainer.model.neighbours import Neighbour
from trainer.ngrams.kinds import NgramKinds
from trainer.savedmodel.model_info import ModelInfo

Section = tuple[str, RenderableType]

_SHOWN_TOKENS = 40
_SHOWN_ROWS = 12
_SHOWN_NUMBERS = 4  # of a vector
_SHOWN_NEIGHBOURS = 4
_SHOWN_WORDS = 4  # of which the neighbours are shown
# Characters.
_TEXT_WIDTH = 300
_TOKEN_WIDTH = 20
_NGRAM_WIDTH = 60
_NEIGHBOUR_WIDTH = 16


def explanation_view(explanation: Explanation, info: ModelInfo) -> RenderableType:
    """All sections, numbered: those of each text, then those of the model."""
    parts: list[RenderableType] = []
    number = 0
    for index, text in enumerate(explanation.texts, start=1):
        if len(explanation.texts) > 1:
            parts += [Text(f"Text {index} of {len(explanation.texts)}", style="bold underline"), Text()]
        sections = list(_sections_of_text(text, explanation, info))
        parts += _numbered(sections, first=1)
        number = len(sections)
    if len(explanation.texts) > 1:
        parts += [Text("All texts", style="bold underline"), Text()]
    parts += _numbered(_sections_of_model(explanation, info), first=number + 1)
    return Group(*parts)


def _numbered(sections: Iterable[Section], *, first: int) -> Iterator[RenderableType]:
    for number, (title, body) in enumerate(sections, start=first):
        yield Text(f"{number}. {title}", style="bold")
        yield Padding(body, (0, 0, 1, 3))


def _sections_of_text(text: TextSteps, explanation: Explanation, info: ModelInfo) -> Iterator[Section]:
    yield "The text", Text(to_one_line(text.text, width=_TEXT_WIDTH) or "(empty)")
    yield "Its tokens", Group(Text(_rules(info.text), style="dim"), _token_line(text.tokens))
    yield "Its ids", Group(Text(_numbering(info), style="dim"), _id_line(text.tokens))
    yield "The ids, padded", Group(Text(_padding(text, info.sequence), style="dim"), Text(_row(text, info.sequence)))
    yield "The vector of each id", _vector_table(text, explanation)
    yield "The answer", answer_view(text, info)
    if text.sides is not None:
        yield "What LSTM and n-grams say", _sides(text, text.sides, info)


def _sides(text: TextSteps, sides: SidesSay, info: ModelInfo) -> RenderableType:
    label, is_sigmoid = to_one_line(text.label), info.scheme.several or info.scheme.outputs == 1
    whole = sides.lstm + sides.ngrams + sides.bias
    lead = (
        f"For '{label}' the LSTM says {sides.lstm:+.3f} and the n-grams ({NgramKinds.of(info.model).told()}) "
        f"{sides.ngrams:+.3f}; every text gets {sides.bias:+.3f}. The sum {whole:+.3f} is "
        f"{'the logit: 0 is undecided' if is_sigmoid else 'how far its logit is above the mean of all labels'}."
    )
    made = table("n-gram", "says", kinds="tn")
    for ngram in sides.strongest:
        made.add_row(Text(to_one_line(ngram.words, width=_NGRAM_WIDTH), style="bold"), f"{ngram.says:+.3f}")
    return Group(Text(lead), made) if sides.strongest else Text(lead)


def _sections_of_model(explanation: Explanation, info: ModelInfo) -> Iterator[Section]:
    yield "The shape of the embedding's output", Text(_shape(explanation, info))
    yield "Unknown words", Text(_unknown(explanation))
    yield "Equal words, equal vectors", Text(_equal(explanation))
    words = {word.token: word for text in explanation.texts for word in text.telling}
    if words:
        yield "The nearest words", _nearest(list(words.values())[:_SHOWN_WORDS], info)
    yield "The same one-hot", Text(_one_hot(explanation))


def _rules(settings: TextSettings) -> str:
    """
    >>> _rules(TextSettings())
    'lower case; 33 kinds of punctuation become spaces; cut at white space'
    >>> _rules(TextSettings(punctuation=".,"))
    'lower case; 31 kinds of punctuation become spaces; each of ., is a word; cut at white space'
    """
    steps = ["lower case"] if settings.lowercase else []
    steps += ["HTML tags become spaces"] if settings.strip_html else []
    spaces = set(settings.filters) - set(settings.punctuation)
    steps += [f"{len(spaces)} kinds of punctuation become spaces"] if spaces else []
    steps += [f"each of {settings.punctuation} is a word"] if settings.punctuation else []
    cut = {"whitespace": "cut at white space", "space": "cut at spaces", "character": "cut into characters"}
    return "; ".join([*steps, cut[settings.split]])


def _token_line(tokens: Sequence[Token]) -> Text:
    line = Text()
    for token in tokens[:_SHOWN_TOKENS]:
        line.append(to_one_line(token.token), style="" if token.is_known else "dim strike").append("  ")
    if len(tokens) > _SHOWN_TOKENS:
        line.append(f"… and {len(tokens) - _SHOWN_TOKENS} more")
    return line if tokens else Text("(none)")


def _numbering(info: ModelInfo) -> str:
    if info.vocabulary.source is not None:
        new = "; new words follow, the most frequent first" if info.vocabulary.grow else ""
        return f"Words have the ids that {info.vocabulary.source} gives them{new}. {PADDING_ID} is padding."
    first = first_word_id(info.vocabulary.oov)
    return f"Words are numbered by their frequency in the training texts, from {first} on. {PADDING_ID} is padding."


def _id_line(tokens: Sequence[Token]) -> Text:
    pairs = [
        Text.assemble(to_one_line(token.token), ("=", "dim"), ("none" if token.id is None else str(token.id), "bold"))
        for token in tokens[:_SHOWN_TOKENS]
    ]
    if len(tokens) > _SHOWN_TOKENS:
        pairs.append(Text("…"))
    return Text("  ").join(pairs) if pairs else Text("(none)")


def _padding(text: TextSteps, settings: SequenceSettings) -> str:
    length = f"Every text becomes {settings.max_length} ids long"
    if text.cut:
        return f"{length}: {text.cut} ids at its {_end(settings.truncating)} are cut off."
    return f"{length}: {text.padding} zeros at its {_end(settings.padding)}."


def _end(side: str) -> str:
    return "start" if side == "pre" else "end"


def _row(text: TextSteps, settings: SequenceSettings) -> str:
    ids = without_padding(text.ids, padding=settings.padding)
    words = " ".join(map(str, ids[:_SHOWN_TOKENS])) + (" …" if len(ids) > _SHOWN_TOKENS else "")
    zeros = " ".join("0" * min(text.padding, 3)) + (" … 0" if text.padding > 4 else " 0" if text.padding == 4 else "")
    parts = [zeros, words] if settings.padding == "pre" else [words, zeros]
    return " ".join(part for part in parts if part)


def _vector_table(text: TextSteps, explanation: Explanation) -> RenderableType:
    made = table("place", "id", "token", f"vector of {explanation.shape[2]} numbers", kinds="nntt")
    made.columns[3].no_wrap = True
    with_place = [token for token in text.tokens if token.place is not None]
    rows = [(str(token.place), token.id, to_one_line(token.token, width=_TOKEN_WIDTH)) for token in with_place]
    rows = rows[:_SHOWN_ROWS]
    if text.padding:
        zeros = [place for place, id in enumerate(text.ids) if id == PADDING_ID]
        padding = (f"{zeros[0]}-{zeros[-1]}" if len(zeros) > 1 else str(zeros[0]), PADDING_ID, PADDING_TOKEN)
        rows = [padding, *rows] if text.ids[0] == PADDING_ID else [*rows, padding]
    for place, id, token in rows:
        made.add_row(place, str(id), Text(token), _numbers(explanation.vectors[int(id or PADDING_ID)]))
    more = len(with_place) - _SHOWN_ROWS
    return Group(made, Text(f"… and {more} more; --json has them all", style="dim")) if more > 0 else made


def _numbers(vector: Sequence[float]) -> str:
    """
    >>> _numbers([0.25, -1, 0, 0.5, 0.75])
    ' 0.2500 -1.0000  0.0000  0.5000 …'
    """
    numbers = " ".join(f"{number:7.4f}" for number in vector[:_SHOWN_NUMBERS])
    return numbers + (" …" if len(vector) > _SHOWN_NUMBERS else "")


def _shape(explanation: Explanation, info: ModelInfo) -> str:
    texts, length, dim = explanation.shape
    padding = "skips padding" if info.model.mask_zero else "reads padding as well"
    return (
        f"({texts}, {length}, {dim}): {texts} text{'s' if texts > 1 else ''}, {length} ids each, {dim} numbers an id.\n"
        f"The embedding is a table of {explanation.top_words:,} rows, one for each id, with {dim} numbers in each "
        f"({explanation.top_words * dim:,} numbers, all of them learnt). It only looks up the row of each id: "
        f"ids of shape ({texts}, {length}) become ({texts}, {length}, {dim}). "
        f"The LSTM then reads the rows in order and {padding}."
    )


def _unknown(explanation: Explanation) -> str:
    shared = oov_id(explanation.oov)
    fate = "is left out: it leaves no id" if shared is None else f"gets the id {shared}, which all unknown words share"
    unknown = dict.fromkeys(token.token for text in explanation.texts for token in text.tokens if not token.is_known)
    listed = [to_one_line(token, width=_TOKEN_WIDTH) for token in list(unknown)[:_SHOWN_ROWS]]
    here = f"Here: {', '.join(listed)}{' …' if len(unknown) > _SHOWN_ROWS else '.'}" if unknown else ""
    return (
        f"The vocabulary has {explanation.words:,} words, each with an id. Any other word {fate}. "
        f"{here or 'Here every word is known.'}"
    )


def _equal(explanation: Explanation) -> str:
    equal = explanation.equal_words
    if equal is None:
        return "No word is here twice. If one were, both would have the same id, and so the same row of the table."
    many = len(explanation.texts) > 1
    places = [f"{place} of text {text + 1}" if many else str(place) for text, place in equal.places[:_SHOWN_ROWS]]
    verdict = "equal to the last bit" if equal.same_vector else "NOT equal"
    return (
        f"'{to_one_line(equal.token)}' (id {equal.id}) is at places {', '.join(places)}. The vectors are {verdict}: "
        "the table knows the word, not its place. What a word means at its place is for the LSTM to learn."
    )


def _nearest(words: Sequence[InfluentialWord], info: ModelInfo) -> RenderableType:
    made = table("word", "effect", "nearest before training", "nearest after training", kinds="tntt")
    for word in words:
        before = _neighbours(word.before) or "(too rare to be saved)"
        token = Text(to_one_line(word.token, width=_TOKEN_WIDTH), style="bold")
        made.add_row(token, f"{word.effect:+.3f}", before, _neighbours(word.after))
    if info.embedding.source is not None:
        start = f"Training began with the vectors of {to_one_line(info.embedding.source)}"
    elif info.training.start_from is not None:
        start = f"Training began with the table of {to_one_line(info.training.start_from)}"
    else:
        start = "Before training the table is filled at random, and so are the neighbours"
    explanation = (
        "The words on which the answer depends most (effect: what the label's probability loses without the word), and "
        "the words whose vectors point most nearly the same way (cosine; 1 is the same direction). "
        f"{start}; after {info.best_epoch} epoch{'s' if info.best_epoch > 1 else ''} words that speak for the same "
        "label have drawn together."
    )
    return Group(Text(explanation, style="dim"), made)


def _neighbours(words: Sequence[Neighbour]) -> Text:
    lines = [
        f"{to_one_line(word.token, width=_NEIGHBOUR_WIDTH)} {word.cosine:.2f}" for word in words[:_SHOWN_NEIGHBOURS]
    ]
    return Text("\n".join(lines))


def _one_hot(explanation: Explanation) -> str:
    texts, length, dim = explanation.shape
    return (
        f"One-hot, each id would be {explanation.top_words:,} numbers, all 0 but a single 1: "
        f"({texts}, {length}, {explanation.top_words}), {decimal(explanation.bytes_one_hot)} instead of "
        f"{decimal(explanation.bytes_embedded)} ({explanation.top_words / dim:,.0f} times as much). All words would be "
        "equally far apart: the cosine of any two different words is 0, of 'good' and 'great' as of 'good' and 'the'."
    )
