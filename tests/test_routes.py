"""Each case of tests/cases.py through every route that a text can take in the pipeline: eager, the job, its
SavedModel."""

from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from pipeline import text
from pipeline.run import run
from tests.cases import GROUPS, Group


@pytest.fixture(scope="module", params=GROUPS, ids=[group.name for group in GROUPS])
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Group, Path]:
    """A group, and the records folder of a job over its corpus (the train split) and its cases (the test split)."""
    group: Group = request.param
    folder = tmp_path_factory.mktemp(group.name)
    texts = [(line.encode(), "train") for line in group.corpus]
    # Invalid UTF-8 never gets into the job: sources reject it. The other routes take it.
    texts += [(case.text, "test") for case in group.cases if _is_valid(case.text)]
    labels = [str(row % 2) for row in range(len(texts))]
    columns = {"text": [line for line, _ in texts], "label": labels, "part": [split for _, split in texts]}
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    places = {"input.path": str(folder / "rows.parquet"), "output.path": str(folder / "out"), "split.column": "part"}
    config = group.config.model_validate(_merged(group.config.model_dump(), places))
    run(config, ["--direct_running_mode=in_memory"], overwrite=False, display=lambda _: nullcontext())
    return group, folder / "out"


def _merged(settings: dict, places: dict[str, str]) -> dict:
    for name, value in places.items():
        section, key = name.split(".")
        settings[section][key] = value
    return settings


def _is_valid(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_routes_tokens(finished: tuple[Group, Path]) -> None:
    group, _ = finished
    tokens = text.tokenize(tf.constant([case.text for case in group.cases]), group.config.text)
    found = [[token.decode() for token in row] for row in tokens.to_list()]
    assert found == [case.tokens for case in group.cases]


def test_routes_vocabulary(finished: tuple[Group, Path]) -> None:
    group, folder = finished
    assert (folder / "vocabulary.tsv").read_bytes() == group.vocabulary_file()


def test_routes_eager(finished: tuple[Group, Path], tmp_path: Path) -> None:
    group, _ = finished
    file = tmp_path / "vocabulary.tsv"
    file.write_bytes(group.vocabulary_file())
    config = group.config
    tokens = text.tokenize(tf.constant([case.text for case in group.cases]), config.text)
    word_ids = tokens.with_flat_values(text.word_table(str(file)).lookup(tokens.flat_values))
    found = text.pad(text.sequences(word_ids, oov=config.vocabulary.oov).known, config.sequence)
    assert found.numpy().tolist() == [case.ids for case in group.cases]


def test_routes_job(finished: tuple[Group, Path]) -> None:
    group, folder = finished
    length = group.config.sequence.max_length
    spec = {"ids": tf.io.FixedLenFeature([length], tf.int64), "label": tf.io.FixedLenFeature([], tf.int64)}
    records = tf.data.TFRecordDataset(str(folder / "records" / "test-00000-of-00001.tfrecord.gz"), "GZIP")
    found = [tf.io.parse_single_example(record, spec)["ids"].numpy().tolist() for record in records]
    # Records are shuffled.
    assert sorted(found) == sorted(case.ids for case in group.cases if _is_valid(case.text))


def test_routes_saved_model(finished: tuple[Group, Path]) -> None:
    group, folder = finished
    layer = tft.TFTransformOutput(str(folder / "transform")).transform_features_layer()
    found = layer({"text": tf.constant([case.text for case in group.cases])})["ids"]
    assert found.numpy().tolist() == [case.ids for case in group.cases]
