"""trainer.word_vectors.read: files as gensim and fastText write them, compressed or not; what is refused, and how."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
import zstandard
from gensim.models import KeyedVectors

from pipeline.errors import UserError
from tests.support.word_vectors import FASTTEXT_VEC
from trainer.word_vectors.read import ReadVectors, read_vectors

WORDS = ["the", "film", "café", "你好", "don't", "naïve"]
KNOWN = ["unseen", "film", "café", "你好", "don't", "the"]  # their ids are 1, 2, ...
DIM = 6


def read(path: Path | str, *, dim: int = DIM) -> ReadVectors:
    rows = {word.encode(): id for id, word in enumerate(KNOWN, 1)}
    return read_vectors(str(path), rows, ids=len(KNOWN) + 1, dim=dim)


@pytest.fixture(scope="module")
def vectors() -> KeyedVectors:
    """Vectors of WORDS, in gensim."""
    made = KeyedVectors(DIM)
    made.add_vectors(WORDS, np.random.default_rng(0).normal(0, 1, (len(WORDS), DIM)).astype(np.float32))
    return made


def expected_of(vectors: KeyedVectors) -> npt.NDArray[np.float32]:
    rows = [vectors[word] if word in vectors else np.zeros(vectors.vector_size) for word in KNOWN]
    return np.array([np.zeros(vectors.vector_size), *rows], np.float32)


# how gensim writes it, the format that is found
GENSIM = [
    ({"binary": False}, "word2vec text"),
    ({"binary": True}, "word2vec binary"),
    ({"binary": False, "write_header": False}, "GloVe text"),  # as GloVe's own tool writes it
]


@pytest.mark.parametrize(("options", "form"), GENSIM)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_word_vectors_of_gensim(
    options: dict[str, bool], form: str, pack: type[bytes], vectors: KeyedVectors, tmp_path: Path
) -> None:
    vectors.save_word2vec_format(str(tmp_path / "plain"), **options)
    stored = pack((tmp_path / "plain").read_bytes())
    (tmp_path / "vectors").write_bytes(stored)
    given = read(tmp_path / "vectors")
    assert (given.layout.format, given.vectors, given.repeated) == (form, len(WORDS), [])
    assert np.array_equal(given.table, expected_of(vectors))
    assert given.has_vector.tolist() == [False, False, True, True, True, True, True]
    assert (given.size, given.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())


def test_word_vectors_of_fasttext(tmp_path: Path) -> None:
    (tmp_path / "ft.vec").write_text(FASTTEXT_VEC)
    given = read(tmp_path / "ft.vec", dim=4)
    assert np.array_equal(given.table, expected_of(KeyedVectors.load_word2vec_format(str(tmp_path / "ft.vec"))))
    assert given.has_vector.tolist() == [False, False, True, True, True, False, True]
    assert (given.layout.format, given.vectors) == ("word2vec text", 19)


def test_word_vectors_of_another_file_system(vectors: KeyedVectors, tmp_path: Path) -> None:
    """Of those that TensorFlow knows, the one in memory."""
    vectors.save_word2vec_format(str(tmp_path / "plain"), binary=True)
    with tf.io.gfile.GFile("ram://word_vectors/v.bin.gz", "wb") as file:
        file.write(gzip.compress((tmp_path / "plain").read_bytes()))
    assert np.array_equal(read("ram://word_vectors/v.bin.gz").table, expected_of(vectors))
    with pytest.raises(
        UserError, match=r"^embedding\.from: ram://word_vectors/gone can't be read: .*; give a file that"
    ):
        read("ram://word_vectors/gone")


GLOVE = b"the 0.5 0.25\nfilm 1 2\n"
CUT = gzip.compress(b"the 0.5 1 2 3 4 5\nfilm 1 2\n", mtime=0)[:-9]

# name, content, what the message says after the path
REFUSED = [
    ("a.txt", GLOVE, r"has vectors of 2 numbers, but model\.embedding_dim is 6; set model\.embedding_dim to 2$"),
    ("a.bin", b"7 300\nthe " + bytes(99), r"has vectors of 300 numbers, but model\.embedding_dim is 6; set .* to 300$"),
    ("a.txt", b"", r"is empty; give GloVe text, word2vec text or binary, or a fastText \.vec$"),
    ("a.csv", b"text,label\nfine,pos\n", r"is not a file of word vectors: it begins with 'text,label'; give "),
    ("a.gz", CUT, r"is damaged: the file ends before its gzip stream does; get the file again$"),
    ("a.zst", GLOVE, r"is damaged: .*a\.zst is not compressed as its name says; get the file again$"),
    ("a.txt", b"the 1 2 3 4 5 6\nfilm 1 2 3\n", r"has 3 numbers in line 2 \('film'\), and 6 in others; get the file"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), REFUSED)
def test_word_vectors_refuses_files(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"^embedding\.from: {tmp_path / name} {message}") as raised:
        read(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_word_vectors_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^embedding\.from: .*gone can't be read: No such file or directory; give a "):
        read(tmp_path / "gone")
    with pytest.raises(UserError, match=r"^embedding\.from: .* can't be read: it is a folder; give a file"):
        read(tmp_path)
