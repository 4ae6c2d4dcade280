"""Samples of a manifest -> their way from text to tokens to ids, as a person can check it.

Unknown words are marked, and what was cut off is struck out.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from pipeline.config.settings import SequenceSettings
from pipeline.contract import PADDING_ID, Oov, oov_id
from pipeline.html.elements import Html, folded, shown
from pipeline.records_folder.manifest import ManifestFile, Sample
from pipeline.text.graph import tokenize

_SAMPLES = 4
_TEXT_CHARACTERS = 400
_OPEN_TOKENS = 40
_CUT_TOKENS = 15  # nearest to where the text was cut
_TOKEN_CHARACTERS = 40


class Token(NamedTuple):
    """A token of a text. id: None if it leaves none."""

    token: str
    is_known: bool
    id: int | None


class Steps(NamedTuple):
    """The tokens of a text in two stretches; which comes first is a matter of sequence.truncating."""

    cut: list[Token]
    kept: list[Token]

    @property
    def unknown(self) -> int:
        """Tokens that the vocabulary has not."""
        return sum(not token.is_known for token in [*self.cut, *self.kept])


def samples(manifest: ManifestFile, ids: Mapping[str, int]) -> Html:
    """Some texts of the train split, one that was cut and one with unknown words among them. ids: token -> id."""
    found = [sample for sample in manifest.samples if sample.split == "train"]
    if not found:
        return "<p>No text is short enough to be shown here.</p>"
    config = manifest.config
    ragged = tokenize(tf.constant([sample.text for sample in found]), config.text)
    steps = [
        steps_of([token.decode() for token in row], ids, oov=config.vocabulary.oov, sequence=config.sequence)
        for row in ragged.to_list()
    ]
    explained = (
        "<p>Each word over its id. <mark>Marked</mark> words are not in the vocabulary"
        + (
            " and leave no id"
            if oov_id(config.vocabulary.oov) is None
            else f" and share id {oov_id(config.vocabulary.oov)}"
        )
        + "; <del>struck out</del> is what did not fit into "
        f"{config.sequence.max_length:,} ids; {PADDING_ID} is padding.</p>"
    )
    return explained + "".join(_card(found[place], steps[place], config.sequence) for place in _telling(steps))


def steps_of(tokens: Sequence[str], ids: Mapping[str, int], *, oov: Oov, sequence: SequenceSettings) -> Steps:
    """Where a text is cut.

    >>> settings = SequenceSettings(max_length=2)
    >>> found = steps_of(["a", "new", "word", "a"], {"a": 1, "word": 2}, oov="drop", sequence=settings)
    >>> [token.token for token in found.cut], [token.id for token in found.kept]
    (['a', 'new'], [2, 1])
    """
    found = [Token(token, token in ids, ids.get(token, oov_id(oov))) for token in tokens]
    places = [place for place, token in enumerate(found) if token.id is not None]
    over = len(places) - sequence.max_length
    if over <= 0:
        return Steps([], found)
    if sequence.truncating == "pre":
        return Steps(found[: places[over]], found[places[over] :])
    return Steps(found[places[-over] :], found[: places[-over]])


def _telling(steps: Sequence[Steps]) -> list[int]:
    """The first with something cut, the first with an unknown word, and the first others."""
    kinds = [
        [place for place, found in enumerate(steps) if found.cut],
        [place for place, found in enumerate(steps) if found.unknown and not found.cut],
        list(range(len(steps))),
    ]
    first = [kind[0] for kind in kinds if kind]
    return list(dict.fromkeys([*first, *kinds[-1]]))[:_SAMPLES]


def _card(sample: Sample, steps: Steps, sequence: SequenceSettings) -> Html:
    padding = sample.ids.count(PADDING_ID)
    facts = [f"{len(steps.cut) + len(steps.kept):,} words", f"{steps.unknown:,} unknown"]
    facts += [f"{len(steps.cut):,} cut off"] if steps.cut else [f"{padding:,} × padding"]
    zeros = f'<span class="token soft">[PAD]<small>{PADDING_ID} × {padding:,}</small></span>' if padding else ""
    kept = _row(steps.kept[:_OPEN_TOKENS])
    rest = steps.kept[_OPEN_TOKENS:]
    more = folded(f"{len(rest):,} more words", f'<div class="tokens">{_row(rest)}</div>') if rest else ""
    front, back = (zeros, "") if sequence.padding == "pre" else ("", zeros)
    cut = _cut(steps.cut, sequence)
    if sequence.truncating == "pre":
        body = f'<div class="tokens">{cut}{front}{kept}{back}</div>{more}'
    else:
        body = f'<div class="tokens">{front}{kept}{back}</div>{more}<div class="tokens">{cut}</div>'
    return (
        f'<article><p class="soft">{shown(sample.label, longest=60)} · {", ".join(facts)}</p>'
        f"<p>{shown(sample.text, longest=_TEXT_CHARACTERS)}</p>{body}</article>"
    )


def _cut(tokens: Sequence[Token], sequence: SequenceSettings) -> Html:
    if not tokens:
        return ""
    hidden = len(tokens) - _CUT_TOKENS
    more = f'<span class="token soft">… {hidden:,} more</span>' if hidden > 0 else ""
    if sequence.truncating == "pre":
        return f"<del>{more}{_row(tokens[-_CUT_TOKENS:])}</del>"
    return f"<del>{_row(tokens[:_CUT_TOKENS])}{more}</del>"


def _row(tokens: Sequence[Token]) -> Html:
    return "".join(
        f'<span class="token">{_word(token)}<small>{"–" if token.id is None else f"{token.id:,}"}</small></span>'
        for token in tokens
    )


def _word(token: Token) -> Html:
    word = shown(token.token, longest=_TOKEN_CHARACTERS)
    return word if token.is_known else f"<mark>{word}</mark>"
