"""model.json and the files of an exported folder: each damage is seen and named in one line, none waits or raises."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.version import VERSION
from trainer.cli import main
from trainer.commands import verify
from trainer.commands.verify import verify_files, verify_server
from trainer.decision.decision import NO_DECISION, Decision
from trainer.export.comparison import Comparison
from trainer.savedmodel.loading import open_model
from trainer.savedmodel.model_info import INFO_FILE, ModelInfo, damages, read_info, refuse_damages, sha256_of, sums_of

CERTIFICATE = "assets.extra/certificate.jsonl"
LINES = b'{"text": "a", "ids": [1], "scores": [0.5, 0.5]}\n' * 3
# The files of an export, with other content: nothing here loads them.
FILES = {
    "saved_model.pb": b"graph",
    "fingerprint.pb": b"print",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": b"weights" * 100,
    "assets/vocabulary": b"1\tgood\t3\n",
    CERTIFICATE: LINES,
    "assets.extra/tf_serving_warmup_requests": b"requests",
    "assets.extra/embedding_before.npy": b"vectors",
    "MODEL_CARD.md": b"# Model card\n",
    "MODEL_CARD.json": b"{}\n",
}
FOR_OTHERS = {CERTIFICATE, "assets.extra/tf_serving_warmup_requests", "MODEL_CARD.md", "MODEL_CARD.json"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A version folder that is whole."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    config = load(None, {})
    info = ModelInfo(
        labels=["neg", "größer"], text=config.text, vocabulary=config.vocabulary, sequence=config.sequence,
        model=config.model, training=config.training, best_epoch=1, metrics={"loss": 0.1}, records="0" * 64,
        versions={"textrecords": "0.3.0"}, certificate_texts=3, files=sums_of(str(tmp_path)),
    )  # fmt: skip
    (tmp_path / INFO_FILE).write_bytes(info.dumps())
    return tmp_path


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_bytes(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGES = [flip, cut, empty, other_bytes, Path.unlink, a_folder, a_pipe, a_loop]


def test_model_info_of_a_whole_folder(model: Path) -> None:
    info = read_info(str(model), setting="--model")
    assert info.labels == ["neg", "größer"]
    assert info.files is not None
    assert info.files.keys() == FILES.keys()
    assert damages(str(model), info) == []
    laid_out = json.dumps(dict(reversed(json.loads((model / INFO_FILE).read_bytes()).items())), ensure_ascii=False)
    (model / INFO_FILE).write_text(laid_out)  # other spaces, another order: the same content
    assert read_info(str(model), setting="--model") == info


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_model_info_tells_each_damaged_file(model: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(model / name)
    if name == "saved_model.pb" and damage in (Path.unlink, a_loop):  # without this file it is no version at all
        with pytest.raises(UserError, match=r"^--model: .*(holds no exported model|symbolic links)"):
            verify_files(str(model))
        return
    verification = verify_files(str(model))
    assert [line.partition(" ")[0] for line in verification.damages] == [name]
    assert not verification.is_right
    assert verify_server(str(model), "http://127.0.0.1:1") == verification  # which is not asked
    if name not in FOR_OTHERS:
        with pytest.raises(UserError, match=rf"^--model: {model} is damaged: {name} ") as refused:
            open_model(str(model))
        assert str(refused.value).isprintable()


def test_model_info_does_not_need_what_no_answer_depends_on(model: Path) -> None:
    info = read_info(str(model), setting="--model")
    for name in FOR_OTHERS:
        (model / name).unlink()
    refuse_damages(str(model), info, setting="--model")
    assert sorted(damages(str(model), info)) == sorted(f"{name} is missing" for name in FOR_OTHERS)


@pytest.mark.parametrize("damage", DAMAGES)
def test_model_info_is_refused_if_it_is_damaged(model: Path, damage: Callable[[Path], None]) -> None:
    damage(model / INFO_FILE)
    for command in (verify_files, open_model):
        with pytest.raises(UserError, match=r"^--model: ") as refused:
            command(str(model))
        assert str(refused.value).isprintable()


def test_model_info_with_one_wrong_bit_is_refused(model: Path) -> None:
    """Also a label, a metric or a hash that is another one; only what is between the values does not count."""
    content = (model / INFO_FILE).read_bytes()
    right, refused = read_info(str(model), setting="--model"), 0
    places = range(0, len(content), 7)
    for place in places:
        (model / INFO_FILE).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            assert read_info(str(model), setting="--model") == right
        except UserError:
            refused += 1
    assert refused > 0.9 * len(places)


# what is done to model.json's values                          what the message says
@pytest.mark.parametrize(("change", "message"), [
    ({"labels": ["größer", "neg"]},                            "is damaged: its sha256 is not that of its content"),
    ({"sha256": None},                                         "is damaged: its sha256 is not that of its content"),
    ({"certificate_texts": 2},                                 "is damaged: its sha256 is not that of its content"),
    ({"metrics": float("nan")},                                "is not JSON (NaN is not a number)"),
])  # fmt: skip
def test_model_info_is_bound_by_its_hash(model: Path, change: dict[str, Any], message: str) -> None:
    values = json.loads((model / INFO_FILE).read_bytes())
    (model / INFO_FILE).write_text(json.dumps({**values, **change}))
    with pytest.raises(UserError) as refused:
        open_model(str(model))
    assert message in str(refused.value)


# keys of a model.json that a version of the future writes       what the message says
@pytest.mark.parametrize(("keys", "message"), [
    ({"format_version": 2},                                        "format_version is 2"),
    ({"unheard_of": 1},                                            "unheard_of"),
    ({"decision": {"temperature": 2.0, "unheard_of": 1}},          "decision.unheard_of"),
    ({"label_kind": "fuzzy"},                                      "label_kind is 'fuzzy'"),
])  # fmt: skip
def test_model_info_of_a_newer_version_names_both_versions(model: Path, keys: dict[str, Any], message: str) -> None:
    values = {**json.loads((model / INFO_FILE).read_bytes()), "versions": {"textrecords": "9.1"}, **keys}
    (model / INFO_FILE).write_text(json.dumps({**values, "sha256": sha256_of(values)}))
    with pytest.raises(UserError) as refused:
        open_model(str(model))
    assert message in str(refused.value)
    assert str(refused.value).endswith(f"version 9.1 (this is version {VERSION}) of this program made it")


def test_model_info_before_decisions_has_none(model: Path) -> None:
    """The keys that versions before decisions and several labels did not write."""
    values = json.loads((model / INFO_FILE).read_bytes())
    for key in ("several_labels", "label_kind", "weighted", "decision"):
        del values[key]
    (model / INFO_FILE).write_text(json.dumps({**values, "sha256": sha256_of(values)}))
    info = read_info(str(model), setting="--model")
    assert (info.decision, info.scheme, info.weighted) == (NO_DECISION, LabelScheme(("neg", "größer")), False)


def test_model_info_tells_files_of_another_export(model: Path) -> None:
    info = read_info(str(model), setting="--model")
    (model / "saved_model.cpb").touch()  # TensorFlow would read it
    (model / ".DS_Store").touch()
    (model / "assets.extra" / "notes.txt").touch()
    assert damages(str(model), info) == ["saved_model.cpb is not of this export"]


def older(model: Path) -> None:
    """Makes it an export of a version that wrote no list of files."""
    values = json.loads((model / INFO_FILE).read_bytes())
    for key in ("files", "sha256", "certificate_texts"):
        del values[key]
    (model / INFO_FILE).write_text(json.dumps(values))


def test_model_info_of_an_older_export_says_what_can_not_be_compared(model: Path) -> None:
    older(model)
    assert damages(str(model), read_info(str(model), setting="--model")) == []
    with pytest.raises(UserError, match=rf"^--model: the model in {model} can't be loaded \(.*\); export it again$"):
        open_model(str(model))
    a_pipe(model / "saved_model.pb")
    (line,) = verify_files(str(model)).damages
    assert line == "saved_model.pb can't be read: it is a named pipe, and only regular files are read"


# temperature, --tolerance -> how far scores may differ: logits that are divided by 0.1 differ ten times as much
@pytest.mark.parametrize(("temperature", "given", "expected"), [
    (1.0, None, 1e-5), (2.0, None, 1e-5), (0.1, None, 1e-4), (0.1, 1e-6, 1e-6),
])  # fmt: skip
def test_verify_lets_scores_of_a_low_temperature_differ_more(
    model: Path, monkeypatch: pytest.MonkeyPatch, temperature: float, given: float | None, expected: float
) -> None:
    info = read_info(str(model), setting="--model")
    (model / INFO_FILE).write_bytes(info.model_copy(update={"decision": Decision(temperature=temperature)}).dumps())
    used: dict[str, float] = {}

    def compared(*_: object, tolerance: float) -> dict[str, Comparison]:
        used["tolerance"] = tolerance
        return {}

    monkeypatch.setattr(verify, "compare_in_fresh_process", compared)
    verify_files(str(model), tolerance=given)
    assert used["tolerance"] == pytest.approx(expected)


# lines of the certificate  labels                  what is said
@pytest.mark.parametrize(("lines", "labels", "message"), [
    (2,                     ["neg", "größer"],      "has 2 texts, exported were 3"),
    (3,                     ["a", "b", "c"],        "has 2 scores a text, but model.json has 3 labels"),
])  # fmt: skip
def test_verify_counts_the_lines_of_the_certificate(model: Path, lines: int, labels: list[str], message: str) -> None:
    (model / CERTIFICATE).write_bytes(LINES[: lines * len(LINES) // 3])
    info = read_info(str(model), setting="--model").model_copy(update={"files": None, "labels": labels})
    (model / INFO_FILE).write_bytes(info.dumps())
    with pytest.raises(UserError, match=message):
        verify_server(str(model), "http://127.0.0.1:1")


# arguments                                      what is said
@pytest.mark.parametrize(("arguments", "message"), [
    (["verify", "--url", ""],                    "--url: it is empty"),
    (["verify", "--url", "localhost:8501"],      "--url: 'localhost:8501' is not an address; give the model's address"),
    (["verify", "--url", "file:///etc/passwd"],  "is not an address"),
    (["verify", "--url", "ftp://host/m"],        "is not an address"),
    (["verify", "--url", "http://"],             "is not an address"),
    (["verify", "--url", "http://host:99999/m"], "is not an address"),
    (["verify", "--url", "http://[::1/m"],       "is not an address"),
    (["verify", "--url", "http://host/m?x=1"],   "is not an address"),
    (["verify", "--url", "http://h\x1b[31m/m"],  "'http://h\ufffd[31m/m' is not an address"),
    (["verify", "--url", "http://host/ m"],      "is not an address"),
    (["verify", "--tolerance", "nan"],           "--tolerance: nan is not a number from 0 on"),
    (["verify", "--tolerance", "-1"],            "--tolerance: -1 is not a number from 0 on"),
    (["verify", "--tolerance", "inf"],           "--tolerance: inf is not a number from 0 on"),
    (["verify", "--model", ""],                  "--model: it is empty"),
    (["predict", "a", "--output", ""],           "--output: it is empty"),
    (["predict", "--input", ""],                 "--input: it is empty"),
    (["evaluate", "--config", " "],              "--config: it is empty"),
])  # fmt: skip
def test_cli_trainer_refuses_a_value_that_is_empty_or_malformed(
    model: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([arguments[0], "--model", str(model), *arguments[1:]]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trainer: error: ")
    assert message in line
