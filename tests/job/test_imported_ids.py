"""Ids of an imported vocabulary: those that Keras gives, and those of an earlier records folder."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer, tokenizer_from_json

from pipeline.config.load import load
from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.text import graph
from pipeline.vocabulary import count_tables, imported_words
from pipeline.vocabulary.imported import ImportedVocabulary
from pipeline.vocabulary.token_check import check_tokens
from tests.support.imported import resolved, write
from tests.support.jobs import manifest_of, small_rows
from tests.support.texts import CHARACTERS, FILTERS, TEXTS


def ids_of(texts: list[str], config: Config, source: ImportedVocabulary, folder: Path) -> list[list[int]]:
    """The ids before padding that the job's own graph makes, with the vocabulary file that the job would write."""
    path = folder / f"{len(list(folder.iterdir()))}.tsv"
    imported_words.write(f"{path}.words", source.words)
    words = imported_words.read(imported_words.ImportedWords(f"{path}.words", source.last_id))
    path.write_bytes(imported_words.imported_lines(words, count_tables.SCHEMA.empty_table()))
    tokens = graph.tokenize(tf.constant([one.encode() for one in texts], tf.string), config.text)
    word_ids = tokens.with_flat_values(graph.word_table(str(path)).lookup(tokens.flat_values))
    return graph.sequences(word_ids, oov=config.vocabulary.oov).known.to_list()


def tokenizer(texts: list[str], **changed: Any) -> Tokenizer:
    keras = Tokenizer(**changed)
    keras.fit_on_texts(texts)
    return keras


@settings(max_examples=200, deadline=None)
@given(
    fitted=st.lists(TEXTS, min_size=1, max_size=8),
    asked=st.lists(TEXTS, max_size=4),
    num_words=st.none() | st.integers(0, 12),
    filters=FILTERS,
    lower=st.booleans(),
    char_level=st.booleans(),
    oov_token=st.none() | st.sampled_from(["<OOV>", "a", ""]) | st.text(CHARACTERS, max_size=2),
    split=st.sampled_from([" ", " ", " ", ",", "\n", "||", None]),
    twice=st.booleans(),
)
def test_imported_ids_keras_ids_are_kept(
    tmp_path_factory: pytest.TempPathFactory,
    fitted: list[str],
    asked: list[str],
    num_words: int | None,
    filters: str,
    lower: bool,
    char_level: bool,
    oov_token: str | None,
    split: str | None,
    twice: bool,
) -> None:
    if split == "\n":
        filters += " "
    keras = tokenizer(
        fitted,
        num_words=num_words,
        filters=filters,
        lower=lower,
        char_level=char_level,
        oov_token=oov_token,
        split=split,
    )
    content = keras.to_json()
    folder = tmp_path_factory.mktemp("keras")
    path = write(folder / "tokenizer.json", json.dumps(content, ensure_ascii=False) if twice else content)
    limit = num_words or 2**31
    has_words = any(number < limit for word, number in keras.word_index.items() if word != oov_token)
    can_split = (
        char_level or split in (" ", "\n") or (split == "," and " " in filters) or (split is None and not filters)
    )
    can_oov = oov_token is None or keras.word_index[oov_token] == 1
    if not (has_words and can_split and can_oov):
        with pytest.raises(UserError, match=r"^vocabulary\.from: "):
            resolved(path)
        return
    config, source = resolved(path)
    loaded = tokenizer_from_json(content)
    texts = [*fitted, *asked, "", "<OOV> oov unk a"]
    assert ids_of(texts, config, source, folder) == loaded.texts_to_sequences(texts)
    highest = max(number for number in keras.word_index.values())
    assert config.vocabulary.top_words == max(3, num_words or highest + 1)
    assert config.vocabulary.oov == ("drop" if oov_token is None else "token")


