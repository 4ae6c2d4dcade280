"""`vocabulary.from` through whole jobs, to the ids that the exported model gives."""

import hashlib
import io
import json
import re
import shlex
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from rich.console import Console
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer, text_to_word_sequence

from pipeline.cli import main
from pipeline.errors import UserError
from tests.support.exported_models import settings, trained_on
from tests.support.jobs import (
    Row,
    manifest_of,
    record_bytes,
    records_of,
    run_job,
    small_rows,
    vocabulary_of,
    write_jsonl,
)
from tests.support.paths import REPOSITORY
from trainer.cli import main as trainer_main
from trainer.commands.explain import explain
from trainer.commands.explain_view import explanation_view
from trainer.export.export import export
from trainer.savedmodel.loading import open_model

WIDTH = 12


def new_rows() -> list[Row]:
    """Texts of the small corpus, and some with words that it does not have: NOVA 30 times, nebula and comet 20."""
    rows = small_rows(120)
    for index in range(20):
        rows.append((f"NOVA nebula word1 comet {index} word2", "positive"))
        if index < 10:
            rows.append((f"nova word3 {index + 100}", "negative"))
    return rows


def graph_ids(folder: Path, texts: list[str]) -> list[list[int]]:
    graph = tf.saved_model.load(str(folder / "transform" / "transform_fn"))
    zeros = tf.zeros([len(texts)], tf.int64)
    features = graph.transform_fn({"text": tf.constant(texts), "position": zeros, "label": zeros})
    return features["ids"].numpy().tolist()


def every_record(folder: Path) -> list[tuple[tuple[int, ...], int]]:
    return sorted(record for split in ("train", "eval", "test") for record in records_of(folder, split))


def as_records(ids: Any, rows: list[Row]) -> list[tuple[tuple[int, ...], int]]:
    labels = sorted({label for _, label in rows})
    return sorted((tuple(map(int, one)), labels.index(label)) for one, (_, label) in zip(ids, rows, strict=True))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("new") / "rows.jsonl", new_rows())


@pytest.fixture(scope="module")
def keras() -> Tokenizer:
    """Of texts that are not the new ones; num_words leaves some of its words out."""
    tokenizer = Tokenizer(num_words=120, oov_token="<OOV>")
    tokenizer.fit_on_texts([text for text, _ in small_rows(300)])
    return tokenizer


