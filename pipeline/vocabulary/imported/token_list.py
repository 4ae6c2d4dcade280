"""A text file with a token on each line -> its words, with ids in the order of the lines."""

from pipeline.contract import Oov, embedding_rows, first_word_id
from pipeline.errors import UserError
from pipeline.support.strict_json import shown
from pipeline.text.escaping import escape
from pipeline.vocabulary.imported.source import ImportedVocabulary


def read(content: str, *, path: str, sha256: str, oov: Oov) -> ImportedVocabulary:
    r"""The tokens in the file at `path`. A line is exactly a token; it ends with LF or CRLF.

    Raises:
      UserError: a line is empty, two lines have the same token, or there is no line.

    >>> read("the\r\nfilm\r\n", path="tokens.txt", sha256="", oov="token").words
    [(2, 'the'), (3, 'film')]
    """
    tokens = content.removesuffix("\n").split("\n") if content else []
    if not tokens:
        raise UserError(f"vocabulary.from: {path} is empty; it must hold a token a line")
    tokens = [token.removesuffix("\r") for token in tokens]
    lines: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if not token:
            raise UserError(f"vocabulary.from: {path}, line {line} is empty; each line must hold a token")
        if token in lines:
            raise UserError(
                f"vocabulary.from: {path}, line {line}: {shown(token)} is in line {lines[token]} already; "
                "a token has one id, so take one of the lines out"
            )
        lines[token] = line
    words = [(number, escape(token)) for number, token in enumerate(tokens, start=first_word_id(oov))]
    last_id = words[-1][0]
    return ImportedVocabulary(
        kind="token_list",
        path=path,
        sha256=sha256,
        words=words,
        last_id=last_id,
        top_words=embedding_rows(max(last_id, first_word_id("token"))),
        oov=oov,
        text=None,
    )
