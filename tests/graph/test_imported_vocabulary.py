r"""pipeline.vocabulary.imported: what `vocabulary.from` may name, and what becomes of the settings beside it."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tf_keras.preprocessing.text import Tokenizer, tokenizer_from_json

from pipeline.config.load import load
from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.text import graph
from pipeline.vocabulary import count_tables, imported_words
from pipeline.vocabulary.imported import Source, resolve
from pipeline.vocabulary.token_check import check_tokens
from tests.graph.test_text import CHARACTERS, FILTERS, TEXTS
from tests.support.jobs import manifest_of

KERAS_SPACE = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n '


def resolved(path: Path, overrides: dict[str, str] | None = None) -> tuple[Config, Source]:
    config, source = resolve(load(None, {"vocabulary.from": json.dumps(str(path)), **(overrides or {})}), LocalFiles())
    assert source is not None
    return config, source


def ids_of(texts: list[str], config: Config, source: Source, folder: Path) -> list[list[int]]:
    """The ids before padding that the job's own graph makes, with the vocabulary file that the job would write."""
    path = folder / f"{len(list(folder.iterdir()))}.tsv"
    imported_words.write(f"{path}.words", source.words)
    words = imported_words.read(imported_words.GivenWords(f"{path}.words", source.last_id))
    path.write_bytes(imported_words.counted_lines(words, count_tables.SCHEMA.empty_table()))
    tokens = graph.tokenize(tf.constant([one.encode() for one in texts], tf.string), config.text)
    word_ids = tokens.with_flat_values(graph.word_table(str(path)).lookup(tokens.flat_values))
    return graph.sequences(word_ids, oov=config.vocabulary.oov).known.to_list()


