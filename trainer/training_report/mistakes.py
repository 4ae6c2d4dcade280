"""The most confident wrong answers -> a table with their texts, as far as records hold them: ids, decoded to words."""

from collections.abc import Mapping, Sequence

from pipeline.config.settings import SequenceSettings
from pipeline.contract import Oov
from pipeline.html.decoded_ids import decoded
from pipeline.html.elements import Html, shown, table
from trainer.evaluation.scoring import Mistake

_LABEL_CHARACTERS = 60


def mistakes(
    found: Sequence[Mistake],
    *,
    labels: Sequence[str],
    tokens: Mapping[int, str],
    oov: Oov,
    sequence: SequenceSettings,
) -> Html:
    """A row a mistake, the most confident first. tokens: id -> word."""
    if not found:
        return "<p>None: every text was told right.</p>"
    rows = [
        [
            f"{mistake.probability:.3f}",
            shown(labels[mistake.predicted], longest=_LABEL_CHARACTERS),
            shown(labels[mistake.label], longest=_LABEL_CHARACTERS),
            decoded(mistake.ids, tokens, oov=oov, padding=sequence.padding, padded=False),
        ]
        for mistake in found
    ]
    unknown = (
        "unknown words are <mark>marked</mark>" if oov == "token" else "words outside the vocabulary have left no id"
    )
    end = "beginning" if sequence.truncating == "pre" else "end"
    return (
        f"<p>The texts as the model read them: {unknown}, and of texts longer than {sequence.max_length:,} ids the "
        f"{end} is gone. A wrong <i>label</i> in the data shows here first.</p>"
        + table(["probability", "taken for", "is", "text"], rows, kinds="nttx", stacked=True)
    )
