"""`predict`, `explain` and `verify` with models that decide, abstain, give several labels or a rating."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from pipeline.config.decision_settings import DecisionSettings
from pipeline.errors import UserError
from tests.support.exported_models import export_with
from tests.support.tensorflow_serving import serving
from trainer.cli import main
from trainer.commands.explain import explain
from trainer.commands.explain_view import explanation_view
from trainer.decision.decision import Decision
from trainer.decision.rules import decide
from trainer.savedmodel import loading
from trainer.savedmodel.loading import ExportedModel, version_folder

TEXTS = ["word1 word2 word3", "word4", "word5 word5", "", "unheard of", "\ufffd"]
LEAST = [("negative", 0.25), ("positive", 0.5)]  # thresholds of `several`
CAREFUL = DecisionSettings(threshold="precision>=0.9", abstain_below=0.1)


@pytest.fixture(scope="module")
def plain(small_model: Path) -> ExportedModel:
    return ExportedModel(version_folder(str(small_model)))


def middle(model: ExportedModel) -> float:
    """A score of the second label that some of TEXTS reach and others don't."""
    scores = sorted(set(model.scores([text.encode() for text in TEXTS])[:, 1].tolist()))
    return (scores[-1] + scores[-2]) / 2


@pytest.fixture(scope="module")
def careful(plain: ExportedModel, tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    """Two labels, of which only one is ever reached; the other texts abstain."""
    decision = Decision(settings=CAREFUL, thresholds=[2.0, middle(plain)])
    return export_with(plain, tmp_path_factory.mktemp("careful"), decision=decision)


@pytest.fixture(scope="module")
def several(plain: ExportedModel, tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    settings = DecisionSettings(threshold={"negative": 0.25})
    decision = Decision(settings=settings, thresholds=[0.25, None])
    return export_with(plain, tmp_path_factory.mktemp("several"), decision=decision, several_labels=True)


@pytest.fixture(scope="module")
def stars(plain: ExportedModel, tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    return export_with(plain, tmp_path_factory.mktemp("stars"), labels=["1", "5"], label_kind="ordinal")


def answers(model: ExportedModel, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert main(["predict", "--model", model.folder, "--json", *TEXTS]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def lines(model: ExportedModel, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["predict", "--model", model.folder, *TEXTS]) == 0
    return capsys.readouterr().out.splitlines()


def shown(model: ExportedModel, text: str) -> str:
    console = Console(width=80, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(explanation_view(explain(model, [text.encode()]), model.info))
    assert max(map(len, capture.get().splitlines())) <= 80
    return capture.get()


def test_predict_of_a_model_without_decision_has_the_keys_it_always_had(
    plain: ExportedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert all(set(answer) == {"text", "label", "probability", "scores"} for answer in answers(plain, capsys))


def test_predict_says_where_it_abstains(careful: ExportedModel, capsys: pytest.CaptureFixture[str]) -> None:
    found = answers(careful, capsys)
    scores = np.array([list(answer["scores"].values()) for answer in found])
    expected = decide(scores, careful.info.decision, careful.info.scheme)
    assert [answer["abstains"] for answer in found] == expected.abstains.tolist()
    assert {True, False} == set(expected.abstains.tolist())
    for answer, line in zip(found, lines(careful, capsys), strict=True):
        assert answer["probability"] == answer["scores"][answer["label"]]
        if answer["abstains"]:
            assert line.startswith("abstains  0.")
            assert f"(best guess {answer['label']})" in line
        else:
            assert line.startswith("positive  0.")


def test_predict_gives_all_labels_of_a_text(several: ExportedModel, capsys: pytest.CaptureFixture[str]) -> None:
    found = answers(several, capsys)
    for answer in found:
        scores = answer["scores"]
        assert answer["labels"] == [
            name for name, least in (("negative", 0.25), ("positive", 0.5)) if scores[name] >= least
        ]
        assert answer["label"] == max(scores, key=scores.__getitem__)
        assert answer["probability"] == max(scores.values())
    assert len({len(answer["labels"]) for answer in found}) > 1
    for answer, line in zip(found, lines(several, capsys), strict=True):
        listed = sorted(answer["labels"], key=lambda label: -answer["scores"][label])
        written = ", ".join(f"{label} {answer['scores'][label]:.2f}" for label in listed)
        assert line.startswith(written or f"none (highest: {answer['label']} ")


def test_predict_gives_the_expected_rating(stars: ExportedModel, capsys: pytest.CaptureFixture[str]) -> None:
    for answer, line in zip(answers(stars, capsys), lines(stars, capsys), strict=True):
        assert answer["rating"] == pytest.approx(answer["scores"]["1"] + 5 * answer["scores"]["5"], rel=1e-6)
        assert f"  rating {answer['rating']:.4g}  " in line


def test_explain_says_what_decides(careful: ExportedModel, several: ExportedModel, stars: ExportedModel) -> None:
    abstains = careful.answers([text.encode() for text in TEXTS]).abstains
    assert abstains is not None
    unsure = TEXTS[abstains.tolist().index(True)]
    answer = explain(careful, [unsure.encode()]).texts[0]
    told = " ".join(shown(careful, unsure).split())
    assert f"6. The answer abstains (best guess {answer.label})" in told
    assert "It abstains, because no score reaches its threshold." in told
    assert "negative 0." in told
    assert "never" in told
    scores = explain(several, [b"word1"]).texts[0].scores
    told = " ".join(shown(several, "word1").split())
    for name, least in LEAST:
        assert f"{name} {scores[name]:.4f} {least:.4f} {'yes' if scores[name] >= least else 'no'}" in told
    told = " ".join(shown(stars, "word1").split())
    assert "The rating is the sum of each label's number times its score." in told


def test_explain_shows_costs_and_calibration(plain: ExportedModel, tmp_path: Path) -> None:
    costs = Decision(costs=[[0, 1], [9, 0]], temperature=2.0, prior_weights=[1.0, 2.0])
    model = export_with(plain, tmp_path, decision=costs)
    text = explain(model, [b"word1"]).texts[0]
    told = " ".join(shown(model, "word1").split())
    assert f"negative {text.scores['negative']:.4f} {9 * text.scores['positive']:.4g}" in told
    assert f"positive {text.scores['positive']:.4f} {text.scores['negative']:.4g}" in told
    assert "divided by the temperature 2." in told
    assert "class weights of the training are taken out" in told


def test_explain_json_has_what_the_model_has(
    careful: ExportedModel, several: ExportedModel, stars: ExportedModel, plain: ExportedModel
) -> None:
    optional = {"labels", "abstains", "rating"}
    # model -> which of these keys
    for model, keys in ((plain, set()), (careful, {"abstains"}), (several, {"labels"}), (stars, {"rating"})):
        assert optional & set(explain(model, [b"word1"]).as_json()["texts"][0]) == keys


@pytest.mark.parametrize("name", ["careful", "several", "stars"])
def test_verify_replays_what_is_decided(
    name: str, request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a fresh process, through both loaders, and through a server's REST interface."""
    model = request.getfixturevalue(name)
    assert main(["verify", "--model", model.folder]) == 0
    assert [line.split(" (")[0] for line in capfd.readouterr().out.splitlines()[1:]] == [
        f"{way}: 70 texts, right" for way in ("tf.saved_model.load", "serve_examples", "session loader")
    ]
    with serving(tf.saved_model.load(model.folder).signatures) as http:
        url = f"http://127.0.0.1:{http.server_port}/v1/models/m"
        assert main(["verify", "--model", model.folder, "--url", url]) == 0


def test_verify_sees_a_server_with_other_thresholds(
    careful: ExportedModel,
    several: ExportedModel,
    plain: ExportedModel,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # The scores are the same, what is made of them is not; the last server does not know that answers abstain.
    other = export_with(plain, tmp_path / "a", decision=Decision(settings=CAREFUL, thresholds=[0.0, 2.0]))
    fewer = export_with(several, tmp_path / "b", several_labels=True, decision=Decision(thresholds=[2.0, 2.0]))
    # the model, what is served, exit status, what is said
    for model, served, status, what in (
        (careful, other, 1, "abstains is False, should be True"),
        (several, fewer, 1, "is False, should be True"),
        (careful, plain, 2, "does not answer as this model in TensorFlow Serving would (KeyError('abstains'))"),
    ):
        with serving(tf.saved_model.load(served.folder).signatures) as http:
            url = f"http://127.0.0.1:{http.server_port}/v1/models/m"
            assert main(["verify", "--model", model.folder, "--url", url]) == status
        assert what in capfd.readouterr().err


# keys of model.json            the output that they ask for
@pytest.mark.parametrize(("keys", "name"), [
    ({"several_labels": True},                              "decided"),
    ({"label_kind": "ordinal", "labels": ["1", "5"]},       "rating"),
    ({"decision": Decision(settings=CAREFUL)},              "abstains"),
])  # fmt: skip
def test_loading_refuses_a_model_without_an_output_that_its_info_asks_for(
    plain: ExportedModel, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], name: str
) -> None:
    info = plain.info.model_copy(update=keys)
    monkeypatch.setattr(loading, "read_info", lambda *_, **__: info)
    with pytest.raises(UserError, match=f"has no output {name}, which"):
        ExportedModel(plain.folder)


def test_loading_answers_no_text(careful: ExportedModel, several: ExportedModel, stars: ExportedModel) -> None:
    for model in (careful, several, stars):
        found = model.answers([])
        assert [len(part) for part in found if part is not None] == [0] * sum(part is not None for part in found)
    together = several.answers([text.encode() for text in TEXTS] * 30)
    alone = [several.answers([text.encode()]) for text in TEXTS]
    for row in range(len(TEXTS) * 30):
        expected = alone[row % len(TEXTS)]
        np.testing.assert_allclose(together.scores[row], expected.scores[0], atol=1e-6)
        assert together.label[row] == expected.label[0]
