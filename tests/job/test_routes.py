"""The table of cases through five routes: the eager graph, bytes and NumPy, a job whose tokens wait on this machine,
one whose tokens wait where all workers reach them, and the graph that the job saved, loaded again.

The exported model is the sixth; the trainer's tests send the same table through it.
"""

import json
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline.contract import oov_id
from pipeline.text import graph
from pipeline.text.fast_sequences import feature_function
from pipeline.text.fast_tokenizer import make_tokenizer
from tests.support.cases import GROUPS, Case, Group
from tests.support.jobs import manifest_of, records_of, run_job

CASES = [pytest.param(group, case, id=f"{group.name}-{case.text!r}") for group in GROUPS for case in group.cases]
EACH_GROUP = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
# Where tokens wait: on this machine's disk, or below the output, as for workers elsewhere. The second way is taken with
# two groups; test_token_store.py compares whole jobs.
LOCAL = {group.name: "local" for group in GROUPS}
REMOTE = {"unicode": "remote", "no_filters": "remote"}
JOBS = [*LOCAL.items(), *REMOTE.items()]


class Answer(NamedTuple):
    ids: list[int]
    token_count: int
    known_count: int


def expected(group: Group, case: Case) -> Answer:
    words = {token for token, _ in group.vocabulary}
    return Answer(case.ids, len(case.tokens), sum(token in words for token in case.tokens))


def is_utf8(text: bytes) -> bool:
    """Whether a source takes the text. It rejects others, so only the exported model gets them."""
    return text.decode(errors="replace").encode() == text


def run_group(group: Group, folder: Path, *, spills: bool) -> None:
    """A job that counts the corpus, and has the cases in its test split; the label of a case is its number."""
    folder.mkdir(parents=True)
    asked = [(number, case) for number, case in enumerate(group.cases) if is_utf8(case.text)]
    rows = [(text, "train", 0) for text in group.corpus]
    rows += [("", "train", number) for number, _ in asked]
    rows += [(case.text.decode(), "test", number) for number, case in asked]
    lines = [{"text": text, "part": part, "label": label} for text, part, label in rows]
    (folder / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = {**group.settings, "split.column": "part", "output.shards": "1"}
    run_job(folder / "rows.jsonl", folder / "records", settings, spills=spills)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each way and group: what a job learnt from its corpus, and what it answered."""
    folder = tmp_path_factory.mktemp("routes")
    groups = {group.name: group for group in GROUPS}
    for name, way in JOBS:
        run_group(groups[name], folder / way / name, spills=way == "local")
    return folder


@pytest.fixture(scope="module")
def saved_answers(jobs: Path) -> dict[str, dict[bytes, Answer]]:
    answers = {}
    for group in GROUPS:
        found = ask(saved_graph(jobs, group), [case.text for case in group.cases])
        answers[group.name] = dict(zip([case.text for case in group.cases], found, strict=True))
    return answers


def saved_graph(jobs: Path, group: Group) -> tf.Module:
    return tf.saved_model.load(str(jobs / "local" / group.name / "records" / "transform" / "transform_fn"))


def ask(graph: tf.Module, texts: list[bytes]) -> Iterator[Answer]:
    zeros = tf.zeros([len(texts)], tf.int64)
    found = graph.transform_fn({"text": tf.constant(texts, tf.string), "position": zeros, "label": zeros})
    columns = (found[name].numpy().tolist() for name in ("ids", "token_count", "known_count"))
    return map(Answer, *columns)


@pytest.mark.parametrize(("group", "case"), CASES)
def test_routes_tokens(group: Group, case: Case) -> None:
    (tokens,) = graph.tokenize(tf.constant([case.text]), group.config.text).to_list()
    assert [token.decode() for token in tokens] == case.tokens


@pytest.mark.parametrize(("group", "case"), CASES)
def test_routes_eager(group: Group, case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"{uuid.uuid4().hex}.tsv"
    path.write_bytes(group.vocabulary_file())
    config = group.config
    tokens = graph.tokenize(tf.constant([case.text]), config.text)
    word_ids = tokens.with_flat_values(graph.word_table(str(path)).lookup(tokens.flat_values))
    found = graph.sequences(word_ids, oov=config.vocabulary.oov)
    ids = graph.pad(found.known, config.sequence)
    answer = Answer(ids.numpy()[0].tolist(), int(found.token_count[0]), int(found.known_count[0]))
    assert answer == expected(group, case)


@EACH_GROUP
def test_routes_tokenized_once(group: Group, tmp_path: Path) -> None:
    """All cases as one batch, since texts that the table of bytes makes clean and others go different ways."""
    path = tmp_path / f"{uuid.uuid4().hex}.tsv"
    path.write_bytes(group.vocabulary_file())
    found = make_tokenizer(group.config.text)(pa.array([case.text for case in group.cases], pa.large_binary()))
    words = [word.decode() for word in found.distinct.to_pylist()]
    tokens = [words[number] for number in found.indices.tolist()]
    rows = list(pairwise(found.row_splits.tolist()))
    assert [tokens[begin:end] for begin, end in rows] == [case.tokens for case in group.cases]
    features = feature_function(group.config, str(path))(found)
    columns = (features[name].tolist() for name in ("ids", "token_count", "known_count"))
    assert list(map(Answer, *columns)) == [expected(group, case) for case in group.cases]


@pytest.mark.parametrize(("name", "way"), JOBS)
def test_routes_job(name: str, way: str, jobs: Path) -> None:
    (group,) = (group for group in GROUPS if group.name == name)
    folder = jobs / way / name / "records"
    found = {label: list(ids) for ids, label in records_of(folder, "test")}
    labels = map(int, manifest_of(folder)["labels"])
    assert {number: found[place] for place, number in enumerate(labels)} == {
        number: case.ids for number, case in enumerate(group.cases) if is_utf8(case.text)
    }
    assert (folder / "vocabulary.tsv").read_bytes() == group.vocabulary_file()


@pytest.mark.parametrize(("group", "case"), CASES)
def test_routes_saved_graph(group: Group, case: Case, saved_answers: dict[str, dict[bytes, Answer]]) -> None:
    assert saved_answers[group.name][case.text] == expected(group, case)


@EACH_GROUP
def test_routes_vocabulary_of_the_saved_graph(group: Group, jobs: Path) -> None:
    (asset,) = (jobs / "local" / group.name / "records" / "transform" / "transform_fn" / "assets").iterdir()
    assert asset.read_bytes() == group.vocabulary_file()


@EACH_GROUP
def test_routes_saved_graph_takes_an_empty_batch(group: Group, jobs: Path) -> None:
    zeros = tf.zeros([0], tf.int64)
    inputs = {"text": tf.constant([], tf.string), "position": zeros, "label": zeros}
    found = saved_graph(jobs, group).transform_fn(inputs)
    assert found["ids"].shape == (0, group.config.sequence.max_length)


@EACH_GROUP
def test_routes_table_is_complete(group: Group) -> None:
    """The table itself: what it says of tokens and what it says of ids agree."""
    first = 2 if group.config.vocabulary.oov == "token" else 1
    numbers = {token: first + place for place, (token, _) in enumerate(group.vocabulary)}
    for case in group.cases:
        found = [numbers.get(token, oov_id(group.config.vocabulary.oov)) for token in case.tokens]
        known = [number for number in found if number is not None]
        width = group.config.sequence.max_length
        kept = known[-width:] if group.config.sequence.truncating == "pre" else known[:width]
        zeros = [0] * (width - len(kept))
        assert case.ids == ([*zeros, *kept] if group.config.sequence.padding == "pre" else [*kept, *zeros])
