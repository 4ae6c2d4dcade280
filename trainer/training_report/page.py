"""A training with its answers -> training.html, all sections in one page."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.config.settings import Config
from pipeline.html import Section, document
from pipeline.html.elements import advice, details, settings_table, text_of_data, tiles, with_note
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.scoring import SplitScores
from trainer.model.neighbours import Floats
from trainer.training.history import History
from trainer.training_report.calibration import Bin, calibration, expected_calibration_error, reliability
from trainer.training_report.confusion import confusion, per_label
from trainer.training_report.curves import curves
from trainer.training_report.mistakes import mistakes
from trainer.training_report.neighbours import neighbours
from trainer.training_report.verdict import commonest_share, verdict

_FINE = "Nothing about this training looks out of place."


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The content of the page.

    scored: the answers to the held-out split, None if there is none; words: id -> word, the most frequent first.
    before, after: the embedding before and after training, float32 [ids, dim]; before may have the first rows only.
    """

    config: Config
    records: RecordsFolder
    history: History
    best_epoch: int
    scored: SplitScores | None
    words: Mapping[int, str]
    before: Floats
    after: Floats


def render(trained: Trained) -> bytes:
    """The page."""
    scored = trained.scored
    bins = reliability(scored.scores, scored.labels) if scored else []
    metrics = scored.metrics if scored else None
    sentences = verdict(trained.history.epochs, metrics, best_epoch=trained.best_epoch, bins=bins)
    sections = [
        Section("Curves", curves(trained.history, best_epoch=trained.best_epoch)),
        *(_judged(trained, scored, bins) if scored else []),
        Section("Nearest words", _neighbours(trained)),
        Section("Settings", _settings(trained.config)),
    ]
    head = Markup("<h1>What the model has learnt</h1>{}{}").format(_lead(trained), _tiles(trained, bins))
    return document(title="Training report", head=head + advice(sentences, otherwise=_FINE), sections=sections)


def _neighbours(trained: Trained) -> Markup:
    is_random = trained.config.training.start_from is None
    return neighbours(trained.before, trained.after, trained.words, is_random=is_random)


def _judged(trained: Trained, scored: SplitScores, bins: list[Bin]) -> list[Section]:
    config = trained.records.manifest.config
    wrong = mistakes(
        scored.mistakes,
        labels=trained.records.labels,
        tokens=trained.words,
        oov=config.vocabulary.oov,
        sequence=config.sequence,
    )
    return [
        Section("What is taken for what", confusion(scored.metrics)),
        Section("Label by label", per_label(scored.metrics)),
        Section("Calibration", calibration(bins, classes=len(trained.records.labels))),
        Section("The most confident mistakes", wrong),
    ]


def _lead(trained: Trained) -> Markup:
    splits = trained.records.splits
    judged = "There were no held-out texts to judge it by."
    if trained.scored is not None:
        rows = trained.scored.metrics["examples"]
        split = trained.scored.split
        judged = f"All figures below are of the {rows:,} texts of the {split} split, which it did not learn from."
    return Markup("<p>Trained on {:,} texts with {:,} labels. {}</p>").format(
        splits["train"].rows, len(trained.records.labels), judged
    )


def _tiles(trained: Trained, bins: list[Bin]) -> Markup:
    figures: list[tuple[str, Markup]] = []
    if trained.scored is not None:
        metrics = trained.scored.metrics
        label, share = commonest_share(metrics)
        always = Markup("always ‘{}’: {:.3f}").format(text_of_data(label, longest=20), share)
        figures.append(("accuracy", with_note(f"{metrics['accuracy']:.3f}", always)))
        if metrics["auc"] is not None:
            figures.append(("AUC", with_note(f"{metrics['auc']:.3f}", "guessing: 0.500")))
        figures.append(("loss", with_note(f"{metrics['loss']:.3f}", "cross-entropy, nats")))
        figures.append(("calibration error", with_note(f"{expected_calibration_error(bins):.3f}", "0 is best")))
    seconds = sum(record.seconds for record in trained.history.epochs)
    epochs = len(trained.history.epochs)
    figures.append(("best epoch", with_note(f"{trained.best_epoch} of {epochs}", f"{_time(seconds)} in all")))
    return tiles(figures)


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
    sections = {"model": config.model.model_dump(), "training": config.training.model_dump()}
    return details("what the model was made and trained with", settings_table(sections))
