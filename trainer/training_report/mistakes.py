"""The most confident wrong answers -> a table with their texts, as the words that the ids of the records stand for."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from pipeline.config.settings import SequenceSettings
from pipeline.contract import Oov
from pipeline.html.elements import table, text_of_data
from trainer.evaluation.mistakes import Mistake
from trainer.training_report.decoded_ids import decoded_words

_LABEL_CHARACTERS = 60


def mistakes(
    wrong: Sequence[Mistake],
    *,
    labels: Sequence[str],
    tokens: Mapping[int, str],
    oov: Oov,
    sequence: SequenceSettings,
    several: bool = False,
) -> Markup:
    """A row for each wrong answer, the most confident first. tokens: id -> word. several: labels a text."""
    if not wrong:
        return Markup("<p>None: every answer is right.</p>")
    rows = [
        [
            f"{mistake.probability:.3f}",
            *([_wrong(mistake, labels)] if several else []),
            _names(mistake.predicted, labels),
            _names(mistake.labels, labels),
            decoded_words(mistake.ids, tokens, oov=oov, padding=sequence.padding, padded=False),
        ]
        for mistake in wrong
    ]
    unknown = (
        Markup("unknown words are <mark>marked</mark>")
        if oov == "token"
        else "words outside the vocabulary have left no id"
    )
    explanation = Markup(
        "<p>The texts as the model read them: {unknown}, and of texts longer than {length:,} ids the {end} is gone. "
        "A wrong <i>label</i> in the data shows here first.</p>"
    ).format(unknown=unknown, length=sequence.max_length, end="beginning" if sequence.truncating == "pre" else "end")
    heads = ["probability", *["wrong about"] * several, "taken for", "is", "text"]
    return explanation + table(heads, rows, kinds="n" + "t" * several + "ttx", stacked=True)


def _wrong(mistake: Mistake, labels: Sequence[str]) -> Markup:
    """The label that the model is most sure of without being right."""
    kind = "false alarm" if mistake.wrong in mistake.predicted else "missed"
    return Markup("{} <small>{}</small>").format(_names([mistake.wrong], labels), kind)


def _names(indices: Sequence[int], labels: Sequence[str]) -> Markup:
    """The names of labels; of none of several, a dash."""
    return Markup(", ").join(text_of_data(labels[index], longest=_LABEL_CHARACTERS) for index in indices) or Markup("–")
