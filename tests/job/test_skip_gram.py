"""`trainer vectors`: which words it learns from, what it learns, resuming, and the file that it writes."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors

from pipeline.errors import UserError
from tests.support.jobs import run_job, vocabulary_of
from trainer.cli import main
from trainer.commands.vectors import STATE_ENDING, LearntVectors, learn_vectors
from trainer.data.records_folder import open_records_folder
from trainer.skip_gram.corpus import write_corpus
from trainer.skip_gram.learn import Learnt, Progress
from trainer.skip_gram.settings import SkipGramSettings
from trainer.word_vectors.read import read_vectors

# Words of one subject occur together, so their vectors draw together.
SUBJECTS = [["cat", "dog", "horse", "cow", "sheep"], ["bread", "cake", "soup", "milk", "rice"]]
SETTINGS = SkipGramSettings(dim=8, epochs=4, min_count=2, seed=3)
LENGTH = 6


def text_of(draw: random.Random, subject: int) -> str:
    return " ".join(draw.choices(SUBJECTS[subject], k=draw.randrange(1, 9)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """records/ of labelled texts and others, with `oov: token`; rows.jsonl and more.jsonl, the texts."""
    folder, draw = tmp_path_factory.mktemp("skip_gram"), random.Random(1)
    rows = [(text_of(draw, row % 2), str(row % 2), ("train", "eval", "test")[row % 3]) for row in range(600)]
    rows += [("egg egg", "1", "eval"), ("", "0", "train")]
    lines = [json.dumps({"text": text, "label": label, "part": part}) + "\n" for text, label, part in rows]
    (folder / "rows.jsonl").write_text("".join(lines))
    more = [text_of(draw, row % 2) + " unheard" * (row % 9 == 0) for row in range(400)]
    (folder / "more.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in more))
    run_job(
        folder / "rows.jsonl",
        folder / "records",
        {
            "input.unlabelled": str(folder / "more.jsonl"),
            "split.column": "part",
            "sequence.max_length": str(LENGTH),
            "vocabulary.top_words": "30",
            "vocabulary.oov": "token",
        },
    )
    return folder


def expected_texts(folder: Path) -> list[list[str]]:
    """The words of the texts that may be learnt from, as a record has them: the last six, unknown ones as <unk>."""
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["part"] == "train"]
    rows += [json.loads(line) for line in (folder / "more.jsonl").read_text().splitlines()]
    known = {word for row in rows if "label" in row for word in row["text"].split()}
    texts = [[word if word in known else "<unk>" for word in row["text"].split()][-LENGTH:] for row in rows]
    return [text for text in texts if text]


def test_skip_gram_corpus_is_of_train_and_texts_without_labels(folder: Path, tmp_path: Path) -> None:
    records = open_records_folder(str(folder / "records"))
    corpus = write_corpus(records, tmp_path, part_words=500)
    names = {1: "<unk>", **{id: token for id, token, _ in vocabulary_of(folder / "records")}}
    lines = [part.path.read_text().splitlines() for part in corpus.parts]
    texts = [[names[int(id)] for id in line.split()] for part in lines for line in part]
    expected = expected_texts(folder)
    assert sorted(texts) == sorted(expected)
    counts = Counter(word for text in expected for word in text)
    assert {names[id]: count for id, count in enumerate(corpus.counts.tolist()) if count} == counts
    assert counts["<unk>"] > 10
    assert (corpus.texts, corpus.words) == (len(expected), sum(counts.values()))
    assert [part.texts for part in corpus.parts] == list(map(len, lines))
    assert len(corpus.parts) > 3
    assert all(500 <= part.words < 500 + LENGTH for part in corpus.parts[:-1])


class StoppedError(Exception):
    """Ends learning as a kill would."""


def learn(folder: Path, output: Path, *, stop_at: int | None = None, **others: Any) -> LearntVectors:
    """stop_at: the epoch after whose first part learning stops."""

    @contextmanager
    def progress() -> Iterator[Progress]:
        def stop(event: Learnt) -> None:
            if event.epoch == stop_at:
                raise StoppedError

        yield stop

    options = {"settings": SETTINGS, "resume": False, "overwrite": False, "asked": ["cat"], **others}
    return learn_vectors(str(folder / "records"), output=str(output), show_progress=progress(), **options)


@pytest.fixture(scope="module")
def learnt(folder: Path) -> LearntVectors:
    return learn(folder, folder / "vectors.bin", settings=SETTINGS.model_copy(update={"epochs": 60}))


def min_of_subjects(vectors: KeyedVectors) -> float:
    """The least cosine of two words of one subject."""
    return min(vectors.similarity(a, b) for words in SUBJECTS for a, b in itertools.combinations(words, 2))


def max_across(vectors: KeyedVectors) -> float:
    """The largest cosine of two words of different subjects."""
    return max(vectors.similarity(a, b) for a, b in itertools.product(*SUBJECTS))


def test_skip_gram_brings_words_of_one_subject_together(learnt: LearntVectors, folder: Path) -> None:
    vectors = KeyedVectors.load_word2vec_format(learnt.path, binary=True)
    assert min_of_subjects(vectors) > max_across(vectors)
    oracle = vectors.most_similar("cat", topn=5)
    assert [word.token for word in learnt.after["cat"]] == [token for token, _ in oracle]
    assert [word.cosine for word in learnt.after["cat"]] == pytest.approx([cosine for _, cosine in oracle], abs=1e-5)
    assert learnt.before["cat"] != learnt.after["cat"]
    counts = Counter(word for text in expected_texts(folder) for word in text)
    assert vectors.index_to_key == [word for word, _ in sorted(counts.items(), key=lambda item: -item[1])]
    info = json.loads((folder / "vectors.bin.json").read_text())
    assert (info["words"], info["texts"], info["tokens"]) == (len(counts), learnt.texts, sum(counts.values()))
    assert info["records"] == open_records_folder(str(folder / "records")).manifest_sha256
    assert not Path(learnt.path + STATE_ENDING).exists()


def test_skip_gram_file_is_what_embedding_from_takes(folder: Path, tmp_path: Path) -> None:
    """Text and binary hold the same float32 numbers; <unk> is the row of unknown tokens."""
    rows = {token.encode(): id for id, token, _ in vocabulary_of(folder / "records")} | {b"<unk>": 1}
    tables = []
    for name in ("v.txt", "v.bin"):
        learn(folder, tmp_path / name)
        given = read_vectors(str(tmp_path / name), rows, ids=30, dim=8)
        oracle = KeyedVectors.load_word2vec_format(str(tmp_path / name), binary=name == "v.bin")
        assert np.array_equal(given.table[list(rows.values())], [oracle[word.decode()] for word in rows])
        tables.append(given.table)
    assert np.array_equal(tables[0], tables[1])


def test_skip_gram_resumes_with_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    learn(folder, tmp_path / "unbroken.txt")
    output = tmp_path / "broken.txt"
    with pytest.raises(StoppedError):
        learn(folder, output, stop_at=1)
    assert list(tmp_path.glob("broken*")) == []
    with pytest.raises(UserError, match=r"^--resume: there is no .*broken\.txt\.unfinished\.npz; start without"):
        learn(folder, output, resume=True)
    with pytest.raises(StoppedError):
        learn(folder, output, stop_at=2)
    with pytest.raises(StoppedError):
        learn(folder, output, stop_at=4, resume=True)
    state = tmp_path / f"broken.txt{STATE_ENDING}"
    assert list(tmp_path.glob("broken*")) == [state]
    other = SETTINGS.model_copy(update={"window": 2})
    with pytest.raises(UserError, match=r"^--resume: --window was 5 when .* was written, and is 2 now; set it back"):
        learn(folder, output, resume=True, settings=other)
    content = state.read_bytes()
    state.write_bytes(content[:-300] + bytes(300))
    with pytest.raises(UserError, match=r"^--resume: .*\.npz is damaged \(.*\); start over without --resume"):
        learn(folder, output, resume=True)
    state.write_bytes(content)
    learn(folder, output, resume=True)
    assert output.read_bytes() == (tmp_path / "unbroken.txt").read_bytes()
    assert sorted(tmp_path.glob("broken*")) == [output, tmp_path / "broken.txt.json"]


def test_skip_gram_seed_decides(folder: Path, tmp_path: Path) -> None:
    learn(folder, tmp_path / "a.bin")
    learn(folder, tmp_path / "b.bin", settings=SETTINGS.model_copy(update={"seed": 4}))
    assert (tmp_path / "a.bin").read_bytes() != (tmp_path / "b.bin").read_bytes()
    learn(folder, tmp_path / "b.bin", overwrite=True)
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_skip_gram_refuses(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "v.bin"
    with pytest.raises(
        UserError, match=r"^--min_count: no word of the texts occurs 5,000 times; give a smaller number"
    ):
        learn(folder, output, settings=SETTINGS.model_copy(update={"min_count": 5000}))
    output.write_text("mine")
    with pytest.raises(UserError, match=r"^--output: .*v\.bin is there already; give --overwrite"):
        learn(folder, output)
    assert output.read_text() == "mine"
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UserError, match=r"needs gensim, which is not installed; pip install 'textrecords\[vectors\]'"):
        learn(folder, tmp_path / "other.bin")
    assert list(tmp_path.iterdir()) == [output]


def test_skip_gram_command(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Several workers; the width is that of the model."""
    output = tmp_path / "v.txt"
    arguments = ["--output.path", str(folder / "records"), "--model.embedding_dim", "4", "--output", str(output)]
    assert main(["vectors", *arguments, "--workers", "2", "--min_count", "2", "--show", "dog", "gone"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1].startswith("dog  ")
    assert f"--embedding.from {output} --model.embedding_dim 4" in printed.out
    assert "epoch 5/5  12,600 of 12,600 words" in caplog.text
    assert output.read_bytes().startswith(b"11 4\n")
    assert json.loads((tmp_path / "v.txt.json").read_text())["deterministic"] is False
    assert main(["vectors", *arguments]) == 2
    assert capsys.readouterr().err == (
        f"trainer: error: --output: {output} is there already; give --overwrite to replace it, or another file\n"
    )
    assert main(["vectors", *arguments, "--epochs", "0"]) == 2
    assert "--epochs is 0; input should be greater than or equal to 1" in capsys.readouterr().err
