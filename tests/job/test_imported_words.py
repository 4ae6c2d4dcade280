"""`vocabulary.from` through whole jobs, to the ids that the exported model gives."""

import hashlib
import io
import json
import re
import shlex
import textwrap
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer, text_to_word_sequence

from pipeline.cli import main
from pipeline.errors import UserError
from pipeline.job.limits import Limits
from tests.support.exported_models import unchecked
from tests.support.jobs import (
    Row,
    manifest_of,
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
from trainer.export.certificate import Answers, loads
from trainer.export.comparison import compare
from trainer.savedmodel.loading import open_model
from trainer.savedmodel.model_info import CERTIFICATE_FILE

WIDTH = 12


def new_rows() -> list[Row]:
    """Texts of the small corpus, and some with words that it does not have: NOVA 30 times, nebula and comet 20."""
    rows = small_rows(120)
    for index in range(20):
        rows.append((f"NOVA nebula word1 comet {index} word2", "positive"))
        if index < 10:
            rows.append((f"nova word3 {index + 100}", "negative"))
    return rows


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
    tokenizer.fit_on_texts([f"{text} Could it have been worse" for text, _ in small_rows(300)])
    return tokenizer


class HowTo(NamedTuple):
    """folder: where it was done. printed: by its commands."""

    folder: Path
    printed: str


@pytest.fixture(scope="module")
def how_to(keras: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> HowTo:
    """The three steps of the page as it has them, in a folder with a mine.yaml and the new texts: records and a model
    of a tokenizer."""
    section = (REPOSITORY / "docs/how-to/vocabulary-from-elsewhere.md").read_text().partition("\n## If your")[2]
    blocks = re.findall(r" *```(python|bash)\n(.*?) *```", section.partition("\n## ")[0], re.DOTALL)
    assert [language for language, _ in blocks] == ["python", "bash", "bash"]
    commands = [shlex.split(line) for _, block in blocks[1:] for line in textwrap.dedent(block).splitlines()]
    assert {" ".join(command[:2]) for command in commands} == {"python -m"}
    assert [" ".join(command[2:4]) for command in commands] == ["pipeline run", "trainer train", "trainer explain"]
    folder = tmp_path_factory.mktemp("how_to")
    write_jsonl(folder / "rows.jsonl", new_rows())
    sizes = {
        "sequence": {"max_length": WIDTH},
        "model": {"embedding_dim": 2, "lstm_units": 2},
        "training": {"epochs": 1},
    }
    (folder / "mine.yaml").write_text(json.dumps({"input": {"path": "rows.jsonl"}, **sizes}))
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), unchecked():
        patch.chdir(folder)
        exec(textwrap.dedent(blocks[0][1]), {"tokenizer": keras})
        for _, _, package, *arguments in commands:
            assert {"pipeline": main, "trainer": trainer_main}[package](arguments) == 0
    return HowTo(folder, printed.getvalue())


@pytest.fixture(scope="module")
def from_keras(how_to: HowTo) -> Path:
    return how_to.folder / "out" / "records"


def test_imported_words_how_to_works_as_written(how_to: HowTo, keras: Tokenizer) -> None:
    ids = keras.texts_to_sequences(["Could have been worse."])[0]
    assert len(ids) == 4
    assert f"could={ids[0]}  have={ids[1]}  been={ids[2]}  worse={ids[3]}" in how_to.printed
    assert "Words have the ids that tokenizer.json gives them" in " ".join(how_to.printed.split())


def test_imported_words_keras_records_hold_its_ids(keras: Tokenizer, from_keras: Path) -> None:
    rows = new_rows()
    sequences = keras.texts_to_sequences([text for text, _ in rows])
    assert every_record(from_keras) == as_records(pad_sequences(sequences, WIDTH), rows)


def test_imported_words_keras_manifest_tells_where_from(keras: Tokenizer, from_keras: Path) -> None:
    manifest = manifest_of(from_keras)
    content, path = keras.to_json().encode(), "tokenizer.json"
    assert manifest["vocabulary"]["from"] == {
        "kind": "keras_tokenizer", "path": path, "sha256": hashlib.sha256(content).hexdigest(),
        "words": 118, "last_id": 119,
    }  # fmt: skip
    assert manifest["config"]["vocabulary"] == {
        "top_words": 120, "min_count": 1, "oov": "token", "from": path, "grow": False, "cache": None,
        "count_unlabelled": False,
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


def test_imported_words_keras_the_exported_model_gives_its_ids(keras: Tokenizer, how_to: HowTo) -> None:
    model = open_model(str(how_to.folder / "out" / "model"))
    texts = [text for text, _ in new_rows()] + ["", "Entirely unknown", "word1\rword2", "<OOV> oov NOVA"]
    expected = pad_sequences(keras.texts_to_sequences(texts), WIDTH)
    assert model.token_ids([text.encode() for text in texts]).tolist() == expected.tolist()
    certificate = loads(
        (Path(model.folder) / CERTIFICATE_FILE).read_bytes(), path="certificate"
    )  # has the records' ids
    answers = Answers(model.token_ids(certificate.texts), model.scores(certificate.texts))
    assert compare(certificate, answers).differences == []
    explanation = explain(model, [b"word1 nova"])
    assert [(token.id, token.is_known) for token in explanation.texts[0].tokens] == [
        (keras.word_index["word1"], True), (1, False),
    ]  # fmt: skip
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(explanation_view(explanation, model.info))
    assert f"Words have the ids that {model.info.vocabulary.source} gives them" in console.export_text()


# All rows are counted, so that Python can count them as well.
GROW = {"vocabulary.grow": "true", "vocabulary.top_words": "202", "split.train": "1.0", "split.eval": "0",
        "split.test": "0"}  # fmt: skip


@pytest.fixture(scope="module")
def grown(small_records: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On two workers; it grows again on one."""
    return run_job(
        source,
        tmp_path_factory.mktemp("grown") / "records",
        {"vocabulary.from": str(small_records), **GROW},
        beam_arguments=["--direct_num_workers=2"],
        limits=Limits(task_bytes=2000),
    )


def new_words(folder: Path) -> list[tuple[int, str, int]]:
    """The tokens that are no words of a folder, counted by Python, with their ids if all of them got one: by falling
    count, of those with one count the first read first."""
    old = vocabulary_of(folder)
    counts = Counter(token for text, _ in new_rows() for token in text_to_word_sequence(text, split=" "))
    new = [(token, count) for token, count in counts.most_common() if token not in {word for _, word, _ in old}]
    return [(number, token, count) for number, (token, count) in enumerate(new, len(old) + 1)]


def test_imported_words_grows_after_the_old_words(grown: Path, small_records: Path) -> None:
    old, new = vocabulary_of(small_records), vocabulary_of(grown)
    assert len(old) == 199
    assert [word[:2] for word in new[:199]] == [word[:2] for word in old]
    assert new[199:] == [(200, "nova", 30), (201, "nebula", 20)]  # comet 20 as well, but later in the texts
    assert new[199:] == new_words(small_records)[:2]
    origin = manifest_of(grown)["vocabulary"]["from"]
    assert origin["last_id"] == 199
    assert origin["sha256"] == manifest_of(small_records)["vocabulary"]["sha256"]


def test_imported_words_grown_records(grown: Path, small_records: Path) -> None:
    new = {token: number for number, token, _ in new_words(small_records)[:2]}
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
    before, new = vocabulary_of(records), [word for word in new_words(records) if word[2] >= 2]
    assert new[0] == (202, "comet", 20)
    assert len(new) < len(new_words(records))
    # min_count is for new words alone.
    changed = {"vocabulary.from": str(records), "vocabulary.top_words": "1000", "vocabulary.min_count": "2"}
    run_job(source, records, {**GROW, **changed}, overwrite=True)
    after = vocabulary_of(records)
    assert [word[:2] for word in after[:201]] == [word[:2] for word in before]
    assert after[201:] == new


# the file, its content, the settings -> the message; PATH is the path of the file
REFUSED: list[tuple[str, str | None, dict[str, str], str]] = [
    ("tokens.txt", "Word1\n", {}, "line 1: no text has the token 'Word1'"),
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


def test_imported_words_dry_run_shows_the_settings_that_come_with_it(
    how_to: HowTo, source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = how_to.folder / "tokenizer.json"
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
