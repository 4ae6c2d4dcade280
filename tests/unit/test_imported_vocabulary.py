"""pipeline.vocabulary.imported: what `vocabulary.from` may name, and what becomes of the settings beside it."""

import errno
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.load import load
from pipeline.config.settings import TextSettings
from pipeline.errors import UserError
from pipeline.files.local import FileInfo, LocalFiles
from pipeline.vocabulary.imported import ImportedVocabulary, resolve
from pipeline.vocabulary.imported.settings import adopt_settings
from tests.support.imported import resolved, write
from tests.support.paths import REPOSITORY
from tests.support.plain_records import make_folder


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
    ("twice.txt", "the\nfilm\nthe\n", "PATH, line 3: 'the' is in line 1 already; "
     "a token has one id, so take one of the lines out"),
    ("latin.txt", b"caf\xe9\n", f"PATH is not UTF-8 text (byte 3); it can be {CAN_BE}"),
    ("t.pickle", pickle.dumps({"the": 1}), "PATH looks like a pickle, which only the program that wrote it should "
     "load; load the tokenizer there and write its to_json() to a file"),
    ("vocabulary.tsv", "1\tthe\t3\n", "PATH is a part of a records folder; give the folder"),
    ("cut.json", keras_json()[:40], "PATH begins like JSON and is not JSON (Unterminated string starting at: "
     "line 1, column 40); if it is a Keras tokenizer, write its to_json() again"),
    ("other.json", '{"version": "1.0", "model": {}}', "PATH is JSON, but not what Keras's Tokenizer.to_json() writes "
     "(class_name is null, expected 'Tokenizer')"),
    ("index.json", '{"the": 1}', "PATH is JSON, but not what Keras's Tokenizer.to_json() writes "
     "(class_name is null, expected 'Tokenizer')"),
    ("t.json", '{"class_name": "Tokenizer", "config": {}}',
     "PATH is a damaged Keras tokenizer: word_index is missing; write to_json() again"),
    ("t.json", keras_json(word_index="{"), "PATH is a damaged Keras tokenizer: word_index: Expecting "
     "property name enclosed in double quotes: line 1, column 2; write to_json() again"),
    ("t.json", keras_json(word_index='{"the": 1, "the": 2}'), "PATH is a damaged Keras tokenizer: word_index: the key "
     "'the' occurs twice in an object; write to_json() again"),
    ("t.json", keras_json(word_index={"the": 10**400}), "PATH is a damaged Keras tokenizer: word_index.the is a number "
     "of 401 digits; input should be less than 9223372036854775808; write to_json() again"),
    ("deep.json", '{"a": ' * 100_000, "PATH begins like JSON and is not JSON (lists and objects are nested more than "
     "100 deep); if it is a Keras tokenizer, write its to_json() again"),
    ("t.json", keras_json(num_words=-1), "PATH is a damaged Keras tokenizer: num_words is -1; "
     "input should be greater than or equal to 0; write to_json() again"),
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
def test_imported_vocabulary_names_the_mistake(
    name: str, content: str | bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        write(path, content)
    with pytest.raises(UserError) as raised:
        resolved(path)
    assert str(raised.value) == f"vocabulary.from: {message.replace('PATH', str(path))}"


# what is at the path, the reason
NOT_REGULAR: list[tuple[Callable[[Path], object], str]] = [
    (os.mkfifo, "it is a named pipe, and only regular files are read"),
    (lambda path: path.symlink_to("/dev/zero"), "it is a device, and only regular files are read"),
    (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
]


@pytest.mark.parametrize(("make", "reason"), NOT_REGULAR, ids=[reason for _, reason in NOT_REGULAR])
@pytest.mark.parametrize("name", ["words.txt", "folder/manifest.json", "folder/vocabulary.tsv"])
def test_imported_vocabulary_reads_regular_files_alone(
    name: str, make: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    make_folder(tmp_path / "folder")
    (tmp_path / name).unlink(missing_ok=True)
    make(tmp_path / name)
    with pytest.raises(UserError, match=f"^vocabulary.from: .*{name} can't be read: .*{reason}"):
        resolved(tmp_path / name.partition("/")[0])


@pytest.mark.parametrize("name", ["tokens.txt", "manifest.json"])
def test_imported_vocabulary_in_a_folder_that_may_not_be_entered(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    match = LocalFiles.match

    def refuse(files: LocalFiles, pattern: str) -> list[FileInfo]:
        if pattern.endswith(name):
            raise PermissionError(errno.EACCES, "Permission denied", pattern)
        return match(files, pattern)

    monkeypatch.setattr(LocalFiles, "match", refuse)
    with pytest.raises(UserError, match=f"^vocabulary.from: {tmp_path}/tokens.txt can't be read: Permission denied"):
        resolved(tmp_path / "tokens.txt")


def test_imported_vocabulary_folder_without_a_manifest(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "the\n")
    with pytest.raises(UserError, match=r"holds no manifest\.json, so it is not a records folder"):
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
def test_imported_vocabulary_token_list(content: str, oov: str, words: list[tuple[int, str]], tmp_path: Path) -> None:
    config, source = resolved(write(tmp_path / "tokens.txt", content), {"vocabulary.oov": oov})
    assert source.words == words
    assert config.vocabulary.top_words == max(3, words[-1][0] + 1)
    assert config.text == load(None, {}).text


# settings -> the part of the message after "vocabulary.from", or what they become
SETTLED: list[tuple[dict[str, str], dict[str, object] | str]] = [
    # the file: num_words 5, oov token, capitals kept, 1 <OOV> 2 a 3 b 4 c (5 d)
    ({}, {"top_words": 5, "oov": "token", "lowercase": False, "split": "space"}),
    ({"text.lowercase": "false", "text.split": "space", "vocabulary.oov": "token"}, {"top_words": 5}),
    ({"vocabulary.top_words": "5"}, {"top_words": 5}),
    ({"vocabulary.top_words": "9"}, {"top_words": 9}),
    ({"vocabulary.grow": "true"}, {"top_words": 5000}),
    ({"vocabulary.grow": "true", "vocabulary.top_words": "6"}, {"top_words": 6}),
    ({"text.filters": ","}, "text.filters is ',', but a Keras tokenizer, PATH, has '.!' (vocabulary.from): "
     "its words would not keep their ids; leave text.filters out"),
    ({"text.filters": "!."}, {"filters": ".!"}),
    ({"text.punctuation": "!"}, "text.punctuation is '!', but a Keras tokenizer, PATH, has '' (vocabulary.from): "
     "its words would not keep their ids; leave text.punctuation out"),
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
def test_imported_vocabulary_settle(
    overrides: dict[str, str], expected: dict[str, object] | str, tmp_path: Path
) -> None:
    keras = keras_json(
        num_words=5, oov_token="<OOV>", lower=False, filters=".!",
        word_index={"<OOV>": 1, "a": 2, "b": 3, "c": 4, "d": 5},
    )  # fmt: skip
    path = write(tmp_path / "tokenizer.json", keras)
    if isinstance(expected, str):
        with pytest.raises(UserError) as raised:
            resolved(path, overrides)
        assert str(raised.value) == expected.replace("PATH", str(path))
    else:
        config, _ = resolved(path, overrides)
        result = {**config.text.model_dump(), **config.vocabulary.model_dump()}
        assert {name: result[name] for name in expected} == expected


def test_imported_vocabulary_punctuation_has_no_order() -> None:
    source = ImportedVocabulary(
        kind="records_folder", path="earlier", sha256="", words=[(1, "a"), (2, "b")], last_id=2, top_words=3,
        oov="drop", text=TextSettings(punctuation=".!"),
    )  # fmt: skip
    assert adopt_settings(load(None, {"text.punctuation": "!."}), source).text.punctuation == ".!"
    with pytest.raises(UserError, match=r"text.punctuation is '!', but .* has '\.!'"):
        adopt_settings(load(None, {"text.punctuation": "!"}), source)


def test_imported_vocabulary_ids_fit_into_32_bits(tmp_path: Path) -> None:
    path = write(tmp_path / "tokenizer.json", keras_json(word_index={"a": 1, "b": 2**31 - 2}))
    config, _ = resolved(path, {})
    assert config.vocabulary.top_words == 2**31 - 1
    write(path, keras_json(word_index={"a": 1, "b": 2**31 - 1}))
    with pytest.raises(UserError) as raised:
        resolved(path, {})
    assert str(raised.value) == (
        f"{path} (vocabulary.from) has an id of 2147483647, which needs a vocabulary.top_words of 2147483648; "
        "the most is 2147483647: number its words anew, from the smallest id on"
    )


def test_imported_vocabulary_a_file_of_defaults_chooses_nothing(tmp_path: Path) -> None:
    """pipeline.yaml lists every default, and lies where most people run."""
    path = write(tmp_path / "tokenizer.json", keras_json(lower=False, word_index={"a": 1, "b": 2, "c": 3}))
    defaults = REPOSITORY / "pipeline.yaml"
    config, _ = resolve(load(str(defaults), {"vocabulary.from": str(path)}), LocalFiles())
    assert (config.text.split, config.text.lowercase, config.vocabulary.top_words) == ("space", False, 4)


def test_imported_vocabulary_none_is_none() -> None:
    for value in ("none", "null"):
        config = load(None, {"vocabulary.from": value})
        assert resolve(config, LocalFiles()) == (config, None)
