"""The table of cases through four routes: the eager graph, texts that are tokenized once, a Beam job through TFT's
graph, and the graph that the job saved, loaded again.

The exported model is the fifth; the trainer's tests send the same table through it.
"""

import json
import uuid
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.beam.tft_beam_io.transform_fn_io import WriteTransformFn

from pipeline.contract import oov_id
from pipeline.job import preprocessing, transform_batches
from pipeline.job.encode_records import batch_columns
from pipeline.job.row_labels import IndexedLabels
from pipeline.records.keys import content_keys
from pipeline.text import graph
from pipeline.text.fast_sequences import feature_function
from pipeline.text.fast_tokenizer import make_tokenizer
from tests.support.cases import GROUPS, Case, Group

CASES = [pytest.param(group, case, id=f"{group.name}-{case.text!r}") for group in GROUPS for case in group.cases]
EACH_GROUP = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)


class Answer(NamedTuple):
    ids: list[int]
    token_count: int
    known_count: int


def expected(group: Group, case: Case) -> Answer:
    words = {token for token, _ in group.vocabulary}
    return Answer(case.ids, len(case.tokens), sum(token in words for token in case.tokens))


def batch_of(texts: list[bytes]) -> pa.RecordBatch:
    """Texts as the job's sources hand them over; the label is the text's number."""
    numbers = np.arange(len(texts))
    rows = pa.record_batch({"text": pa.array(texts, pa.large_binary()), "position": numbers})
    return transform_batches.transform_batch(
        rows, labels=IndexedLabels(numbers), keys=content_keys(texts, seed=0), splits=numbers * 0
    )


def collect(element: tuple[pa.RecordBatch, object], *, folder: Path) -> None:
    columns = batch_columns(element[0])
    answers = {
        label: [ids, tokens, known]
        for ids, label, tokens, known in zip(
            columns.ids.tolist(),
            columns.labels.tolist(),
            columns.token_counts.tolist(),
            columns.known_counts.tolist(),
            strict=True,
        )
    }
    (folder / f"{uuid.uuid4().hex}.answers").write_text(json.dumps(answers))


def add_job(pipeline: beam.Pipeline, group: Group, folder: Path) -> None:
    folder.mkdir()
    function = preprocessing.preprocessing_fn(group.config, summary_path=str(folder / "counts.json"), buckets=3)
    corpus = [batch_of([line.encode()]) for line in group.corpus]
    for position, batch in enumerate(corpus):
        place = pa.array([[position]], pa.large_list(pa.int64()))
        corpus[position] = batch.set_column(batch.schema.get_field_index("position"), "position", place)
    asked = [batch_of([case.text for case in group.cases])]
    train = pipeline | f"{group.name}.corpus" >> beam.Create(corpus)
    transform = (train, preprocessing.input_config()) | f"{group.name}.Analyse" >> tft_beam.AnalyzeDataset(function)
    texts = pipeline | f"{group.name}.texts" >> beam.Create(asked)
    transformed, _ = ((texts, preprocessing.input_config()), transform) | (
        f"{group.name}.Transform" >> tft_beam.TransformDataset(output_record_batches=True)
    )
    _ = transformed | f"{group.name}.Collect" >> beam.Map(partial(collect, folder=folder))
    _ = transform | f"{group.name}.Write" >> WriteTransformFn(str(folder / "transform"))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a group: what a job learnt from its corpus, and what it answered."""
    folder = tmp_path_factory.mktemp("routes")
    passed_by = set(transform_batches.PASSED_BY)
    with (
        tft_beam.Context(temp_dir=str(folder / "work"), passthrough_keys=passed_by),
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
    ):
        for group in GROUPS:
            add_job(pipeline, group, folder / group.name)
    return folder


@pytest.fixture(scope="module")
def job_answers(jobs: Path) -> dict[str, dict[bytes, Answer]]:
    answers: dict[str, dict[bytes, Answer]] = {}
    for group in GROUPS:
        answers[group.name] = {}
        for path in (jobs / group.name).glob("*.answers"):
            for number, answer in json.loads(path.read_text()).items():
                answers[group.name][group.cases[int(number)].text] = Answer(*answer)
    return answers


@pytest.fixture(scope="module")
def saved_answers(jobs: Path) -> dict[str, dict[bytes, Answer]]:
    answers = {}
    for group in GROUPS:
        graph = tf.saved_model.load(str(jobs / group.name / "transform" / "transform_fn"))
        found = ask(graph, [case.text for case in group.cases])
        answers[group.name] = dict(zip([case.text for case in group.cases], found, strict=True))
    return answers


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


@pytest.mark.parametrize(("group", "case"), CASES)
def test_routes_job(group: Group, case: Case, job_answers: dict[str, dict[bytes, Answer]]) -> None:
    assert job_answers[group.name][case.text] == expected(group, case)


@pytest.mark.parametrize(("group", "case"), CASES)
def test_routes_saved_graph(group: Group, case: Case, saved_answers: dict[str, dict[bytes, Answer]]) -> None:
    assert saved_answers[group.name][case.text] == expected(group, case)


@EACH_GROUP
def test_routes_vocabulary_of_the_job(group: Group, jobs: Path) -> None:
    (asset,) = (jobs / group.name / "transform" / "transform_fn" / "assets").iterdir()
    assert asset.read_bytes() == group.vocabulary_file()


@EACH_GROUP
def test_routes_saved_graph_takes_an_empty_batch(group: Group, jobs: Path) -> None:
    graph = tf.saved_model.load(str(jobs / group.name / "transform" / "transform_fn"))
    zeros = tf.zeros([0], tf.int64)
    found = graph.transform_fn({"text": tf.constant([], tf.string), "position": zeros, "label": zeros})
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
