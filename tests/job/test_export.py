"""The exported model: its signatures, where it loads, what it answers to odd texts, and the commands that use it."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from pipeline.records_folder.manifest import checksum_of
from tests.support.archives import packed
from tests.support.exported_models import seal
from tests.support.jobs import write_csv
from tests.support.tensorflow_serving import serving
from trainer.cli import main
from trainer.export.certificate import loads
from trainer.export.replay import hide_packages
from trainer.savedmodel.model_info import CERTIFICATE_FILE

SETTINGS = ["--model.embedding_dim=4", "--model.lstm_units=5", "--training.epochs=1", "--training.batch_size=32"]
ODD = [b"", b" ", b"\0", b"\xff\xfe", b"zzzz yyyy", "日本 \U0001f600".encode(), b"word1\r\nword2", b"word1 " * 200_000]


@pytest.fixture(scope="module")
def places(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(records folder, version folder) of a small model, checked in a fresh process; the records are moved away before
    the model is used. They are as if their texts had come from two columns, and their labels had been renamed."""
    folder = tmp_path_factory.mktemp("export")
    records = folder / "records"
    shutil.copytree(small_records, records)
    content = json.loads((records / "manifest.json").read_bytes())
    content["config"]["input"].update(text_column=["title", "review"], label_map={"0": "negative", "-1": None})
    (records / "manifest.json").write_text(json.dumps({**content, "checksum": checksum_of(content)}))
    paths = [f"--output.path={records}", f"--training.path={folder / 'training'}", f"--export.path={folder / 'model'}"]
    assert main(["train", *paths, *SETTINGS]) == 0
    assert json.loads((folder / "training" / "metrics.json").read_text())["examples"] > 20
    assert (folder / "training" / "training.html").read_bytes().startswith(b"<!DOCTYPE html>")
    return records.rename(folder / "elsewhere"), folder / "model" / "1"


@pytest.fixture(scope="module")
def model(places: tuple[Path, Path]) -> Path:
    return places[1]


@pytest.fixture(scope="module")
def signatures(model: Path) -> dict[str, Any]:
    loaded = tf.saved_model.load(str(model))
    return {"loaded": loaded, **loaded.signatures}


def samples(records: Path) -> list[dict[str, Any]]:
    return json.loads((records / "manifest.json").read_bytes())["samples"]


def test_export_gives_the_ids_of_the_records(places: tuple[Path, Path], signatures: dict[str, Any]) -> None:
    rows = samples(places[0])
    assert len(rows) == 48
    result = signatures["token_ids"](text=tf.constant([row["text"] for row in rows]))["ids"]
    assert result.dtype == tf.int64
    assert result.numpy().tolist() == [row["ids"] for row in rows]


def test_export_signatures_have_the_promised_types(signatures: dict[str, Any]) -> None:
    texts = tf.constant(["word1 word2", "word3"])
    answer = signatures["serving_default"](text=texts)
    assert {name: (value.dtype, value.shape.as_list()) for name, value in answer.items()} == {
        "label": (tf.string, [2]),
        "probability": (tf.float32, [2]),
        "scores": (tf.float32, [2, 2]),
    }
    vectors = signatures["embeddings"](text=texts)
    assert vectors["vectors"].shape.as_list() == [2, 12, 4]
    assert vectors["state"].shape.as_list() == [2, 5]
    examples = [
        tf.train.Example(features=tf.train.Features(feature={"text": _bytes(text)})).SerializeToString()
        for text in (b"word1 word2", b"word3")
    ]
    same = signatures["serve_examples"](examples=tf.constant(examples))
    np.testing.assert_array_equal(same["scores"], answer["scores"])
    best = np.argmax(answer["scores"], axis=1)
    assert answer["label"].numpy().tolist() == [[b"negative", b"positive"][index] for index in best]
    np.testing.assert_array_equal(answer["probability"], np.max(answer["scores"], axis=1))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def test_export_answers_any_text_and_an_empty_batch(signatures: dict[str, Any]) -> None:
    together = signatures["serving_default"](text=tf.constant(ODD))["scores"].numpy()
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)
    for text, expected in zip(ODD, together, strict=True):
        alone = signatures["serving_default"](text=tf.constant([text]))["scores"].numpy()
        np.testing.assert_allclose(alone[0], expected, atol=1e-6)
    # All texts without a known word get the same scores.
    np.testing.assert_array_equal(together[0], together[1])
    np.testing.assert_array_equal(together[0], together[4])
    nothing = tf.constant([], tf.string)
    assert signatures["serving_default"](text=nothing)["scores"].shape.as_list() == [0, 2]
    assert signatures["token_ids"](text=nothing)["ids"].shape.as_list() == [0, 12]
    assert signatures["embeddings"](text=nothing)["vectors"].shape.as_list() == [0, 12, 4]
    assert signatures["serve_examples"](examples=nothing)["label"].shape.as_list() == [0]


