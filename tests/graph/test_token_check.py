"""pipeline.vocabulary.token_check: a token of a list must be one that a text can have."""

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.vocabulary.token_check import check_tokens
from tests.support.imported import resolved, write

# settings of text, tokens -> the first wrong line and what the graph makes of it; None: all are tokens
CHECKED = [
    ({}, "the\nfilm's\n日本\n\ufffd\n", None),
    ({}, "the\nFilm\n", "line 2: no text has the token 'Film': text.lowercase, strip_html, filters, "
     "punctuation and split make 'film' of it; "),
    ({"text.lowercase": "false"}, "Film\nfilm\n", None),
    ({}, "u.s.\n", "line 1: no text has the token 'u.s.': text.lowercase, strip_html, filters, "
     "punctuation and split make 'u' and 's' of it; "),
    ({}, "...\n", "line 1: no text has the token '...': text.lowercase, strip_html, filters, "
     "punctuation and split make nothing of it; "),
    ({"text.filters": ""}, "u.s.\nc:\\dir\n", None),
    ({"text.punctuation": ".\\"}, ".\nfilm\n\\\n", None),
    ({"text.filters": "", "text.punctuation": "."}, "u.s.\n", "line 1: no text has the token 'u.s.': text.lowercase, "
     "strip_html, filters, punctuation and split make 'u' and '.' and 's' and '.' of it; "),
    ({}, "the \n", "line 1: no text has the token 'the ': "),
    ({}, "film\u00a0noir\n", "line 1: no text has the token 'film\\xa0noir': "),
    ({"text.split": "space"}, "film\u00a0noir\n", None),
    ({"text.split": "character", "text.filters": ""}, "a\n \n\\\n", None),
    ({"text.split": "character"}, "ab\n", "line 1: no text has the token 'ab': "),
    ({"text.strip_html": "true", "text.filters": ""}, "<br>\n", "line 1: no text has the token '<br>': "),
    ({"text.strip_html": "true", "text.filters": ""}, "<br\n", None),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "content", "message"), CHECKED)
def test_token_check_tokens_must_be_possible(
    overrides: dict[str, str], content: str, message: str | None, tmp_path: Path
) -> None:
    path = write(tmp_path / "tokens.txt", content)
    config, source = resolved(path, overrides)
    if message is None:
        check_tokens(source, config.text)
        return
    with pytest.raises(UserError) as raised:
        check_tokens(source, config.text)
    assert str(raised.value).startswith(f"vocabulary.from: {path}, {message}")


def test_token_check_counts_the_other_impossible_tokens(tmp_path: Path) -> None:
    config, source = resolved(write(tmp_path / "tokens.txt", "The\nfilm\nA\nB\n"))
    with pytest.raises(UserError, match=r"or change them; 2 more lines are like that$"):
        check_tokens(source, config.text)
