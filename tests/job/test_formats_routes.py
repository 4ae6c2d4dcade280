"""The same rows in every format of tables, by every route: what the job makes, what evaluate and predict read."""

import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.files.local import LocalFiles
from pipeline.job.limits import Limits
from pipeline.sources import plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from tests.support.jobs import manifest_of, record_bytes, run_job
from tests.support.tf_examples import framed, serialized
from trainer.commands.raw_texts import source_of_files

ROWS = [(f"a {label} film, {number % 7} {number}", label) for number in range(150) for label in ("neg", "pos")]
TABLE = pa.table({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]})
OBJECTS = [{"text": text, "label": label} for text, label in ROWS]


def lines() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in OBJECTS).encode()


def stream() -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=20)
    return buffer.getvalue()


def feather() -> bytes:
    buffer = io.BytesIO()
    pyarrow.feather.write_feather(TABLE, buffer, chunksize=20)
    return buffer.getvalue()


def orc() -> bytes:
    buffer = io.BytesIO()
    pyarrow.orc.write_table(TABLE, buffer, compression="zlib")
    return buffer.getvalue()


def avro() -> bytes:
    fields = [{"name": "text", "type": "string"}, {"name": "label", "type": ["null", "string"]}]
    buffer = io.BytesIO()
    fastavro.writer(buffer, {"type": "record", "name": "r", "fields": fields}, OBJECTS, "snappy", sync_interval=500)
    return buffer.getvalue()


def tfrecord() -> bytes:
    examples = [serialized({"text": text.encode(), "label": label.encode()}) for text, label in ROWS]
    return zlib.compress(framed(*examples))


FORMATS: dict[str, Callable[[], bytes]] = {
    "a.arrow": stream,
    "a.feather": feather,
    "a.orc": orc,
    "a.avro": avro,
    "a.json": lambda: json.dumps(OBJECTS, indent=1).encode(),
    "a.tfrecord": tfrecord,
}


@pytest.fixture(scope="module")
def of_lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "a.jsonl").write_bytes(lines())
    return record_bytes(run_job(folder / "a.jsonl", folder / "out"))


@pytest.mark.parametrize("name", FORMATS)
def test_formats_routes_run_makes_the_same_records(name: str, of_lines: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FORMATS[name]())
    out = run_job(tmp_path / name, tmp_path / "out", limits=Limits(task_bytes=2000))  # several ranges
    assert record_bytes(out) == of_lines
    found = manifest_of(out)
    assert (found["input"]["rows"], found["rejected"]["rows"]) == (len(ROWS), 0)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_routes_evaluate_and_predict_read_the_same_rows(name: str, tmp_path: Path) -> None:
    for path in (tmp_path / name, tmp_path / "without_ending"):
        path.write_bytes(FORMATS[name]())
        input_settings = InputSettings(path=str(path))
        tasks = list(plan_tasks(input_settings, LocalFiles()).tasks())
        batches = list(read_tasks(tasks, columns_of(input_settings), LocalFiles()))
        labelled = [(row["text"].decode(), row["label"]) for batch in batches for row in batch.rows.to_pylist()]
        assert labelled == ROWS
        if name != "a.json" or path.suffix:  # without an ending, predict asks whether the lines are texts
            assert [row.text for row in source_of_files(input_settings).rows] == [text.encode() for text, _ in ROWS]
