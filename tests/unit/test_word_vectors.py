"""trainer.word_vectors: bytes of a file -> its format and the vectors of the words that are looked for."""

import numpy as np
import pytest

from tests.support.word_vectors import FASTTEXT_VEC
from trainer.commands.parser import VECTOR_OPTIONS
from trainer.skip_gram.settings import SkipGramSettings
from trainer.word_vectors.binary import read_binary
from trainer.word_vectors.found import Found
from trainer.word_vectors.layout import NotVectorsError, layout_of
from trainer.word_vectors.table import start_table
from trainer.word_vectors.text_lines import LineError, read_text
from trainer.word_vectors.write import parts_of_binary, parts_of_text

FLOATS = np.array([[1.5, -2, 0.25], [0, 4, 1e-3]], "<f4")
BINARY = b"2 3\nthe " + FLOATS[0].tobytes() + b"film " + FLOATS[1].tobytes()
TOOLS = b"2 3\nthe " + FLOATS[0].tobytes() + b"\nfilm " + FLOATS[1].tobytes() + b"\n"  # as Mikolov's own tool writes it
LINE_FEEDS = np.array([[10, 10, 10, 10] * 3], np.uint8).tobytes()

# first bytes, format, dim, vectors of the header, bytes of the header
LAYOUTS = [
    (b"the 0.1 0.2\nof 0.3 0.4\n", "GloVe text", 2, None, 0),
    (b"the 0.1 0.2 \r\nof 0.3 0.4 \r\n", "GloVe text", 2, None, 0),
    (b"1 0.1 0.2 1e5\n", "GloVe text", 3, None, 0),  # the word is 1
    (b". . 0.1 0.2\n", "GloVe text", 2, None, 0),  # the word has a space
    (b"7 2 0.5\n", "GloVe text", 2, None, 0),
    (b"7 2\n7 0.5 0.1\n", "word2vec text", 2, 7, 4),
    (b"7\t2 \r\nthe 0.5 0.1\r\n", "word2vec text", 2, 7, 6),
    (b"7 1\nthe 5\n", "word2vec text", 1, 7, 4),
    (FASTTEXT_VEC.encode(), "word2vec text", 4, 19, 5),
    (BINARY, "word2vec binary", 3, 2, 4),
    (b"9 3\nthe " + LINE_FEEDS, "word2vec binary", 3, 9, 4),
    (b"9 9\nthe 1.5 2", "word2vec binary", 9, 9, 4),  # too short for text: the reader tells where it ends
]


@pytest.mark.parametrize(("head", "form", "dim", "vectors", "size"), LAYOUTS)
def test_word_vectors_layout(head: bytes, form: str, dim: int, vectors: int | None, size: int) -> None:
    assert layout_of(head) == (form, dim, vectors, size)


# first bytes, what the message says
OTHERS = [
    (b"", "is empty; give GloVe text"),
    (b"PK\x03\x04....", "is a zip; unpack it"),
    (b"\x80\x04\x95", "is a pickle"),
    (b"\xba\x16\x4f\x2f....", "is a model of fastText, .* give the .vec"),
    (b"\x93NUMPY", "is an array of NumPy"),
    (b"text,label\nfine,pos\n", "it begins with 'text,label'; give GloVe text"),
    (b"the\t0.1\t0.2\n", "is not a file of word vectors"),
    (b"one line\n", "is not a file of word vectors"),
    (b"a 1\nb 2\n", "is not a file of word vectors"),
    (b"0 50\n", "has the header '0 50', so it has no vectors"),
    (b"5 0\n", "has the header '5 0', so it has no vectors"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "message"), OTHERS)
def test_word_vectors_refuses_other_files(head: bytes, message: str) -> None:
    with pytest.raises(NotVectorsError, match=message):
        layout_of(head)


def found_in(content: bytes, *, words: tuple[bytes, ...] = (b"the", b"film"), block: int = 1 << 20) -> Found:
    """Reads a file; the words have the ids 1, 2, ... The content comes in blocks of `block` bytes."""
    layout = layout_of(content)
    found = Found({word: id for id, word in enumerate(words, 1)}, ids=len(words) + 1, dim=layout.dim)
    rest = content[layout.header_bytes :]
    blocks = (rest[start : start + block] for start in range(0, len(rest), block))
    (read_binary if layout.format == "word2vec binary" else read_text)(blocks, layout, found)
    return found


# content, vectors of the file, table of the words the and film
FILES = [
    (b"the 1.5 -2\nfilm 0.25 1e-3\n", 2, [[1.5, -2], [0.25, 0.001]]),
    (b"the 1.5 -2\nfilm 0.25 1e-3", 2, [[1.5, -2], [0.25, 0.001]]),
    (b"x 9 9\r\nthe 1.5 -2 \r\n\r\n", 2, [[1.5, -2], [0, 0]]),
    (b"the end 9 9\nthe 1.5 -2\nthefilm 8 8\n", 3, [[1.5, -2], [0, 0]]),  # a word with a space is another word
    (b"The 9 9\nthe\xc2\xa0film 9 9\nfilm 1 2\n", 3, [[0, 0], [1, 2]]),  # and so is one with a no-break space
    (b"film 1 2\nfilm 3 4\nthe 5 6\nfilm 7 8\n", 4, [[5, 6], [1, 2]]),  # the first one counts
    (b"2 2\nthe 1 2\nfilm 3 4\n", 2, [[1, 2], [3, 4]]),
    (BINARY, 2, [[1.5, -2, 0.25], [0, 4, 0.001]]),
    (TOOLS, 2, [[1.5, -2, 0.25], [0, 4, 0.001]]),
    (b"1 3\nfilm " + LINE_FEEDS, 1, [[0, 0, 0], np.frombuffer(LINE_FEEDS, "<f4").tolist()]),
]


