"""pipeline.records_folder.vocabulary_tsv: the one reader and the one writer of vocabulary.tsv."""

import hashlib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contract import VOCABULARY_COLUMNS
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.records_folder.vocabulary_tsv import (
    Word,
    WordColumns,
    format_words,
    most_frequent,
    parse_columns,
    read_columns,
)

# Words -> the bytes of their file.
FILES = [
    ([], b""),
    ([Word(1, "the", 16), Word(2, "film", 5)], b"1\tthe\t16\n2\tfilm\t5\n"),
    ([Word(2, "a", 0), Word(2**31 - 2, "b", 2**40)], b"2\ta\t0\n2147483646\tb\t1099511627776\n"),  # imported: gaps
    ([Word(1, "", 0)], b"1\t\t0\n"),  # the file of a job without a word
    ([Word(1, "caf\u00e9", 3)], b"1\tcaf\xc3\xa9\t3\n"),
    ([Word(1, r"a\tb", 1)], b"1\ta\\tb\t1\n"),  # escaped already, and stays so
    ([Word(1, "a\u2028b\u0085c\x0bd", 1)], b"1\ta\xe2\x80\xa8b\xc2\x85c\x0bd\t1\n"),  # str.splitlines() would cut these
]


@pytest.mark.parametrize(("words", "content"), FILES)
def test_vocabulary_tsv_bytes_of_words(words: list[Word], content: bytes) -> None:
    columns = [word.id for word in words], [word.token.encode() for word in words], [word.count for word in words]
    assert format_words(*columns) == content


@pytest.mark.parametrize(("words", "content"), FILES)
def test_vocabulary_tsv_words_of_bytes(words: list[Word], content: bytes) -> None:
    columns = [word.id for word in words], [word.token for word in words], [word.count for word in words]
    assert parse_columns(content, path="vocabulary.tsv") == columns


def test_vocabulary_tsv_last_line_may_lack_its_end() -> None:
    assert parse_columns(b"1\tthe\t16\n2\tfilm\t5", path="") == WordColumns([1, 2], ["the", "film"], [16, 5])


TOKENS = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs"]))


@given(st.lists(st.builds(Word, st.integers(0), TOKENS, st.integers(0))))
def test_vocabulary_tsv_reads_what_it_writes(words: list[Word]) -> None:
    columns = [word.id for word in words], [word.token.encode() for word in words], [word.count for word in words]
    parsed = parse_columns(format_words(*columns), path="")
    assert [Word(*word) for word in zip(*parsed, strict=True)] == words


def test_vocabulary_tsv_columns_are_the_contracts() -> None:
    """The transform graph reads the file by these."""
    assert tuple(field.name for field in fields(Word)) == VOCABULARY_COLUMNS


def test_vocabulary_tsv_columns_must_be_equally_long() -> None:
    with pytest.raises(ValueError, match="shorter"):
        format_words([1, 2], [b"a"], [3, 4])


# content -> what the message shows of it
DAMAGED = [
    (
        b"1\tthe\t16\n2\tfilm\n",
        "x/vocabulary.tsv can't be read: line 2 is b'2\\tfilm\\n', not an id, a token and a count",
    ),
    (b"1\tthe\t16\t\n", "line 1 is "),
    (b"one\tthe\t16\n", "line 1 is "),
    (b"1\tthe\t\n", "line 1 is "),
    (b"1\t\xff\t1\n", "line 1 is b'1\\t\\xff\\t1\\n'"),
    (b"1\tthe\t16\n\n", "line 2 is b'\\n'"),
    (b"1\tthe\n16\t2\tfilm\t5\n", "line 1 is b'1\\tthe\\n'"),  # as many fields as two lines have
    (b"x" * 10**6, "line 1 is b'" + "x" * 60 + "' ..., not an id"),
    (b"1\tthe\r\t16\n2\tfilm\tx\n", "line 2 is b'2\\tfilm\\tx\\n'"),
]


@pytest.mark.parametrize(("content", "message"), DAMAGED)
def test_vocabulary_tsv_damaged_file_is_named_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_columns(content, path="x/vocabulary.tsv")
    assert message in str(raised.value)
    assert str(raised.value).endswith("; run the pipeline again, or copy the whole folder")


def test_vocabulary_tsv_damaged_file_of_a_model_has_another_remedy() -> None:
    with pytest.raises(UserError, match=r"between them; export the model again$"):
        parse_columns(b"1\tthe\n", path="assets/vocabulary", remedy="export the model again")


def test_vocabulary_tsv_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.tsv").write_bytes(b"1\tthe\t16\n")
    sha256 = hashlib.sha256(b"1\tthe\t16\n").hexdigest()
    assert read_columns(f"{tmp_path}/", LocalFiles(), sha256=sha256) == WordColumns([1], ["the"], [16])
    with pytest.raises(UserError, match=r"/vocabulary\.tsv is damaged, or another folder's"):
        read_columns(str(tmp_path), LocalFiles(), sha256="0" * 64)


def test_vocabulary_tsv_missing_in_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"/vocabulary\.tsv can't be read: .*; run the pipeline again"):
        read_columns(str(tmp_path), LocalFiles(), sha256="0" * 64)


def test_vocabulary_tsv_most_frequent_words_may_be_anywhere() -> None:
    words = WordColumns([1, 2, 3], ["imported", "the", "new"], [0, 16, 9])
    assert [word.token for word in most_frequent(words, 2)] == ["the", "new"]
