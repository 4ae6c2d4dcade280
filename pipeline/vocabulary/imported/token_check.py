"""A vocabulary from elsewhere + text settings -> a UserError where a token of a list can come out of no text.

The graph itself is asked: a token is one that comes out as it went in. Words of a Keras tokenizer or a records folder
are not asked about; they keep their ids, and those that no text has any more are in nobody's way.
"""

import tensorflow as tf

from pipeline.config.settings import TextSettings
from pipeline.errors import UserError
from pipeline.text.escaping import unspelt
from pipeline.text.graph import tokenize
from pipeline.vocabulary.imported import Source

_SHOWN_PARTS = 4


def check_tokens(source: Source, settings: TextSettings) -> None:
    """Whether each token of a list is one under the settings.

    Raises:
      UserError: one is not; the message names the first such line and what becomes of it.
    """
    if source.kind != "token_list":
        return
    tokens = [token for _, token in source.words]
    found = tokenize(tf.constant([unspelt(token).encode() for token in tokens]), settings).to_list()
    wrong = [line for line, (token, parts) in enumerate(zip(tokens, found, strict=True)) if parts != [token.encode()]]
    if wrong:
        first = wrong[0]
        parts = [part.decode() for part in found[first][:_SHOWN_PARTS]]
        made = " and ".join(map(repr, parts)) or "nothing"
        more = f"; {len(wrong) - 1} more lines are like that" if len(wrong) > 1 else ""
        raise UserError(
            f"vocabulary.from: {source.path}, line {first + 1}: no text has the token {tokens[first]!r}: "
            f"text.lowercase, strip_html, filters and split make {made} of it; "
            f"write it as they leave it, take the line out, or change them{more}"
        )