def tokenizer(texts: list[str], **changed: Any) -> Tokenizer:
    keras = Tokenizer(**changed)
    keras.fit_on_texts(texts)
    return keras


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


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
def test_vocabulary_sources_keras_ids_are_kept(
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


def test_vocabulary_sources_keras_ids_of_real_reviews(imdb: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    reviews = pyarrow.parquet.read_table(imdb, columns=["text"])["text"].to_pylist()[::50]
    keras = tokenizer(reviews[:250], num_words=2000, oov_token="<OOV>")
    config, source = resolved(write(tmp_path / "tokenizer.json", keras.to_json()))
    assert (len(source.words), source.last_id, config.vocabulary.top_words) == (1998, 1999, 2000)
    assert ids_of(reviews, config, source, tmp_path) == keras.texts_to_sequences(reviews)


def test_vocabulary_sources_keras_split_beside_spaces(tmp_path: Path) -> None:
    keras = tokenizer(["well-made film.", "film-noir made-up"], split="-", filters=" .")
    config, source = resolved(write(tmp_path / "tokenizer.json", keras.to_json()))
    assert [token for _, token in source.words] == ["made", "film", "well", "noir", "up"]
    assert set(config.text.filters) == set(" .-")
    assert ids_of(["Made-up noir film-well"], config, source, tmp_path) == [[1, 5, 4, 2, 3]]


# word_index -> (id, token as it is spelt), last id
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
def test_vocabulary_sources_keras_word_index(
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


def keras_json(**changed: Any) -> str:
    return json.dumps({"class_name": "Tokenizer", "config": {"word_index": '{"the": 1, "film": 2}', **changed}})


CAN_BE = "a Keras Tokenizer.to_json() file, a UTF-8 text file with a token a line, or a records folder"

# name, content -> the message; PATH stands for the file's path
UNFIT = [
    ("none", None, f"there is no file or folder PATH; it can be {CAN_BE}"),
    ("empty.txt", "", "PATH is empty; it must hold a token a line"),
    ("bom.txt", "\ufeff", "PATH is empty; it must hold a token a line"),
    ("gap.txt", "the\n\nfilm\n", "PATH, line 2 is empty; each line must hold a token"),
    ("gap.txt", "the\r\n\r\n", "PATH, line 2 is empty; each line must hold a token"),
    ("twice.txt", "the\nfilm\nthe\n", "PATH, line 3: 'the' stands in line 1 already; "
     "a token has one id, so take one of the lines out"),
    ("latin.txt", b"caf\xe9\n", f"PATH is no UTF-8 text (byte 3); it can be {CAN_BE}"),
    ("t.pickle", pickle.dumps({"the": 1}), "PATH looks like a pickle, which only the program that wrote it should "
     "load; load the tokenizer there and write its to_json() to a file"),
    ("vocabulary.tsv", "1\tthe\t3\n", "PATH is a part of a records folder; give the folder"),
    ("cut.json", keras_json()[:40], "PATH begins like JSON and is none (Unterminated string starting at: "
     "line 1 column 40 (char 39)); if it is a Keras tokenizer, write its to_json() again"),
    ("other.json", '{"version": "1.0", "model": {}}', "PATH is JSON, but not what Keras's Tokenizer.to_json() writes "
     "(class_name is None, expected 'Tokenizer')"),
    ("index.json", '{"the": 1}', "PATH is JSON, but not what Keras's Tokenizer.to_json() writes "
     "(class_name is None, expected 'Tokenizer')"),
    ("t.json", '{"class_name": "Tokenizer", "config": {}}',
     "PATH is a damaged Keras tokenizer: word_index: Field required; write to_json() again"),
    ("t.json", keras_json(word_index="{"), "PATH is a damaged Keras tokenizer: word_index: Value error, Expecting "
     "property name enclosed in double quotes: line 1 column 2 (char 1); write to_json() again"),
    ("t.json", keras_json(num_words=-1), "PATH is a damaged Keras tokenizer: num_words: "
     "Input should be greater than or equal to 0; write to_json() again"),
    ("t.json", keras_json(word_index="{}"), "PATH is a Keras tokenizer without a word (num_words None, "
     "0 words counted); was fit_on_texts called before to_json?"),
    ("t.json", keras_json(num_words=1), "PATH is a Keras tokenizer without a word (num_words 1, 2 words counted); "
     "was fit_on_texts called before to_json?"),
    ("t.json", keras_json(split="||"), "the tokenizer in PATH cuts texts at '||' (its split), where this program cuts "
     "at spaces: words with spaces in them would be lost; it can take tokenizers over whose split is ' ', or one other "
     "character if ' ' is among their filters"),
    ("t.json", keras_json(oov_token="film"), "the oov_token 'film' of the tokenizer in PATH has the id 2, since it is "
     "a word of the texts as well; unknown words can have the id 1 alone here, so its ids can't be kept"),
    ("t.json", keras_json(word_index={"the": 7, "film": 7}), "PATH gives the id 7 to two words, 'the' and 'film'; "
     "each word needs an id of its own"),
    ("t.json", keras_json(word_index={"the": -1}), "PATH gives 'the' the id -1; ids begin at 0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), UNFIT)
def test_vocabulary_sources_names_the_mistake(
    name: str, content: str | bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        write(path, content)
    with pytest.raises(UserError) as raised:
        resolved(path)
    assert str(raised.value) == f"vocabulary.from: {message.replace('PATH', str(path))}"


def test_vocabulary_sources_folder_without_a_manifest(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "the\n")
    with pytest.raises(UserError, match=r"holds no manifest\.json, so it is no records folder"):
        resolved(tmp_path)


# content, oov -> words
LISTS = [
    ("the\nfilm\n", "drop", [(1, "the"), (2, "film")]),
    ("the\nfilm", "token", [(2, "the"), (3, "film")]),
    ("\ufeffthe\r\nfilm\r\n", "drop", [(1, "the"), (2, "film")]),
    ("日本\nnaïve\n", "drop", [(1, "日本"), (2, "naïve")]),
    ("c:\\dir\n", "drop", [(1, "c:\\\\dir")]),  # a backslash is a backslash
]


@pytest.mark.parametrize(("content", "oov", "words"), LISTS)
def test_vocabulary_sources_token_list(content: str, oov: str, words: list[tuple[int, str]], tmp_path: Path) -> None:
    config, source = resolved(write(tmp_path / "tokens.txt", content), {"vocabulary.oov": oov})
    assert source.words == words
    assert config.vocabulary.top_words == max(3, words[-1][0] + 1)
    assert config.text == load(None, {}).text


# settings of text, tokens -> the line found fault with and what is made of it, None: all are tokens
CHECKED = [
    ({}, "the\nfilm's\n日本\n\ufffd\n", None),
    ({}, "the\nFilm\n", "line 2: no text has the token 'Film': text.lowercase, strip_html, filters and split make "
     "'film' of it; "),
    ({"text.lowercase": "false"}, "Film\nfilm\n", None),
    ({}, "u.s.\n", "line 1: no text has the token 'u.s.': text.lowercase, strip_html, filters and split make "
     "'u' and 's' of it; "),
    ({}, "...\n", "line 1: no text has the token '...': text.lowercase, strip_html, filters and split make "
     "nothing of it; "),
    ({"text.filters": "''"}, "u.s.\nc:\\dir\n", None),
    ({}, "the \n", "line 1: no text has the token 'the ': "),
    ({}, "film\u00a0noir\n", "line 1: no text has the token 'film\\xa0noir': "),
    ({"text.split": "space"}, "film\u00a0noir\n", None),
    ({"text.split": "character", "text.filters": "''"}, "a\n \n\\\n", None),
    ({"text.split": "character"}, "ab\n", "line 1: no text has the token 'ab': "),
    ({"text.strip_html": "true", "text.filters": "''"}, "<br>\n", "line 1: no text has the token '<br>': "),
    ({"text.strip_html": "true", "text.filters": "''"}, "<br\n", None),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "content", "message"), CHECKED)
def test_vocabulary_sources_tokens_must_be_possible(
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


def test_vocabulary_sources_counts_the_other_impossible_tokens(tmp_path: Path) -> None:
    config, source = resolved(write(tmp_path / "tokens.txt", "The\nfilm\nA\nB\n"))
    with pytest.raises(UserError, match=r"or change them; 2 more lines are like that$"):
        check_tokens(source, config.text)


@settings(max_examples=100, deadline=None)
@given(tokens=st.lists(st.text(CHARACTERS, min_size=1, max_size=4), min_size=1, max_size=5), lower=st.booleans())
def test_vocabulary_sources_list_takes_every_token_of_a_text(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[str], lower: bool
) -> None:
    """What a text gives, a list may hold; lines can't hold line breaks and a first one no byte order mark."""
    overrides = {"text.lowercase": str(lower).lower(), "text.filters": "''"}
    spelt = graph.tokenize(tf.constant([" ".join(tokens)]), load(None, overrides).text).flat_values.numpy()
    found = list(dict.fromkeys(token.decode().replace("\\\\", "\\") for token in spelt))
    assume(found and not found[0].startswith(("\ufeff", '{"', '"{')))
    path = write(tmp_path_factory.mktemp("list") / "tokens.txt", "\n".join(found))
    config, source = resolved(path, overrides)
    check_tokens(source, config.text)
    assert ids_of(found, config, source, path.parent) == [[number] for number in range(1, len(found) + 1)]


# settings -> the part of the message behind "vocabulary.from", or what they become
SETTLED: list[tuple[dict[str, str], dict[str, object] | str]] = [
    # the file: num_words 5, oov token, capitals kept, 1 <OOV> 2 a 3 b 4 c (5 d)
    ({}, {"top_words": 5, "oov": "token", "lowercase": False, "split": "space"}),
    ({"text.lowercase": "false", "text.split": "space", "vocabulary.oov": "token"}, {"top_words": 5}),
    ({"vocabulary.top_words": "5"}, {"top_words": 5}),
    ({"vocabulary.top_words": "9"}, {"top_words": 9}),
    ({"vocabulary.grow": "true"}, {"top_words": 5000}),
    ({"vocabulary.grow": "true", "vocabulary.top_words": "6"}, {"top_words": 6}),
    ({"text.filters": "','"}, "text.filters is ',', but a Keras tokenizer, PATH, has '.!' (vocabulary.from): "
     "its words would not keep their ids; leave text.filters out"),
    ({"text.filters": "'!.'"}, {"filters": ".!"}),
    ({"text.lowercase": "true"}, "text.lowercase is True, but a Keras tokenizer, PATH, has False (vocabulary.from): "
     "its words would not keep their ids; leave text.lowercase out"),
    ({"vocabulary.oov": "drop"}, "vocabulary.oov is 'drop', but a Keras tokenizer, PATH, has 'token' "
     "(vocabulary.from): its words would not keep their ids; leave vocabulary.oov out"),
    ({"vocabulary.top_words": "4"}, "vocabulary.top_words is 4, but the ids of PATH (vocabulary.from) need 5; "
     "leave vocabulary.top_words out, or give that many or more"),
    ({"vocabulary.grow": "true", "vocabulary.top_words": "5"}, "vocabulary.grow is true, but PATH fills "
     "vocabulary.top_words 5 already; give a larger one, or set vocabulary.grow to false"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "expected"), SETTLED)
def test_vocabulary_sources_settle(
    overrides: dict[str, str], expected: dict[str, object] | str, tmp_path: Path
) -> None:
    keras = tokenizer(["a a a a b b b c c d"], num_words=5, oov_token="<OOV>", lower=False, filters=".!")
    path = write(tmp_path / "tokenizer.json", keras.to_json())
    if isinstance(expected, str):
        with pytest.raises(UserError) as raised:
            resolved(path, overrides)
        assert str(raised.value) == expected.replace("PATH", str(path))
    else:
        config, _ = resolved(path, overrides)
        found = {**config.text.model_dump(), **config.vocabulary.model_dump()}
        assert {name: found[name] for name in expected} == expected


def test_vocabulary_sources_ids_fit_into_32_bits(tmp_path: Path) -> None:
    keras = json.loads(tokenizer(["a b"]).to_json())
    keras["config"]["word_index"] = json.dumps({"a": 1, "b": 2**31 - 2})
    path = write(tmp_path / "tokenizer.json", json.dumps(keras))
    config, _ = resolved(path, {})
    assert config.vocabulary.top_words == 2**31 - 1
    keras["config"]["word_index"] = json.dumps({"a": 1, "b": 2**31 - 1})
    write(path, json.dumps(keras))
    with pytest.raises(UserError) as raised:
        resolved(path, {})
    assert str(raised.value) == (
        f"{path} (vocabulary.from) has an id of 2147483647, which needs a vocabulary.top_words of 2147483648; "
        "the most is 2147483647: number its words anew, from the smallest id on"
    )


def test_vocabulary_sources_a_file_of_defaults_chooses_nothing(tmp_path: Path) -> None:
    """pipeline.yaml lists every default, and lies where most people run."""
    path = write(tmp_path / "tokenizer.json", tokenizer(["a b c"], lower=False).to_json())
    defaults = Path(__file__).parent.parent.parent / "pipeline.yaml"
    config, _ = resolve(load(str(defaults), {"vocabulary.from": str(path)}), LocalFiles())
    assert (config.text.split, config.text.lowercase, config.vocabulary.top_words) == ("space", False, 4)


def test_vocabulary_sources_none_is_none() -> None:
    for value in ("none", "null"):
        config = load(None, {"vocabulary.from": value})
        assert resolve(config, LocalFiles()) == (config, None)


def test_vocabulary_sources_earlier_folder(small_records: Path) -> None:
    config, source = resolved(small_records)
    lines = (small_records / "vocabulary.tsv").read_text().split("\n")[:-1]
    assert [f"{number}\t{token}" for number, token in source.words] == [line.rpartition("\t")[0] for line in lines]
    assert config.vocabulary.top_words == 200
    assert source.sha256 == manifest_of(small_records)["vocabulary"]["sha256"]


def test_vocabulary_sources_damaged_folder(small_records: Path, tmp_path: Path) -> None:
    for name in ("manifest.json", "vocabulary.tsv"):
        write(tmp_path / name, (small_records / name).read_bytes())
    write(tmp_path / "vocabulary.tsv", "1\tthe\t1\n")
    with pytest.raises(UserError, match=r"vocabulary\.tsv is damaged, or another folder's"):
        resolved(tmp_path)
    (tmp_path / "vocabulary.tsv").unlink()
    with pytest.raises(UserError, match=r"vocabulary\.tsv can't be read"):
        resolved(tmp_path)
