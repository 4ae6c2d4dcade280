"""Trainings as training.html shows them, made of scores that a test writes down: no model is trained."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.config.settings import Config
from pipeline.contract import SPLITS
from pipeline.records_folder.label_scheme import LabelScheme
from tests.support.manifests import manifest_of
from trainer.data.records_folder import RecordsFolder
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.held_out import LabelledLogits
from trainer.decision.scores import scores_of
from trainer.evaluation.decision_figures import decision_figures
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import SlicedBy
from trainer.evaluation.scoring import SplitScores
from trainer.training.history import EpochRecord, History
from trainer.training_report.page import PageContent


def content_of(
    scores: npt.NDArray[np.floating],
    labels: npt.NDArray[Any],
    scheme: LabelScheme,
    *,
    weights: npt.NDArray[np.float64] | None = None,
    slices: tuple[SlicedBy, ...] = (),
    decision: Decision = NO_DECISION,
) -> PageContent:
    """What the page is made of; the manifest counts the rows of each split as the held-out split is.

    scores: of the network; those of the model are what the decision makes of them.
    """
    logits = np.log(scores + 1e-9)
    if scheme.several:
        logits = logits - np.log(1 - scores + 1e-9)
    elif scheme.outputs == 1:
        logits = logits[:, 1:] - logits[:, :1]
    logits = logits.astype(np.float32)
    if decision.changes_scores():
        scores = scores_of(logits, decision, scheme)
    metrics = metrics_of(scores, labels, scheme=scheme, weights=weights, decision=decision)
    figures = decision_figures(LabelledLogits(logits, labels, weights, len(labels)), decision, scheme)
    has = labels.astype(bool) if scheme.several else labels[:, np.newaxis] == np.arange(len(scheme.names))
    shares = np.ones(len(labels)) if weights is None else weights
    part: dict[str, Any] = {
        "rows": len(labels),
        "labels": dict(zip(scheme.names, has.sum(axis=0).tolist(), strict=True)),
        "no_labels": int((~has.any(axis=1)).sum()),
    }
    if weights is not None:
        of_labels = dict(zip(scheme.names, (has * shares[:, np.newaxis]).sum(axis=0).tolist(), strict=True))
        part["weights"] = {"total": float(shares.sum()), "squares": float((shares**2).sum()), "labels": of_labels}
    manifest = manifest_of({
        "format_version": 1,
        "config": {"vocabulary": {"top_words": 40}, "sequence": {"max_length": 4}, "output": {}},
        "labels": list(scheme.names),
        "record": {"several_labels": scheme.several, "label_kind": scheme.kind, "weighted": weights is not None},
        "vocabulary": {"size": 3, "tokens": 40},
        "splits": dict.fromkeys(SPLITS, part),
    })  # fmt: skip
    epochs = [
        EpochRecord(epoch=epoch, steps=10 * epoch, learning_rate=0.001, loss=1 / epoch, accuracy=0.5, eval_loss=0.5,
                    eval_accuracy=0.6, eval_auc=None, seconds=1.5)
        for epoch in (1, 2)
    ]  # fmt: skip
    vectors = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    return PageContent(
        config=Config(),
        records=RecordsFolder("records", "0" * 64, manifest),
        history=History(epochs=epochs),
        best_epoch=1,
        scored=SplitScores(
            "test",
            logits,
            scores.astype(np.float32),
            labels,
            [],
            {**metrics, "slices": list(slices), "decision": figures},
            np.ones(len(labels), np.int64),
            weights,
        ),
        words={1: "the", 2: "good", 3: "great"},
        before=vectors[0],
        after=vectors[1],
        decision=decision,
    )
