"""Samples of a manifest -> their traces from text to tokens to ids, so that a person can check them.

Unknown words are marked. What is cut off is struck out.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf
from markupsafe import Markup

from pipeline.config.settings import SequenceSettings
from pipeline.contract import PADDING_ID, oov_id
from pipeline.html.elements import details, text_of_data
from pipeline.records_folder.manifest import Manifest, Sample
from pipeline.text.graph import tokenize
from pipeline.text.trace import Token, Trace, trace_tokens

_SHOWN_SAMPLES = 4
_TEXT_CHARACTERS = 400
_OPEN_TOKENS = 40  # further ones open on a click
_CUT_TOKENS = 15  # those nearest to where the text is cut
_TOKEN_CHARACTERS = 40


def samples(manifest: Manifest, ids: Mapping[str, int]) -> Markup:
    """Some texts of the train split, if possible one that is cut and one with unknown words. ids: token -> id."""
    train = [sample for sample in manifest.samples if sample.split == "train"]
    if not train:
        return Markup("<p>No text is short enough to be shown here.</p>")
    config = manifest.config
    ragged = tokenize(tf.constant([sample.text for sample in train]), config.text)
    traces = [
        trace_tokens([token.decode() for token in row], ids, oov=config.vocabulary.oov, sequence=config.sequence)
        for row in ragged.to_list()
    ]
    unknown = oov_id(config.vocabulary.oov)
    explanation = Markup(
        "<p>Each word over its id. <mark>Marked</mark> words are not in the vocabulary and {}; "
        "<del>struck out</del> is what did not fit into {:,} ids; {} is padding.</p>"
    ).format(
        "leave no id" if unknown is None else f"share id {unknown}",
        config.sequence.max_length,
        PADDING_ID,
    )
    several = manifest.record.several_labels
    cards = (
        _card(train[index], traces[index], config.sequence, several=several) for index in _most_instructive(traces)
    )
    return explanation + Markup().join(cards)


def _most_instructive(traces: Sequence[Trace]) -> list[int]:
    """Indices of the first text that is cut, the first with an unknown word, and the first others; 4 at most."""
    kinds = [
        [index for index, trace in enumerate(traces) if trace.cut_tokens],
        [index for index, trace in enumerate(traces) if trace.unknown and not trace.cut_tokens],
        list(range(len(traces))),
    ]
    first = [kind[0] for kind in kinds if kind]
    return list(dict.fromkeys([*first, *kinds[-1]]))[:_SHOWN_SAMPLES]


def _card(sample: Sample, trace: Trace, sequence: SequenceSettings, *, several: bool) -> Markup:
    padding, used = trace.padding, trace.used_tokens
    facts = [f"{len(trace.tokens):,} words", f"{trace.unknown:,} unknown"]
    facts += [f"{len(trace.cut_tokens):,} cut off"] if trace.cut_tokens else [f"{padding:,} × padding"]
    zeros = Markup()
    if padding:
        zeros = Markup('<span class="token soft">[PAD]<small>{} × {:,}</small></span>').format(PADDING_ID, padding)
    row = _row(used[:_OPEN_TOKENS])
    row = zeros + row if sequence.padding == "pre" else row + zeros
    rest = used[_OPEN_TOKENS:]
    more = details(f"{len(rest):,} more words", _tokens(_row(rest))) if rest else Markup()
    cut = _cut(trace.cut_tokens, sequence)
    body = _tokens(cut + row) + more if sequence.truncating == "pre" else _tokens(row) + more + _tokens(cut)
    # With several labels `label` is a JSON list.
    label = (" + ".join(sample.labels) or "none of the labels") if several else sample.label
    return Markup('<article><p class="soft">{} · {}</p><p>{}</p>{}</article>').format(
        text_of_data(label, longest=60),
        ", ".join(facts),
        text_of_data(sample.text, longest=_TEXT_CHARACTERS),
        body,
    )


def _cut(tokens: Sequence[Token], sequence: SequenceSettings) -> Markup:
    if not tokens:
        return Markup()
    hidden = len(tokens) - _CUT_TOKENS
    more = Markup('<span class="token soft">… {:,} more</span>').format(hidden) if hidden > 0 else Markup()
    if sequence.truncating == "pre":
        return Markup("<del>{}{}</del>").format(more, _row(tokens[-_CUT_TOKENS:]))
    return Markup("<del>{}{}</del>").format(_row(tokens[:_CUT_TOKENS]), more)


def _tokens(content: Markup) -> Markup:
    return Markup('<div class="tokens">{}</div>').format(content)


def _row(tokens: Sequence[Token]) -> Markup:
    return Markup().join(map(_token, tokens))


def _token(token: Token) -> Markup:
    word = text_of_data(token.token, longest=_TOKEN_CHARACTERS)
    if not token.is_known:
        word = Markup("<mark>{}</mark>").format(word)
    id = "–" if token.id is None else f"{token.id:,}"
    return Markup('<span class="token">') + word + Markup("<small>") + id + Markup("</small></span>")
