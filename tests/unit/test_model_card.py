"""The model card: what it says of a manifest and metrics, and that no text of the data becomes markup in it.

Oracles: markdown-it, which rich brings, reads the Markdown; Python's json reads the JSON.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.config.decision_settings import DecisionSettings
from pipeline.config.load import load
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import Manifest
from pipeline.support.printable import escape_controls
from tests.support.manifests import SHA256, full_content, manifest_of
from trainer.decision.decision import Decision
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import DecisionFigures, Metrics, SlicedBy, SliceScores
from trainer.model_card import Card, model_card, page, to_json, with_decision
from trainer.model_card.markdown import code, sentence
from trainer.model_card.schema import SelfTraining

# What would be a heading, a cell, a link, a picture, a tag, a list, emphasis, a line break or a steered terminal.
HOSTILE = [
    "# x | [a](b) <script>alert(1)</script>", "| a | b |", "[link](https://example.org)", "![picture](x.png)",
    "<img src=x onerror=alert(1)>", "- item", "1. item", "***bold***", "__bold__", "`code` | ``", "a\n\n# heading",
    "---", "===", "> quote", "https://example.org", "&lt;b&gt; &amp;", "\\", "\\|", "a\\", "~~gone~~", "$x$",
    "\x1b[31mred\x07", "\u202egnol", "", " ", "[ref]: https://example.org", "```\nfence", "<!-- comment", "\ttab",
]  # fmt: skip


def parsed(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def headings_and_content(markdown: str) -> dict[str, int]:
    """heading -> the tokens of content below it, up to the next heading; -1 for a heading of a deeper level alone."""
    found: dict[str, int] = {}
    tokens = parsed(markdown)
    heading, level = "", 0
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            deeper = int(token.tag[1]) > level and heading
            if heading and not found[heading] and deeper:
                found[heading] = -1
            heading, level = tokens[place + 1].content, int(token.tag[1])
            assert heading not in found
            found[heading] = 0
        elif token.type in ("table_open", "list_item_open", "paragraph_open"):
            found[heading] += 1
    return found


def inline_types(markdown: str) -> set[str]:
    return {child.type for token in parsed(markdown) for child in token.children or ()}


def shown(markdown: str) -> str:
    """The text that a reader sees."""
    return "".join(child.content for token in parsed(markdown) for child in token.children or ())


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_of_the_data_is_text(text: str) -> None:
    for made in (code(text), sentence(f"{text} is a label"), sentence(text) or "x"):
        for markdown in (made, f"- {made}", f"| {made} | next |\n|---|---|\n| {made} | next |"):
            assert inline_types(markdown) <= {"text", "code_inline", "text_special"}, markdown
            blocks = {token.type for token in parsed(markdown) if token.type.endswith("_open")}
            assert blocks <= {"paragraph_open"} | (
                {"bullet_list_open", "list_item_open"} if markdown.startswith("- ") else set()
            ) | {f"{part}_open" for part in ("table", "thead", "tbody", "tr", "th", "td") if "|---|" in markdown}
            if "|---|" in markdown:
                assert sum(token.type == "td_open" for token in parsed(markdown)) == 2, markdown
        assert made.isprintable()
    assert shown(code(text)) == (re.sub(r"[\x1b\x07\u202e]", "\ufffd", " ".join(text.split())) or "(empty)")


def plain_manifest(**changes: Any) -> Manifest:
    """100 train and 40 test rows of two labels, nothing else of note."""
    config = load(None, {}).model_dump()
    rows = {"train": (60, 40), "eval": (0, 0), "test": (30, 10)}
    content = {
        "format_version": 1, "config": config, "labels": ["bad", "good"],
        "vocabulary": {"size": 7, "tokens": 100},
        "splits": {
            split: {"rows": bad + good, "labels": {"bad": bad, "good": good}, "tokens": 10 * (bad + good),
                    "unknown_tokens": bad + good, "truncated_texts": bad, "empty_texts": 0}
            for split, (bad, good) in rows.items()
        },
    }  # fmt: skip
    return manifest_of({**content, **changes})


def card_of(manifest: Manifest, metrics: Metrics | None, **settings: str) -> Card:
    return model_card(
        load(None, settings), manifest, manifest_sha256=SHA256, epochs=3, best_epoch=2, metrics=metrics,
        versions={"keras": "3.15", "textrecords": "0.3"},
    )  # fmt: skip


def measured(right: Sequence[int], predicted: Sequence[int], names: Sequence[str]) -> Metrics:
    scores = [[0.9 if place == label else 0.1 / (len(names) - 1) for place in range(len(names))] for label in predicted]
    return metrics_of(scores, right, scheme=LabelScheme(tuple(names)))


# 30 of bad, of which 24 are found; 10 of good, of which 8 are.
PLAIN = measured([0] * 30 + [1] * 10, [0] * 24 + [1] * 6 + [1] * 8 + [0] * 2, ["bad", "good"])


def test_card_of_a_plain_model() -> None:
    card = card_of(plain_manifest(), PLAIN, **{"training.epochs": "4"})
    text = page(card).decode()
    # 60 of the 100 train rows are longer than max_length; a token in ten is unknown.
    assert "| train | 100 | 1,000 | 10.0% | 60.0% | 0.0% |" in text
    assert "eval" not in text.partition("## Settings")[0]  # which has no rows
    assert "| `bad` | 60 | 30 | 60.0% |" in text
    # Wilson's interval of 32 of 40, by statsmodels' proportion_confint(32, 40, method="wilson").
    assert "| accuracy | 0.8000 | (0.652–0.895) |" in text
    assert "| accuracy of always answering the commonest label | 0.7500 | (0.598–0.858) |" in text
    assert "1 of 2 labels has fewer than 30 test rows, so its figures are uncertain: 'good' (10)." in text
    assert "| `training.epochs` | `4` | `3` |" in text
    assert "| `input.label_column` | `label` |  |" in text
    assert f"`{SHA256}`" in text
    for absent in ("Texts that splits share", "Rows that were not used", "weight |", "Qualities"):
        assert absent not in text


def test_card_tells_of_self_training() -> None:
    given = SelfTraining(texts=50_000, mean_weight=0.8037, labels={"bad": 20_000, "good": 30_000})
    card = model_card(
        load(None, {"training.self_training": "2"}), plain_manifest(), manifest_sha256=SHA256, epochs=2, best_epoch=1,
        metrics=PLAIN, versions={}, self_training=given,
    )  # fmt: skip
    text = page(card).decode()
    assert "It learnt from 100 texts and has the weights of epoch 1 of 2." in text
    assert "It also learnt from 50,000 texts without labels, each with the label that an earlier model gave it" in text
    assert "how sure that model was: 0.80 on average." in text
    assert "earlier model" not in page(card_of(plain_manifest(), PLAIN)).decode()


def test_card_has_no_empty_heading() -> None:
    for card in (
        card_of(plain_manifest(), PLAIN),
        card_of(plain_manifest(), None),
        card_of(manifest_of(full_content()), None),
        card_of(manifest_of(full_content()), measured([0, 1], [0, 1], ["bad", "good"])),
    ):
        found = headings_and_content(page(card).decode())
        assert {"Model card", "Data", "Labels", "Vocabulary", "Settings", "Versions"} <= found.keys()
        assert all(found.values()), found


def test_card_without_limits_has_no_part_on_them() -> None:
    rows = {split: {"rows": 80, "labels": {"bad": 40, "good": 40}} for split in ("train", "eval", "test")}
    right = [0] * 40 + [1] * 40
    card = card_of(plain_manifest(splits=rows), measured(right, right, ["bad", "good"]))
    assert card.limits == []
    assert "Limits" not in page(card).decode()


def test_card_of_weighted_rows_tells_their_worth() -> None:
    card = card_of(manifest_of(full_content()), None)
    train = card.data.splits["train"]
    # Weights that add up to 3, and their squares to 5: 9 / 5.
    assert (train.weight, train.effective_rows) == (3.0, 1.8)
    assert [(label.share, label.weight_share) for label in card.data.labels] == [(0.5, 1 / 3), (0.5, 2 / 3)]
    text = page(card).decode()
    assert "| effective sample size |" in text
    assert "| `good` | 1 | 1 | 1 | 50.0% | 66.7% |" in text


def test_card_of_slices_shows_the_worst_first() -> None:
    part: SliceScores = {
        "value": "| web |", "examples": 30, "accuracy": 0.5, "interval": [0.25, 0.75], "loss": 1.0, "weighted": None,
    }  # fmt: skip
    better = part | {"value": "", "accuracy": 0.75, "weighted": {"accuracy": 0.875, "interval": [0, 1], "loss": 1.0}}
    sliced: list[SlicedBy] = [
        {"by": "# source", "slices": [part, better], "others": {**part, "values": 4}},
        {"by": "text_length", "slices": [part], "others": None},
    ]
    card = card_of(plain_manifest(), {**PLAIN, "slices": sliced})
    text = page(card).decode()
    assert "### By \\# source" in text
    assert "| &#124; web &#124; | 30 | 0.5000 | (0.250–0.750) | – |\n| (empty) | 30 | 0.7500 |" in text
    assert "| all rarer values | 30 |" in text
    assert "### By text length" in text
    assert [(part.by, part.value, part.weighted) for part in card.slices] == [
        ("# source", "| web |", None), ("# source", "", 0.875), ("# source", None, None),
        ("text_length", "| web |", None),
    ]  # fmt: skip
    assert all(headings_and_content(text).values())


def test_card_of_several_labels_has_their_figures() -> None:
    # Two texts: a is found in both, of which one has it; b is found in none, of which both have it.
    metrics = metrics_of(
        [[0.9, 0.1], [0.8, 0.2]], [[True, True], [False, True]], scheme=LabelScheme(("a", "b"), several=True)
    )
    part = {"rows": 2, "labels": {"a": 1, "b": 2}}
    manifest = plain_manifest(
        labels=["a", "b"], record={"several_labels": True}, splits=dict.fromkeys(("train", "eval", "test"), part)
    )
    text = page(card_of(manifest, metrics)).decode()
    assert "it gives a text any number of 2 labels" in text
    # Of two texts none has all labels right: 0 to 0.658 (Wilson).
    assert "| subset accuracy | 0.0000 | (0.000–0.658) |" in text
    # Of two pairs that are predicted one is right, of three right ones one is found: F1 2 / 5.
    assert "| micro precision | 0.5000 |" in text
    assert "| micro F1 | 0.4000 |" in text
    assert "| `a` | 1 | 0.5000 (0.095–0.905) | 1.0000 (0.207–1.000) | 0.6667 | 1.0000 |" in text
    assert "| label | rows | precision | recall | F1 | average precision |" in text
    assert "commonest" not in text


# train rows of the labels        what the card says of them
RARE = [
    ([95, 5],                     None),
    ([96, 4],                     "1 of 2 labels has less than 5% of the train rows: 'b' (4.0%)."),
    ([988, 3, 1, 2, 1, 2, 1, 2],  "7 of 8 labels have less than 5% of the train rows: 'c' (0.1%), 'e' (0.1%), "
                                  "'g' (0.1%), 'd' (0.2%), 'f' (0.2%) and 2 more."),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "told"), RARE)
def test_card_names_rare_labels(rows: list[int], told: str | None) -> None:
    names = list("abcdefgh")[: len(rows)]
    part = {"rows": sum(rows), "labels": dict(zip(names, rows, strict=True))}
    card = card_of(plain_manifest(labels=names, splits=dict.fromkeys(("train", "eval", "test"), part)), None)
    assert [line for line in card.limits if "train rows" in line] == ([told] if told else [])


def test_card_keeps_the_datas_text_from_being_markup() -> None:
    names = [name for name in HOSTILE if name]
    part = {"rows": 40 * len(names), "labels": dict.fromkeys(names, 40)}
    advice = [{"setting": "input.label_map", "text": f"The label '{name}' is odd."} for name in names]
    manifest = plain_manifest(
        labels=names, advice=advice, splits=dict.fromkeys(("train", "eval", "test"), part),
        rejected={"rows": len(names), "by_reason": dict.fromkeys(names, 1)},
        quality={"findings": {name: {"count": 1, "of": 2, "share": 0.5} for name in names}},
    )  # fmt: skip
    right = list(range(len(names)))
    card = card_of(manifest, measured(right, right, names))
    text = page(card).decode()
    assert text == escape_controls(text)
    assert inline_types(text) <= {"text", "code_inline", "text_special"}
    assert headings_and_content(text).keys() == {
        "Model card", "Data", "Labels", "Vocabulary", "Rows that were not used", "Qualities of the texts", "Metrics",
        "Label by label", "Limits seen in the data", "Settings", "Versions",
    }  # fmt: skip
    rows = sum(token.type == "tr_open" for token in parsed(text))
    assert rows == sum(line.startswith("| ") for line in text.splitlines())  # no cell began another row
    values = json.loads(to_json(card))
    assert values["task"]["labels"] == names  # exactly


def test_card_is_the_same_each_time() -> None:
    manifest = manifest_of(full_content())
    first, second = (card_of(manifest, None) for _ in range(2))
    assert page(first) == page(second)
    assert to_json(first) == to_json(second)
    assert Card.model_validate_json(to_json(first)) == first
    assert list(json.loads(to_json(first))) == list(Card.model_fields)


DECIDED = Decision(settings=DecisionSettings(threshold={"good": "precision>=0.9"}, abstain_below=0.6),
                   thresholds=[None, 0.75], temperature=2.0)  # fmt: skip
FIGURES: DecisionFigures = {
    "rows": 40, "temperature": 2.0, "abstained": 0.125, "accuracy": 0.9375, "mean_cost": None,
    "mean_cost_of_most_probable": None,
    "per_label": {
        "bad": {"threshold": None, "precision": 0.875, "recall": 0.9, "decided": 0.75},
        "good": {"threshold": 0.75, "precision": None, "recall": 0.5, "decided": 0.0625},
    },
    "calibration": {"error_before": 0.25, "error_after": 0.0625, "loss_before": 0.75, "loss_after": 0.5},
}  # fmt: skip


def test_card_of_a_decision_tells_its_price() -> None:
    card = card_of(plain_manifest(), {**PLAIN, "decision": FIGURES})
    assert card.decision is None  # which model_card takes from the decision itself
    card = with_decision(card, DECIDED, metrics={**PLAIN, "decision": FIGURES})
    text = page(card).decode()
    assert "On the test split, 12.5% of the answers abstain; of the others 93.8% are right." in text
    assert "| `bad` | – | 0.8750 | 0.9000 | 75.0% |\n| `good` | 0.7500 | – | 0.5000 | 6.2% |" in text
    assert "divides the network's logits by 2." in text
    assert "| expected calibration error | 0.2500 | 0.0625 |" in text
    assert '| `decision.threshold` | `{"good": "precision>=0.9"}` | `argmax` |' in text
    assert all(headings_and_content(text).values())
    assert Card.model_validate_json(to_json(card)) == card


def test_card_of_a_calibrated_model_says_that_class_weights_are_taken_out() -> None:
    balanced = DECIDED.model_copy(update={"prior_weights": [0.5, 50.0]})
    card = with_decision(card_of(plain_manifest(), PLAIN), balanced, metrics={**PLAIN, "decision": FIGURES})
    assert card.decision is not None
    assert card.decision.class_weights_taken_out
    text = page(card).decode()
    assert "divides the network's logits by 2, and takes the class weights of the training out again." in text


def test_card_of_a_calibrated_model_has_no_empty_thresholds() -> None:
    settings = DecisionSettings(calibrate="temperature")
    no_rules: DecisionFigures = {**FIGURES, "abstained": 0.0}
    whole: Metrics = {**PLAIN, "decision": no_rules}
    card = with_decision(card_of(plain_manifest(), PLAIN), Decision(settings=settings, temperature=2.0), metrics=whole)
    text = page(card).decode()
    assert "### Calibration" in text
    assert "takes the class weights" not in text
    assert "| label | threshold |" not in text
    assert all(headings_and_content(text).values())


def test_card_of_another_decision_keeps_no_slices_of_the_earlier_one() -> None:
    sliced: list[SlicedBy] = [{"by": "source", "slices": [], "others": {
        "value": "", "values": 2, "examples": 9, "accuracy": 0.5, "interval": [0.2, 0.8], "loss": 1.0, "weighted": None,
    }}]  # fmt: skip
    card = card_of(plain_manifest(), {**PLAIN, "slices": sliced})
    assert len(card.slices) == 1
    again = with_decision(card, DECIDED, metrics=None)
    assert (again.slices, again.measured) == ([], None)
    assert again.decision is not None
    assert [label.threshold for label in again.decision.labels] == [None, 0.75]
    assert "On the test split" not in page(again).decode()