def example(**features: bytes) -> bytes:
    filled = {name: _bytes(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=filled)).SerializeToString()


def test_export_reads_the_text_columns_of_an_example(model: Path, signatures: dict[str, Any]) -> None:
    examples = [
        example(title=b"word1", review=b"word2"), example(review=b"word3"), example(text=b"word4"),
        example(title=b"", text=b"word4"),
    ]  # fmt: skip
    texts = [b"word1 word2", b"word3", b"word4", b""]
    expected = signatures["serving_default"](text=tf.constant(texts))["scores"].numpy()
    found = signatures["serve_examples"](examples=tf.constant(examples))["scores"].numpy()
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have one of the features title or review or text"):
        signatures["serve_examples"](examples=tf.constant([*examples, example(other=b"word1")]))
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        names = tf.compat.v1.saved_model.load(session, ["serve"], str(model)).signature_def["serve_examples"]
        given, scores = names.inputs["examples"].name, names.outputs["scores"].name
        np.testing.assert_allclose(session.run(scores, {given: examples}), expected, atol=1e-6)
        with pytest.raises(tf.errors.InvalidArgumentError, match="must have one of the features"):
            session.run(scores, {given: [example(other=b"word1")]})


def test_export_equal_ids_have_equal_vectors(signatures: dict[str, Any]) -> None:
    texts = tf.constant(["word1 word2 word1"])
    ids = signatures["token_ids"](text=texts)["ids"].numpy()[0]
    vectors = signatures["embeddings"](text=texts)["vectors"].numpy()[0]
    assert ids[-1] == ids[-3] != ids[-2]
    np.testing.assert_array_equal(vectors[-1], vectors[-3])
    np.testing.assert_array_equal(vectors[0], vectors[1])  # padding


def graph_of(model: Path) -> meta_graph_pb2.MetaGraphDef:
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString((model / "saved_model.pb").read_bytes())
    return proto.meta_graphs[0]


def test_export_holds_no_kernel_of_one_device_and_no_python(model: Path) -> None:
    graph = graph_of(model).graph_def
    ops = {node.op for node in graph.node} | {node.op for f in graph.library.function for node in f.node_def}
    assert "LookupTableFindV2" in ops
    assert not [op for op in ops if "Cudnn" in op or "PyFunc" in op]


def test_export_replay_can_import_no_package_that_a_server_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What checks an export, in the fixture of this file and in `verify`, is a process with these hidden."""
    names = ["tensorflow_transform", "apache_beam", "keras", "tf_keras", "pipeline", "trainer", "tfx_bsl"]
    for name in names:
        monkeypatch.setitem(sys.modules, name, sys.modules.get(name))  # puts them back in the end
    hide_packages()
    for name in names:
        with pytest.raises(ImportError):
            importlib.import_module(name)


def build_c(folder: Path) -> Path:
    """support/serve.c, which calls TensorFlow's C library.

    It is linked against an empty library of the same name, because a linker reads the real one for 6 s.
    """
    package = Path(tf.__file__).parent
    library = next(package.glob("libtensorflow_cc.so.*"))
    source = Path(__file__).parent.parent / "support" / "serve.c"
    functions = sorted(set(re.findall(r"\bTF_\w+(?=\()", source.read_text())))
    (folder / "empty.c").write_text("".join(f"void {name}(void) {{}}\n" for name in functions))
    empty, program = folder / library.name, folder / "serve"
    for command in (
        ["-shared", f"-Wl,-soname,{empty.name}", "empty.c", "-o", str(empty)],
        ["-O1", f"-I{package / 'include'}", str(source), str(empty), "-o", str(program), f"-Wl,-rpath,{package}"],
    ):
        subprocess.run(["gcc", *command], check=True, capture_output=True, cwd=folder)
    return program


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc to build a program against TensorFlow's C library")
def test_export_loads_in_c(model: Path, signatures: dict[str, Any], tmp_path: Path) -> None:
    program = build_c(tmp_path)
    signature = graph_of(model).signature_def["serving_default"]
    text, scores = signature.inputs["text"].name, signature.outputs["scores"].name
    command = [str(program), str(model), text, scores, "2", "word1 word2", "word3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = [[float(value) for value in line.split()] for line in done.stdout.splitlines()]
    expected = signatures["serving_default"](text=tf.constant(["word1 word2", "word3"]))["scores"].numpy()
    np.testing.assert_allclose(result, expected, atol=1e-7)


@pytest.fixture
def server(signatures: dict[str, Any]) -> Iterator[HTTPServer]:
    with serving(signatures) as http:
        yield http


def test_cli_verifies_a_live_server(model: Path, server: HTTPServer) -> None:
    url = f"http://127.0.0.1:{server.server_port}/v1/models/reviews"
    assert main(["verify", "--model", str(model), "--url", url]) == 0
    server.RequestHandlerClass.error = 0.01  # type: ignore[attr-defined]
    assert main(["verify", "--model", str(model), "--url", url]) == 1


def test_cli_verifies_the_files(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without the records, in a process that has TensorFlow alone. A copy of the model does not know its first word, so
    each loader must answer all texts rightly but those with this word."""
    damaged = tmp_path / "model"
    shutil.copytree(model, damaged)
    vocabulary = next((damaged / "assets").iterdir())
    lines = vocabulary.read_text().splitlines()
    vocabulary.write_text("\n".join([lines[0].replace("\t", "\tx", 1), *lines[1:]]) + "\n")
    seal(damaged)
    certificate = loads((model / CERTIFICATE_FILE).read_bytes(), path="certificate")
    with_word = {number for number, ids in enumerate(certificate.answers.ids.tolist()) if 1 in ids}
    assert 5 < len(with_word) < len(certificate.texts) - 5

    assert main(["verify", "--model", str(damaged)]) == 1
    told = re.findall(r"^([^:\n]+): text (\d+) \(.*\): id \d+ is \d+, should be ", capfd.readouterr().err, re.MULTILINE)
    for way in ("tf.saved_model.load", "serve_examples", "session loader"):
        assert {int(number) for name, number in told if name == way} == with_word