@pytest.fixture(scope="module")
def from_keras(keras: Tokenizer, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("from_keras")
    (folder / "tokenizer.json").write_text(keras.to_json())
    return run_job(source, folder / "records", {"vocabulary.from": str(folder / "tokenizer.json"),
                                                "vocabulary.top_words": "120"})  # fmt: skip


def test_imported_words_keras_records_hold_its_ids(keras: Tokenizer, from_keras: Path) -> None:
    rows = new_rows()
    sequences = keras.texts_to_sequences([text for text, _ in rows])
    assert every_record(from_keras) == as_records(pad_sequences(sequences, WIDTH), rows)


def test_imported_words_keras_manifest_tells_where_from(keras: Tokenizer, from_keras: Path) -> None:
    manifest = manifest_of(from_keras)
    content = keras.to_json().encode()
    path = str(from_keras.parent / "tokenizer.json")
    assert manifest["vocabulary"]["from"] == {
        "kind": "keras_tokenizer", "path": path, "sha256": hashlib.sha256(content).hexdigest(),
        "words": 118, "last_id": 119,
    }  # fmt: skip
    assert manifest["config"]["vocabulary"] == {
        "top_words": 120, "min_count": 1, "oov": "token", "from": path, "grow": False, "cache": None,
    }  # fmt: skip
    assert manifest["config"]["text"]["split"] == "space"


def test_imported_words_counts_describe_the_new_texts(from_keras: Path) -> None:
    manifest, words = manifest_of(from_keras), vocabulary_of(from_keras)
    train = manifest["splits"]["train"]
    assert len(words) == manifest["vocabulary"]["size"] == 118
    assert sum(count for _, _, count in words) == train["tokens"] - train["unknown_tokens"]
    assert train["tokens"] == manifest["vocabulary"]["tokens"]


def test_imported_words_describe_and_report_show_it(from_keras: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", str(from_keras)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    train = manifest_of(from_keras)["splits"]["train"]
    share = f"{1 - train['unknown_tokens'] / train['tokens']:.1%}"
    assert f"they make up {share} of the train split ids up to 119 from" in shown
    assert "(a Keras tokenizer, 118 words)" in shown
    by_count = sorted(vocabulary_of(from_keras), key=lambda word: -word[2])
    assert "most frequent: " + ", ".join(f"{token} {count}" for _, token, count in by_count[:4]) in shown
    assert f"cover {share} of the text" in (from_keras / "report.html").read_text()


def test_imported_words_keras_the_exported_model_gives_its_ids(
    keras: Tokenizer, from_keras: Path, tmp_path: Path
) -> None:
    config = settings(from_keras, tmp_path)
    export(trained_on(from_keras, config), config, metrics=None)  # which compares itself with the records
    model = open_model(str(tmp_path / "model"))
    texts = [text for text, _ in new_rows()] + ["", "Entirely unknown", "word1\rword2", "<OOV> oov NOVA"]
    expected = pad_sequences(keras.texts_to_sequences(texts), WIDTH)
    assert model.token_ids([text.encode() for text in texts]).tolist() == expected.tolist()
    explanation = explain(model, [b"word1 nova"])
    assert [(token.id, token.is_known) for token in explanation.texts[0].tokens] == [
        (keras.word_index["word1"], True), (1, False),
    ]  # fmt: skip
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(explanation_view(explanation, model.info))
    assert f"Words have the ids that {model.info.vocabulary.source} gives them" in console.export_text()


def test_imported_words_folder_gives_the_same_ids(small_records: Path, source: Path, tmp_path: Path) -> None:
    records = run_job(source, tmp_path / "records", {"vocabulary.from": str(small_records)})
    rows = new_rows()
    assert every_record(records) == as_records(graph_ids(small_records, [text for text, _ in rows]), rows)
    old, new = vocabulary_of(small_records), vocabulary_of(records)
    assert [word[:2] for word in new] == [word[:2] for word in old]
    assert manifest_of(records)["vocabulary"]["from"]["sha256"] == manifest_of(small_records)["vocabulary"]["sha256"]


# All rows are counted, so that Python can count them as well.
GROW = {"vocabulary.grow": "true", "vocabulary.top_words": "230", "split.train": "1.0", "split.eval": "0",
        "split.test": "0"}  # fmt: skip


@pytest.fixture(scope="module")
def grown(small_records: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_job(
        source, tmp_path_factory.mktemp("grown") / "records", {"vocabulary.from": str(small_records), **GROW}
    )


def new_words(small_records: Path) -> list[tuple[int, str, int]]:
    """The 30 most frequent tokens that are no words yet, counted by Python; of those with one count the first read."""
    old = {token for _, token, _ in vocabulary_of(small_records)}
    counts = Counter(token for text, _ in new_rows() for token in text_to_word_sequence(text, split=" "))
    new = [(token, count) for token, count in counts.most_common() if token not in old]
    return [(number, token, count) for number, (token, count) in enumerate(new[:30], 200)]


def test_imported_words_grows_after_the_old_words(grown: Path, small_records: Path) -> None:
    old, new = vocabulary_of(small_records), vocabulary_of(grown)
    assert len(old) == 199
    assert [word[:2] for word in new[:199]] == [word[:2] for word in old]
    assert new[199:202] == [(200, "nova", 30), (201, "nebula", 20), (202, "comet", 20)]  # in the order of the texts
    assert new[199:] == new_words(small_records)
    assert manifest_of(grown)["vocabulary"]["from"]["last_id"] == 199


def test_imported_words_grown_records(grown: Path, small_records: Path) -> None:
    new = {token: number for number, token, _ in new_words(small_records)}
    old = {token: number for number, token, _ in vocabulary_of(small_records)}
    rows = new_rows()
    texts = [text for text, _ in rows]
    tokens = Tokenizer(split=" ")  # its splitting alone; the texts hold no other white space
    tokens.word_index = {**old, **new}
    assert every_record(grown) == as_records(pad_sequences(tokens.texts_to_sequences(texts), WIDTH), rows)


def test_imported_words_grows_again_and_in_place(grown: Path, source: Path, tmp_path: Path) -> None:
    """The grown folder, grown into itself: what it holds is read before it is replaced."""
    records = tmp_path / "records"
    records.mkdir()
    for path in grown.rglob("*"):
        if path.is_file():
            target = records / path.relative_to(grown)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    before = vocabulary_of(records)
    overrides = {"vocabulary.from": str(records), "vocabulary.grow": "true", "vocabulary.top_words": "240"}
    run_job(source, records, overrides, overwrite=True)
    after = vocabulary_of(records)
    assert [word[:2] for word in after[:229]] == [word[:2] for word in before]
    assert [number for number, _, _ in after] == list(range(1, 240))


def test_imported_words_min_count_is_for_new_words(small_records: Path, source: Path, tmp_path: Path) -> None:
    overrides = {
        "vocabulary.from": str(small_records),
        "vocabulary.grow": "true",
        "vocabulary.min_count": "1000",
        "vocabulary.top_words": "300",
    }
    assert len(vocabulary_of(run_job(source, tmp_path / "records", overrides))) == 199


def test_imported_words_is_the_same_on_more_workers(
    grown: Path, small_records: Path, source: Path, tmp_path: Path
) -> None:
    overrides = {"vocabulary.from": str(small_records), **GROW}
    records = run_job(source, tmp_path / "two", overrides, beam_arguments=["--direct_num_workers=2"])
    assert record_bytes(records) == record_bytes(grown)


# the file, its content, the settings -> the message; PATH is the path of the file
REFUSED: list[tuple[str, str | None, dict[str, str], str]] = [
    ("tokens.txt", "Word1\n", {}, "line 1: no text has the token 'Word1'"),
    ("tokens.txt", "xyzzy\n", {}, "no token of the train split is a word of PATH; are the texts of its language, "
     "and are text.lowercase, filters and split as they were for it?"),
    ("gone.txt", None, {}, "there is no file or folder PATH"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "overrides", "message"), REFUSED)
def test_imported_words_refuses(
    name: str, content: str | None, overrides: dict[str, str], message: str, source: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as raised:
        run_job(source, tmp_path / "records", {"vocabulary.from": str(path), **overrides})
    assert message.replace("PATH", str(path)) in str(raised.value)
    assert not (tmp_path / "records").exists()


def test_imported_words_token_list(source: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_bytes("\ufeffcomet\r\nnever\r\nword1\r\n".encode())
    overrides = {
        "vocabulary.from": str(tmp_path / "tokens.txt"),
        "vocabulary.oov": "token",
        "vocabulary.top_words": "9",
    }
    records = run_job(source, tmp_path / "records", overrides)
    assert [word[:2] for word in vocabulary_of(records)] == [(2, "comet"), (3, "never"), (4, "word1")]
    assert vocabulary_of(records)[1][2] == 0
    assert graph_ids(records, ["Comet, word1 never x"])[0][-4:] == [2, 4, 3, 1]


def test_imported_words_dry_run_shows_the_settings_that_come_with_it(
    from_keras: Path, source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = from_keras.parent / "tokenizer.json"
    assert main(["run", "--dry-run", f"--input.path={source}", f"--vocabulary.from={path}"]) == 0
    out = capsys.readouterr().out
    assert f"vocabulary:\n  top_words: 120\n  min_count: 1\n  oov: token\n  from: {path}\n  grow: false\n" in out
    assert main(["run", "--dry-run", "--vocabulary.from=gone.json"]) == 2


def test_imported_words_json_in_yaml(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`from` as a key of the file."""
    (tmp_path / "tokens.txt").write_text("word1\n")
    config = {"input": {"path": str(source)}, "vocabulary": {"from": str(tmp_path / "tokens.txt")}}
    (tmp_path / "mine.yaml").write_text(json.dumps(config))
    assert main(["run", "--dry-run", "--config", str(tmp_path / "mine.yaml")]) == 0
    assert f"from: {tmp_path / 'tokens.txt'}" in capsys.readouterr().out


def test_imported_words_readme_works_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The three steps, in a folder with a mine.yaml."""
    section = (REPOSITORY / "docs/how-to/vocabulary-from-elsewhere.md").read_text().partition("\n## If your")[2]
    blocks = re.findall(r" *```(python|bash)\n(.*?) *```", section.partition("\n## ")[0], re.DOTALL)
    assert [language for language, _ in blocks] == ["python", "bash", "bash"]
    texts = [f"{text} Could it have been worse" for text, _ in small_rows(60)]
    tokenizer = Tokenizer(num_words=100, oov_token="<OOV>")
    tokenizer.fit_on_texts(texts)
    write_jsonl(tmp_path / "rows.jsonl", small_rows(300))
    small = {"embedding_dim": 2, "lstm_units": 2}
    (tmp_path / "mine.yaml").write_text(
        json.dumps({"input": {"path": "rows.jsonl"}, "model": small, "training": {"epochs": 1}})
    )
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(blocks[0][1]), {"tokenizer": tokenizer})
    commands = [shlex.split(line) for _, block in blocks[1:] for line in textwrap.dedent(block).splitlines()]
    assert {" ".join(command[:2]) for command in commands} == {"python -m"}
    assert [" ".join(command[2:4]) for command in commands] == ["pipeline run", "trainer train", "trainer explain"]
    for _, _, package, *arguments in commands:
        assert {"pipeline": main, "trainer": trainer_main}[package](arguments) == 0
    printed = capsys.readouterr().out
    ids = tokenizer.texts_to_sequences(["Could have been worse."])[0]
    assert f"could={ids[0]}  have={ids[1]}  been={ids[2]}  worse={ids[3]}" in printed
    assert "Words have the ids that tokenizer.json gives them" in " ".join(printed.split())