def test_imported_ids_keras_ids_of_real_reviews(imdb: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    reviews = pyarrow.parquet.read_table(imdb, columns=["text"])["text"].to_pylist()[::50]
    keras = tokenizer(reviews[:250], num_words=2000, oov_token="<OOV>")
    config, source = resolved(write(tmp_path / "tokenizer.json", keras.to_json()))
    assert (len(source.words), source.last_id, config.vocabulary.top_words) == (1998, 1999, 2000)
    assert ids_of(reviews, config, source, tmp_path) == keras.texts_to_sequences(reviews)


def test_imported_ids_keras_split_beside_spaces(tmp_path: Path) -> None:
    keras = tokenizer(["well-made film.", "film-noir made-up"], split="-", filters=" .")
    config, source = resolved(write(tmp_path / "tokenizer.json", keras.to_json()))
    assert [token for _, token in source.words] == ["made", "film", "well", "noir", "up"]
    assert set(config.text.filters) == set(" .-")
    assert ids_of(["Made-up noir film-well"], config, source, tmp_path) == [[1, 5, 4, 2, 3]]


# word_index -> (id, escaped token), last id
INDEXES = [
    ({"the": 1, "film": 2}, [(1, "the"), (2, "film")], 2),
    ({"film": 2, "the": 1}, [(1, "the"), (2, "film")], 2),
    ({"<pad>": 0, "the": 1}, [(1, "the")], 1),  # as in TensorFlow's own tutorials
    ({"a\tb": 1, "c\nd": 2, "e\\t": 3, "f\r": 4}, [(1, r"a\tb"), (2, r"c\nd"), (3, r"e\\t"), (4, r"f\r")], 4),
    ({"": 1, "the": 2, "The": 3}, [(1, ""), (2, "the"), (3, "The")], 3),  # no text has the first and the last
    ({"the": 1, "\ud83d": 2, "film": 3}, [(1, "the"), (3, "film")], 3),  # half a surrogate pair: the id stays unused
    ({"the": 1, "\ud83d": 2}, [(1, "the")], 2),
    ({"nul\0": 1, "the": 2}, [(1, "nul\0"), (2, "the")], 2),
    ({"<START>": 1, "the": 4}, [(1, "<START>"), (4, "the")], 4),  # shifted by hand, as Keras's own imdb.load_data
]


@pytest.mark.parametrize(("index", "words", "last_id"), INDEXES)
def test_imported_ids_keras_word_index(
    index: dict[str, int], words: list[tuple[int, str]], last_id: int, tmp_path: Path
) -> None:
    for word_index in (index, json.dumps(index)):  # newer and older writers
        content = json.dumps({"class_name": "Tokenizer", "config": {"word_index": word_index}}, indent=2)
        config, source = resolved(write(tmp_path / "tokenizer.json", content))
        assert (source.words, source.last_id) == (words, last_id)
        keras = Tokenizer()
        keras.word_index = index
        texts = ["the film f\r e\\t", "<START> The a\tb", "c\nd <pad>"]
        assert ids_of(texts, config, source, tmp_path) == keras.texts_to_sequences(texts)


@settings(max_examples=100, deadline=None)
@given(tokens=st.lists(st.text(CHARACTERS, min_size=1, max_size=4), min_size=1, max_size=5), lower=st.booleans())
def test_imported_ids_list_takes_every_token_of_a_text(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[str], lower: bool
) -> None:
    """What a text gives, a list may hold; lines can't hold line breaks and a first one no byte order mark."""
    overrides = {"text.lowercase": str(lower).lower(), "text.filters": ""}
    escaped = graph.tokenize(tf.constant([" ".join(tokens)]), load(None, overrides).text).flat_values.numpy()
    result = list(dict.fromkeys(token.decode().replace("\\\\", "\\") for token in escaped))
    assume(result and not result[0].startswith(("\ufeff", '{"', '"{')))
    path = write(tmp_path_factory.mktemp("list") / "tokens.txt", "\n".join(result))
    config, source = resolved(path, overrides)
    check_tokens(source, config.text)
    assert ids_of(result, config, source, path.parent) == [[number] for number in range(1, len(result) + 1)]


def test_imported_ids_list_with_an_id_for_unknown_tokens(tmp_path: Path) -> None:
    path = write(tmp_path / "tokens.txt", "\ufeffcomet\r\nnever\r\nword1\r\n")
    config, source = resolved(path, {"vocabulary.oov": "token", "vocabulary.top_words": "9"})
    assert source.words == [(2, "comet"), (3, "never"), (4, "word1")]
    assert ids_of(["Comet, word1 never x"], config, source, tmp_path) == [[2, 4, 3, 1]]


def test_imported_ids_earlier_folder(small_records: Path, tmp_path: Path) -> None:
    config, source = resolved(small_records)
    texts = [text for text, _ in small_rows(50)] + ["NOVA word1, word2 nova"]
    graph_of = tf.saved_model.load(str(small_records / "transform" / "transform_fn"))
    zeros = tf.zeros([len(texts)], tf.int64)
    ids = graph_of.transform_fn({"text": tf.constant(texts), "position": zeros, "label": zeros})["ids"]
    assert pad_sequences(ids_of(texts, config, source, tmp_path), 12).tolist() == ids.numpy().tolist()
    lines = (small_records / "vocabulary.tsv").read_text().split("\n")[:-1]
    assert [f"{number}\t{token}" for number, token in source.words] == [line.rpartition("\t")[0] for line in lines]
    assert config.vocabulary.top_words == 200
    assert source.sha256 == manifest_of(small_records)["vocabulary"]["sha256"]


def test_imported_ids_damaged_folder(small_records: Path, tmp_path: Path) -> None:
    for name in ("manifest.json", "vocabulary.tsv"):
        write(tmp_path / name, (small_records / name).read_bytes())
    write(tmp_path / "vocabulary.tsv", "1\tthe\t1\n")
    with pytest.raises(UserError, match=r"vocabulary\.tsv is damaged, or another folder's"):
        resolved(tmp_path)
    (tmp_path / "vocabulary.tsv").unlink()
    with pytest.raises(UserError, match=r"vocabulary\.tsv can't be read"):
        resolved(tmp_path)