def test_cli_predicts(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--model", str(model.parent), "word1 word2", "word3", "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["text"], second["text"]) == ("word1 word2", "word3")
    assert set(first) == {"text", "label", "probability", "scores"}
    assert first["probability"] == max(first["scores"].values())
    assert list(first["scores"]) == ["negative", "positive"]


def test_cli_evaluates_any_source(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("word1", "positive"), ("word2", "negative"), ("word3", "neutral"), ("word4", "-1"), ("word5", "0")]
    write_csv(tmp_path / "new.csv", rows)
    evaluate = ["evaluate", "--model", str(model), "--input", str(tmp_path / "new.csv")]
    # The model's own input.label_map applies, unless another one is given.
    assert main([*evaluate, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["examples"], result["rejected"]["rows"], result["left_out"]) == (3, 1, 1)
    assert [result["per_label"][label]["support"] for label in ("negative", "positive")] == [2, 1]
    assert main(evaluate) == 0
    assert "input.label_map leaves out 1 row\n" in capsys.readouterr().out
    assert main([*evaluate, "--input.label_map", "{neutral: null, '-1': positive, '0': null}", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["examples"], result["rejected"]["rows"], result["left_out"]) == (3, 0, 2)
    assert main([*evaluate, "--input.label_map", "{}", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["examples"], result["rejected"]["rows"], result["left_out"]) == (2, 3, 0)
    assert {"accuracy", "auc", "loss", "per_label", "confusion"} <= set(result)
    assert [result["per_label"][label]["support"] for label in ("negative", "positive")] == [1, 1]


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_cli_reads_archives_as_files(
    ending: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(tmp_path / "new.csv", [("word1", "positive"), ("word2", "negative"), ("word3", "neutral")])
    archive = tmp_path / f"new.{ending}"
    archive.write_bytes(packed({"new.csv": (tmp_path / "new.csv").read_bytes()}, ending))
    for command in ("evaluate", "predict"):
        answers = []
        for path in (tmp_path / "new.csv", archive, f"{archive}/new.csv"):
            assert main([command, "--model", str(model), "--input", str(path), "--json"]) == 0
            answers.append(capsys.readouterr().out.replace(str(path), "INPUT"))
        assert answers[0] == answers[1] == answers[2]


def test_cli_explains(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--model", str(model), "word1 unheard-of word1"]) == 0
    output = capsys.readouterr().out
    assert "(1, 12, 4)" in output
    assert "unheard" in output
    assert "one-hot" in output.lower()


def test_cli_trainer_reports_a_mistake_in_one_line(
    places: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    records, model = places
    mistakes = [
        (["predict", "--model", str(tmp_path), "x"], str(tmp_path)),
        (["train", f"--output.path={tmp_path / 'none'}"], "is not a complete records folder"),
        (["train", f"--output.path={records}", "--training.epoch=1"], "did you mean training.epochs?"),
        (["train", f"--output.path={records}", f"--training.path={tmp_path / 't'}", "--resume"], "resume"),
        (["evaluate", "--model", str(model), "--input", str(tmp_path / "no.csv")], "no.csv"),
    ]
    for arguments, message in mistakes:
        assert main(arguments) == 2, arguments
        lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("trainer: error: ")]
        assert len(lines) == 1
        assert message in lines[0]


def test_cli_trainer_refuses_a_damaged_shard(
    places: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    records = tmp_path / "records"
    shutil.copytree(places[0], records)
    shard = next((records / "records").glob("train-00000*"))
    shard.write_bytes(shard.read_bytes()[:-3])
    assert main(["train", f"--output.path={records}", f"--training.path={tmp_path / 't'}"]) == 2
    assert shard.name in capfd.readouterr().err
