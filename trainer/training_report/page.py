"""A training with its answers -> training.html, all sections in one page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.config.decision_settings import DecisionSettings
from pipeline.config.settings import Config
from pipeline.html import Section, document
from pipeline.html.elements import advice, details, settings_table, text_of_data, tiles, with_note
from pipeline.support.terminal import percent
from trainer.data.records_folder import RecordsFolder
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.price import price_of
from trainer.decision.scores import scores_of
from trainer.evaluation.calibration import Bin, expected_calibration_error
from trainer.evaluation.measure import reliability_of
from trainer.evaluation.metrics import Metrics, accuracy_of
from trainer.evaluation.scoring import SplitScores
from trainer.evaluation.sides import side_figures
from trainer.evaluation.word_counts_line import word_counts_line
from trainer.model.neighbours import Floats
from trainer.ngrams.kinds import NgramKinds
from trainer.training.history import History
from trainer.training.labelled_texts import Labelled
from trainer.training_report.calibration import calibration
from trainer.training_report.confusion import confusion, per_label
from trainer.training_report.curves import curves
from trainer.training_report.decision import decision
from trainer.training_report.given_vectors import given_vectors
from trainer.training_report.mistakes import mistakes
from trainer.training_report.neighbours import neighbours
from trainer.training_report.ordinal import ordinal
from trainer.training_report.several_labels import several_labels
from trainer.training_report.sides import sides
from trainer.training_report.slices import slices
from trainer.training_report.verdict import commonest_share, verdict
from trainer.training_report.weights import weights
from trainer.word_vectors.coverage import VectorsUsed

_FINE = "Nothing about this training looks out of place."


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """What the page is made of.

    scored: the answers to the held-out split, None if there is none; words: id -> word, the most frequent first.
    before, after: the embedding before and after training, float32 [ids, dim]; before may have the first rows only.
    decision: how the exported model's scores become labels. vectors: what the embedding started from, with
    `embedding.from`. labelled: what self-training did.
    """

    config: Config
    records: RecordsFolder
    history: History
    best_epoch: int
    scored: SplitScores | None
    words: Mapping[int, str]
    before: Floats
    after: Floats
    decision: Decision = NO_DECISION
    vectors: VectorsUsed | None = None
    labelled: Labelled | None = None


def render(content: PageContent) -> bytes:
    """training.html, UTF-8."""
    scored = content.scored
    bins = reliability_of(scored.scores, scored.labels, scheme=content.records.scheme) if scored else []
    metrics = scored.metrics if scored else None
    sentences = verdict(
        content.history.epochs,
        metrics,
        best_epoch=content.best_epoch,
        bins=bins,
        train=content.records.splits["train"],
        has_class_weights=content.config.training.class_weight != "none",
        epochs_setting="training.self_training" if content.labelled else "training.epochs",
    )
    sections = [
        Section("Curves", curves(content.history, best_epoch=content.best_epoch)),
        *(_sections_of_scores(content, scored, bins) if scored else []),
        *([Section("Word vectors", given_vectors(content.vectors))] if content.vectors else []),
        Section("Nearest words", _neighbours(content)),
        Section("Settings", _settings(content.config)),
    ]
    head = Markup("<h1>What the model has learnt</h1>{}{}").format(_lead(content), _tiles(content, bins))
    return document(title="Training report", head=head + advice(sentences, otherwise=_FINE), sections=sections)


def _neighbours(content: PageContent) -> Markup:
    config = content.config
    start = "Training began with a random table, and so with random neighbours."
    if config.training.start_from is not None:
        start = "Training began with the table of another model."
    elif content.vectors is not None:
        start = f"Training began with the vectors of {content.vectors.file}."
    if config.embedding.trainable is False:
        start += " They were not trained (embedding.trainable is false), so they have not moved."
    return neighbours(content.before, content.after, content.words, start=start)


def _sections_of_scores(content: PageContent, scored: SplitScores, bins: list[Bin]) -> list[Section]:
    config = content.records.manifest.config
    wrong = mistakes(
        scored.mistakes,
        labels=content.records.labels,
        tokens=content.words,
        oov=config.vocabulary.oov,
        sequence=config.sequence,
        several=content.records.scheme.several,
    )
    metrics, scheme = scored.metrics, content.records.scheme
    of_labels = (
        [Section("Label by label", several_labels(metrics))]
        if scheme.several
        else [Section("What is taken for what", confusion(metrics)), Section("Label by label", per_label(metrics))]
    )
    return [
        *of_labels,
        *_sections_by_settings(content, scored),
        *_decision(content, scored),
        Section("Calibration", _calibration(content, scored, bins)),
        Section("The most confident mistakes", wrong),
    ]


def _decision(content: PageContent, scored: SplitScores) -> Iterator[Section]:
    """What the rules of the decision give and cost, if there are some."""
    chosen, figures, scheme = content.decision, scored.metrics["decision"], content.records.scheme
    has_rules = chosen.thresholds is not None or chosen.costs is not None or chosen.can_abstain(scheme)
    if figures is None or not has_rules:
        return
    settings = DecisionSettings(calibrate=chosen.settings.calibrate)
    plain = chosen.model_copy(update={"settings": settings, "thresholds": None, "costs": None})
    without = price_of(scored.labelled_logits, plain, scheme)
    assert without is not None
    kind = {"several": scheme.several, "weighted": scored.weights is not None}
    yield Section("Decisions", decision(chosen, figures, without=without, split=scored.split, **kind))


def _calibration(content: PageContent, scored: SplitScores, bins: list[Bin]) -> Markup:
    """With the plot of the network's own scores, if the decision changes them."""
    scheme, before = content.records.scheme, None
    if content.decision.changes_scores():
        own = scores_of(scored.logits, NO_DECISION, scheme)
        before = reliability_of(own, scored.labels, scheme=scheme)
    return calibration(
        bins,
        classes=len(scheme.names),
        several=scheme.several,
        before=before,
        temperature=content.decision.temperature,
        has_class_weights=content.decision.prior_weights is not None,
    )


