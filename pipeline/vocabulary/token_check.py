"""An imported token list + text settings -> a UserError if no text can give one of its tokens.

The graph itself decides: a token is valid if the graph returns it unchanged. Words of a Keras tokenizer or of a records
folder are not checked. They keep their ids, and a word that no text gives any more does no harm.
"""

import tensorflow as tf

from pipeline.config.settings import TextSettings
from pipeline.errors import UserError
from pipeline.text.escaping import unescape
from pipeline.text.graph import tokenize
from pipeline.vocabulary.imported import ImportedVocabulary

# How many of the tokens that the graph makes of a wrong one the message shows.
_SHOWN_TOKENS = 4


def check_tokens(source: ImportedVocabulary, settings: TextSettings) -> None:
    """Checks that each token of a token list is a token under the settings.

    Raises:
      UserError: one is not; the message names the first such line and what the graph makes of it.
    """
    if source.kind != "token_list":
        return
    listed = [token for _, token in source.words]
    made = tokenize(tf.constant([unescape(token).encode() for token in listed]), settings).to_list()
    wrong = [line for line, (token, parts) in enumerate(zip(listed, made, strict=True)) if parts != [token.encode()]]
    if wrong:
        first = wrong[0]
        parts = [part.decode() for part in made[first][:_SHOWN_TOKENS]]
        becomes = " and ".join(map(repr, parts)) or "nothing"
        more = f"; {len(wrong) - 1} more lines are like that" if len(wrong) > 1 else ""
        raise UserError(
            f"vocabulary.from: {source.path}, line {first + 1}: no text has the token {listed[first]!r}: "
            f"text.lowercase, strip_html, filters, punctuation and split make {becomes} of it; "
            f"write it as they leave it, take the line out, or change them{more}"
        )
