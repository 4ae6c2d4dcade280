"""Records, settings and metrics -> the model card, and its JSON."""

from collections.abc import Mapping
from typing import Any, Final

from pipeline.config.settings import Config
from pipeline.contract import Split
from pipeline.records_folder.manifest import Manifest
from pipeline.support.printable import json_text
from trainer.decision.decision import NO_DECISION, Decision
from trainer.evaluation.metrics import Metrics
from trainer.model_card.data import data_of
from trainer.model_card.decided import decision_of
from trainer.model_card.limits import limits_of
from trainer.model_card.measured import measured_of, slices_of
from trainer.model_card.schema import Card, GivenVectors, SelfTraining, Task, Training
from trainer.word_vectors.coverage import VectorsUsed

# What the card tells of the section input: what the texts and labels are. Paths mean nothing where a model is used.
_INPUT: Final = (
    "text_column", "label_column", "label_map", "weight_column", "label_kind", "several_labels", "label_separator",
    "no_labels",
)  # fmt: skip


def model_card(
    config: Config,
    manifest: Manifest,
    *,
    manifest_sha256: str,
    epochs: int,
    best_epoch: int,
    metrics: Metrics | None,
    versions: Mapping[str, str],
    decision: Decision = NO_DECISION,
    vectors: VectorsUsed | None = None,
    self_training: SelfTraining | None = None,
) -> Card:
    """The card of a model that was trained on the records of a manifest.

    config: of the training; the sections that decide on the records are taken from the manifest. metrics: of the test
    split, None if it has no rows. decision: how scores become labels, by which they were measured.
    vectors: what the embedding started from. self_training: the texts that an earlier model labelled.
    """
    split: Split = "test"
    form = manifest.record
    return Card(
        task=Task(
            labels=manifest.labels,
            several_labels=form.several_labels,
            label_kind=form.label_kind,
            weighted=form.weighted,
        ),
        data=data_of(manifest, sha256=manifest_sha256),
        training=Training(epochs=epochs, best_epoch=best_epoch, vectors=_vectors(vectors), self_training=self_training),
        measured=None if metrics is None else measured_of(metrics, split=split),
        decision=decision_of(decision, manifest.labels, figures=metrics and metrics["decision"]),
        slices=[] if metrics is None else slices_of(metrics),
        limits=limits_of(manifest, measured=None if metrics is None else split),
        settings=_settings(config, manifest),
        versions=dict(sorted(versions.items())),
    )


def with_decision(card: Card, decision: Decision, *, metrics: Metrics | None) -> Card:
    """The card of the same model with another decision. metrics: of the test split by it, None if there are none.

    Slices were measured by the earlier decision and are left out, unless the metrics have some.
    """
    return card.model_copy(
        update={
            "settings": {**card.settings, "decision": decision.settings.model_dump(mode="json")},
            "measured": None if metrics is None else measured_of(metrics, split="test"),
            "decision": decision_of(decision, card.task.labels, figures=metrics and metrics["decision"]),
            "slices": [] if metrics is None else slices_of(metrics),
        }
    )


def to_json(card: Card) -> bytes:
    """The content of MODEL_CARD.json: UTF-8, keys in the order of the schema."""
    return (json_text(card.model_dump(mode="json"), indent=1) + "\n").encode()


def _vectors(used: VectorsUsed | None) -> GivenVectors | None:
    if used is None:
        return None
    return GivenVectors(
        file=used.file,
        sha256=used.sha256,
        format=used.format,
        vectors=used.vectors,
        dim=used.dim,
        words=used.word_share,
        tokens=used.token_share,
    )


def _settings(config: Config, manifest: Manifest) -> dict[str, dict[str, Any]]:
    stored = manifest.config
    records = stored.model_dump(mode="json", include={"split", "text", "vocabulary", "sequence"})
    training = config.model_dump(mode="json", include={"embedding", "model", "training", "metrics", "decision"})
    del training["training"]["path"]
    return {"input": {key: stored.input[key] for key in _INPUT if key in stored.input}, **records, **training}