def _sections_by_settings(content: PageContent, scored: SplitScores) -> Iterator[Section]:
    """What only some settings of labels, weights and slices bring about."""
    metrics, scheme, train = scored.metrics, content.records.scheme, content.records.splits["train"]
    if figures := side_figures(scored, scheme):
        own = sides(figures, kinds=NgramKinds.of(content.config.model), split=scored.split)
        yield Section("LSTM and n-grams", own)
    if (of_ordinal := metrics.get("ordinal")) is not None:
        yield Section("How far off", ordinal(metrics, of_ordinal, values=scheme.values()))
    if metrics["weighted"] is not None:
        rows = metrics["examples"]
        yield Section("With weights", weights(metrics, rows=rows, train=train.weights, train_rows=train.rows))
    if metrics["slices"]:
        of_all = accuracy_of(metrics)
        yield Section("Slices", slices(metrics["slices"], accuracy=of_all, several=scheme.several))


def _lead(content: PageContent) -> Markup:
    splits = content.records.splits
    held_out = "There were no held-out texts to judge it by."
    if content.scored is not None:
        rows = content.scored.metrics["examples"]
        split = content.scored.split
        held_out = f"All figures below are of the {rows:,} texts of the {split} split, which it did not learn from."
    lead = Markup("<p>Trained on {:,} texts with {:,} labels. {}{}</p>").format(
        splits["train"].rows, len(content.records.labels), _self_training(content.labelled), held_out
    )
    line = None
    if content.scored is not None:
        line = word_counts_line(content.scored.metrics, has_ngrams=content.config.model.ngrams > 0)
    return lead if line is None else lead + Markup("<p>{}</p>").format(line)


def _self_training(labelled: Labelled | None) -> str:
    if labelled is None:
        return ""
    return (
        f"A first model gave labels to {labelled.texts:,} more texts, with a mean weight of "
        f"{labelled.mean_weight:.2f}; the training below learnt from all. "
    )


def _tiles(content: PageContent, bins: list[Bin]) -> Markup:
    figures: list[tuple[str, Markup]] = []
    if content.scored is not None:
        figures += _figures_of(content.scored.metrics, bins)
    seconds = sum(record.seconds for record in content.history.epochs)
    epochs = len(content.history.epochs)
    figures.append(("best epoch", with_note(f"{content.best_epoch} of {epochs}", f"{_time(seconds)} in all")))
    return tiles(figures)


def _figures_of(metrics: Metrics, bins: list[Bin]) -> Iterator[tuple[str, Markup]]:
    if "subset_accuracy" in metrics:
        yield "subset accuracy", with_note(f"{metrics['subset_accuracy']:.3f}", "all labels of a text right")
        yield "micro F1", with_note(f"{metrics['micro']['f1']:.3f}", f"macro: {metrics['macro']['f1']:.3f}")
    else:
        label, share = commonest_share(metrics)
        always = Markup("always ‘{}’: {:.3f}").format(text_of_data(label, longest=20), share)
        yield "accuracy", with_note(f"{metrics['accuracy']:.3f}", always)
        if metrics["auc"] is not None:
            yield "AUC", with_note(f"{metrics['auc']:.3f}", "guessing: 0.500")
    if (of_ordinal := metrics.get("ordinal")) is not None:
        kappa = of_ordinal["quadratic_weighted_kappa"]
        note = "" if kappa is None else f"kappa: {kappa:.3f}"
        yield "mean absolute error", with_note(f"{of_ordinal['mean_absolute_error']:.3f}", note)
    yield "loss", with_note(f"{metrics['loss']:.3f}", "cross-entropy, nats")
    yield "calibration error", with_note(f"{expected_calibration_error(bins):.3f}", "0 is best")
    if (decided := metrics["decision"]) is not None and decided["abstained"]:
        right = "" if decided["accuracy"] is None else f"of the others right: {decided['accuracy']:.3f}"
        yield "abstains", with_note(percent(decided["abstained"]), right)
    if (weighted := metrics["weighted"]) is not None:
        yield (
            "with weights",
            with_note(f"{accuracy_of(weighted):.3f}", f"of {metrics['effective_examples']:,.0f} texts"),
        )


def _time(seconds: float) -> str:
    """
    >>> _time(9.7), _time(75.2), _time(7300)
    ('10 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _settings(config: Config) -> Markup:
    sections = {name: getattr(config, name).model_dump() for name in ("embedding", "model", "training")}
    return details("what the model was made and trained with", settings_table(sections))
