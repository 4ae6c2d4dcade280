"""An Explanation -> short sections for somebody who meets an Embedding layer for the first time."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.config.settings import SequenceSettings, TextSettings
from pipeline.contract import PADDING_ID, PADDING_TOKEN, first_word_id, oov_id
from pipeline.support.printable import to_one_line
from trainer.commands.explain import Explanation, TellingWord, TextSteps, Token
from trainer.model.neighbours import Neighbour
from trainer.savedmodel.loading import ModelInfo

_SHOWN_TOKENS = 40
_SHOWN_ROWS = 12
_SHOWN_NUMBERS = 4
_SHOWN_TEXT = 300
_SHOWN_WORDS = 4


def explained(explanation: Explanation, info: ModelInfo) -> RenderableType:
    """All sections, numbered; those of the texts one after the other, then those of the model."""
    sections: list[tuple[str, RenderableType]] = []
    for number, text in enumerate(explanation.texts):
        name = f" {number}" if len(explanation.texts) > 1 else ""
        sections.extend((f"{title}{name}", body) for title, body in _of_text(text, explanation, info))
    sections.extend(_of_model(explanation, info))
    parts: list[RenderableType] = []
    for number, (title, body) in enumerate(sections, start=1):
        parts += [Text(f"{number}. {title}", style="bold"), Padding(body, (0, 0, 1, 3))]
    return Group(*parts)


def _of_text(text: TextSteps, explanation: Explanation, info: ModelInfo) -> Iterator[tuple[str, RenderableType]]:
    yield "The text", Text(to_one_line(text.text, width=_SHOWN_TEXT) or "(empty)")
    yield "Its tokens", Group(Text(_rules(info.text), style="dim"), _token_line(text.tokens))
    yield "Its ids", Group(Text(_numbering(info), style="dim"), _id_table(text.tokens))
    yield "The ids, padded", Group(Text(_padding(text, info.sequence), style="dim"), Text(_padded(text, info.sequence)))
    yield "The vector of each id", _vector_table(text, explanation)
    scores = ", ".join(f"{to_one_line(label)} {score:.4f}" for label, score in text.scores.items())
    yield "The answer", Text.assemble((to_one_line(text.label), "bold"), f"  ({scores})")


def _of_model(explanation: Explanation, info: ModelInfo) -> Iterator[tuple[str, RenderableType]]:
    yield "The shape of the embedding's output", Text(_shape(explanation, info))
    yield "Unknown words", Text(_unknown(explanation))
    yield "Equal words, equal vectors", Text(_equal(explanation))
    telling = {word.token: word for text in explanation.texts for word in text.telling}
    if telling:
        yield "The nearest words", _nearest(list(telling.values())[:_SHOWN_WORDS], info)
    yield "The same one-hot", Text(_one_hot(explanation))


def _rules(settings: TextSettings) -> str:
    """
    >>> _rules(TextSettings())
    'lower case; 33 kinds of punctuation become spaces; cut at white space'
    """
    steps = ["lower case"] if settings.lowercase else []
    steps += ["HTML tags become spaces"] if settings.strip_html else []
    steps += [f"{len(settings.filters)} kinds of punctuation become spaces"] if settings.filters else []
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
        new = "; new words stand behind them, the most frequent first" if info.vocabulary.grow else ""
        return f"Words have the ids that {info.vocabulary.source} gives them{new}. {PADDING_ID} is padding."
    first = first_word_id(info.vocabulary.oov)
    return (
        f"Words are numbered by their frequency in the training texts: {first} is the first. {PADDING_ID} is padding."
    )


def _id_table(tokens: Sequence[Token]) -> RenderableType:
    pairs = [
        Text.assemble(to_one_line(token.token), ("=", "dim"), ("none" if token.id is None else str(token.id), "bold"))
        for token in tokens[:_SHOWN_TOKENS]
    ]
    if len(tokens) > _SHOWN_TOKENS:
        pairs.append(Text("…"))
    return Text("  ").join(pairs) if pairs else Text("(none)")


def _padding(text: TextSteps, settings: SequenceSettings) -> str:
    where = "in front" if settings.padding == "pre" else "behind"
    length = f"Every text becomes {settings.max_length} ids long"
    if text.cut:
        end = "beginning" if settings.truncating == "pre" else "end"
        return f"{length}: {text.cut} ids of its {end} are cut off."
    return f"{length}: {text.padding} zeros {where}."


def _padded(text: TextSteps, settings: SequenceSettings) -> str:
    words = [id for id in text.ids if id != PADDING_ID]
    listed = " ".join(map(str, words[:_SHOWN_TOKENS])) + (" …" if len(words) > _SHOWN_TOKENS else "")
    zeros = " ".join("0" * min(text.padding, 3)) + (" … 0" if text.padding > 4 else " 0" if text.padding == 4 else "")
    parts = [zeros, listed] if settings.padding == "pre" else [listed, zeros]
    return " ".join(part for part in parts if part)


def _vector_table(text: TextSteps, explanation: Explanation) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("place", "id"):
        table.add_column(name, justify="right")
    table.add_column("token")
    table.add_column(f"vector of {explanation.shape[2]} numbers", no_wrap=True)
    places = [(token.place, token) for token in text.tokens if token.place is not None]
    rows = [(str(place), token.id, to_one_line(token.token, width=20)) for place, token in places[:_SHOWN_ROWS]]
    if text.padding:
        zeros = [place for place, id in enumerate(text.ids) if id == PADDING_ID]
        padding = (f"{zeros[0]}-{zeros[-1]}" if len(zeros) > 1 else str(zeros[0]), PADDING_ID, PADDING_TOKEN)
        rows = [padding, *rows] if text.ids[0] == PADDING_ID else [*rows, padding]
    for place, id, token in rows:
        table.add_row(place, str(id), Text(token), _numbers(explanation.vectors[int(id or PADDING_ID)]))
    more = len(places) - _SHOWN_ROWS
    return Group(table, Text(f"… and {more} more; --json has them all", style="dim")) if more > 0 else table


def _numbers(vector: Sequence[float]) -> str:
    """
    >>> _numbers([0.25, -1, 0, 0.5, 0.75])
    ' 0.2500 -1.0000  0.0000  0.5000 …'
    """
    shown = " ".join(f"{number:7.4f}" for number in vector[:_SHOWN_NUMBERS])
    return shown + (" …" if len(vector) > _SHOWN_NUMBERS else "")


def _shape(explanation: Explanation, info: ModelInfo) -> str:
    texts, length, dim = explanation.shape
    passing = ", passing over padding" if info.model.mask_zero else ", padding and all"
    return (
        f"({texts}, {length}, {dim}): {texts} text{'s' if texts > 1 else ''}, {length} ids each, {dim} numbers an id.\n"
        f"The embedding is a table of {explanation.top_words:,} rows, one for each id, with {dim} numbers in each "
        f"({explanation.top_words * dim:,} numbers, all of them learnt). It looks up the row of each id, no more: "
        f"ids of shape ({texts}, {length}) become ({texts}, {length}, {dim}). "
        f"The LSTM then reads the rows in order{passing}."
    )


def _unknown(explanation: Explanation) -> str:
    known = explanation.top_words - first_word_id(explanation.oov)
    unknown = [token.token for text in explanation.texts for token in text.tokens if not token.is_known]
    shared = oov_id(explanation.oov)
    fate = "is left out: it leaves no id" if shared is None else f"gets the id {shared}, which all unknown words share"
    here = ", ".join(to_one_line(token, width=20) for token in dict.fromkeys(unknown[:_SHOWN_ROWS]))
    return f"Only the {known:,} most frequent words have an id. Any other word {fate}. " + (
        f"Here: {here}." if here else "Here every word is known."
    )


def _equal(explanation: Explanation) -> str:
    equal = explanation.equal_words
    if equal is None:
        return "No word stands here twice. If one did, both would have the same id, and so the same row of the table."
    many = len(explanation.texts) > 1
    places = [f"{place} of text {text + 1}" if many else str(place) for text, place in equal.places[:_SHOWN_ROWS]]
    verdict = "equal to the last bit" if equal.same_vector else "NOT equal"
    return (
        f"'{to_one_line(equal.token)}' (id {equal.id}) stands at places {', '.join(places)}. "
        f"The vectors are {verdict}: the table knows the word, not its place. "
        "What comes of its place and its neighbours is the LSTM's work."
    )


def _nearest(words: Sequence[TellingWord], info: ModelInfo) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("word", "effect", "nearest before training", "nearest after training"):
        table.add_column(name, justify="right" if name == "effect" else "left")
    for word in words:
        before = _neighbours(word.before) or "(too rare to have been kept)"
        token = Text(to_one_line(word.token, width=20), style="bold")
        table.add_row(token, f"{word.effect:+.3f}", before, _neighbours(word.after))
    told = (
        "The words on which the answer rests most (effect: what the label's probability loses without the word), and "
        "the words whose vectors point most nearly the same way (cosine; 1 is the same direction). Before training the "
        f"table is filled at random, and so are the neighbours; after {info.best_epoch} "
        f"epoch{'s' if info.best_epoch > 1 else ''} words that speak for the same label have drawn together."
    )
    return Group(Text(told, style="dim"), table)


def _neighbours(neighbours: Sequence[Neighbour]) -> Text:
    return Text(
        "\n".join(f"{to_one_line(word.token, width=16)} {word.cosine:.2f}" for word in neighbours[:_SHOWN_WORDS])
    )


def _one_hot(explanation: Explanation) -> str:
    texts, length, dim = explanation.shape
    return (
        f"One-hot, each id would be {explanation.top_words:,} numbers, all 0 but a single 1: "
        f"({texts}, {length}, {explanation.top_words}), {_size(explanation.bytes_one_hot)} instead of "
        f"{_size(explanation.bytes_embedded)} ({explanation.top_words / dim:,.0f} times as much). And it knows no "
        "nearness: the cosine of any two different words is 0, of 'good' and 'great' as of 'good' and 'the'."
    )


def _size(size: int) -> str:
    """
    >>> _size(64_000), _size(10_000_000)
    ('64.0 kB', '10.0 MB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