@pytest.mark.parametrize(("content", "vectors", "expected"), FILES)
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_word_vectors_are_found(content: bytes, vectors: int, expected: list[list[float]], block: int) -> None:
    found = found_in(content, block=block)
    assert found.vectors == vectors
    assert np.array_equal(found.table[1:], np.array(expected, np.float32))
    assert found.has_vector.tolist() == [False, *[any(row) for row in expected]]


def test_word_vectors_tells_repeated_words() -> None:
    assert found_in(b"film 1 2\nfilm 3 4\nthe 5 6\nfilm 7 8\n").repeated == [b"film", b"film"]
    assert found_in(b"2 3\nfilm " + FLOATS[0].tobytes() + b"film " + FLOATS[1].tobytes()).repeated == [b"film"]


# content, what the message says
DAMAGED = [
    (b"the 1 2\nfilm 3\n", r"has 1 numbers in line 2 \('film'\), and 2 in others; get the file again"),
    (b"the 1 2\nfilm 3 4 5\n", r"has 3 numbers in line 2 \('film'\), and 2 in others"),
    (b"the 1 2\nother 3\n", r"has 1 numbers in line 2 \('other'\)"),  # the last line, whatever its word: it was cut
    (b"the 1 2\nother", r"has 0 numbers in line 2 \('other'\)"),
    (b"the 1 2\nfilm nan 3\n", r"has nan as a number in line 2 \('film'\); get the file again, or take the line out"),
    (b"the 1 2\nfilm 3 -inf\n", r"has -inf as a number in line 2"),
    (b"the 1 2\nfilm 3 x4\nx 1 2\n", r"has 'x4' as a number in line 2 \('film'\)"),
    (b"3 2\nthe 1 2\nfilm 3 4\n", r"has 2 vectors, but its first line says 3; .* write 2 2 there"),
    (b"1 2\nthe 1 2\nfilm 3 4\n", r"has 2 vectors, but its first line says 1"),
    (b"2 2\nthe 1 2\nfilm 3 4 5\n", r"has 3 numbers in line 3 \('film'\)"),
    (BINARY[:-1], r"ends within vector 2 of the 2 vectors of 3 numbers that its first line says"),
    (BINARY[:25], r"ends within vector 2"),
    (BINARY + b"x", r"has more bytes after the 2 vectors of 3 numbers"),
    (b"1 3\nfilm " + np.array([1, np.nan, 2], "<f4").tobytes(), r"has nan as a number of 'film'; get the file again"),
    (b"1 3\n" + b"\xff" * 70_000, r"has no word where vector 1 begins; are its vectors of 3 numbers\?"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), DAMAGED)
def test_word_vectors_refuses_damaged_files(content: bytes, message: str) -> None:
    with pytest.raises(LineError, match=message):
        found_in(content)


def test_word_vectors_numbers_are_parsed_a_block_at_once() -> None:
    draw = np.random.default_rng(0).normal(0, 1, (50, 7)).astype(np.float32)
    words = [b"w%d" % number for number in range(50)]
    lines = [
        b"%s %s\n" % (word, " ".join(map(repr, row.tolist())).encode()) for word, row in zip(words, draw, strict=True)
    ]
    found = found_in(b"".join(lines), words=tuple(words), block=1000)
    assert np.array_equal(found.table[1:], draw)


def test_word_vectors_start_of_words_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean and spread of 2,000 drawn rows are those of the found ones."""
    draw = np.random.default_rng(1)
    table = np.zeros([4000, 3], np.float32)
    table[:2000] = draw.normal([5, -1, 0], [2, 0.5, 0.1], (2000, 3))
    has_vector = np.arange(4000) < 2000
    start = start_table(table.copy(), has_vector, oov_id=3999, seed=1)
    assert np.array_equal(start[1:2000], table[1:2000])
    assert start[0].tolist() == [0, 0, 0]  # padding
    mean = table[:2000].mean(axis=0)
    np.testing.assert_allclose(start[3999], mean, rtol=1e-5)
    drawn = start[2000:3999]
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.2)
    np.testing.assert_allclose(drawn.std(axis=0), table[:2000].std(axis=0), rtol=0.1)
    assert np.array_equal(start, start_table(table.copy(), has_vector, oov_id=3999, seed=1))
    assert not np.array_equal(start, start_table(table.copy(), has_vector, oov_id=3999, seed=2))
    monkeypatch.setattr("trainer.word_vectors.table._ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(start_table(table.copy(), has_vector, oov_id=3999, seed=1), start, rtol=1e-5)
    has_vector[3999] = True
    assert start_table(table.copy(), has_vector, oov_id=3999, seed=1)[3999].tolist() == [0, 0, 0]  # the file's own


def test_word_vectors_written_text_is_read_as_the_same_numbers() -> None:
    draw = np.random.default_rng(2).normal(0, 3, (40, 5)).astype(np.float32)
    words = [b"w%d" % number for number in range(40)]
    for parts in (parts_of_text, parts_of_binary):
        found = found_in(b"".join(parts(words, draw)), words=tuple(words))
        assert np.array_equal(found.table[1:], draw)


def test_skip_gram_options_tell_the_defaults() -> None:
    fields = SkipGramSettings.model_fields
    assert [name for name, _, _ in VECTOR_OPTIONS] == list(fields)
    assert {name: default for name, default, _ in VECTOR_OPTIONS if name != "dim"} == {
        name: str(field.default) for name, field in fields.items() if name != "dim"
    }
