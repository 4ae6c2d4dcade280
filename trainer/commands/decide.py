"""An exported model + other settings of decision -> the next version with other decisions, without a training.

The export keeps the logits and labels of its eval and test rows (`trainer.decision.held_out`). Temperature and
thresholds are chosen on the one, their price is measured on the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.config.decision_settings import DecisionSettings
from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer import files
from trainer.decision import held_out
from trainer.decision.checks import check_decision
from trainer.decision.choose import choose_decision
from trainer.decision.decision import Decision
from trainer.decision.held_out import HELD_OUT_FILE, HeldOut, LabelledLogits
from trainer.decision.price import Price, price_of
from trainer.decision.scores import scores_of
from trainer.evaluation.decision_figures import decision_figures
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import DecisionFigures, Metrics
from trainer.export.export import ExportedVersion, export_again
from trainer.savedmodel import versions
from trainer.savedmodel.loading import ExportedModel, version_folder
from trainer.savedmodel.model_info import ModelInfo, read_info, refuse_damages

# The most that held_out.npz may have: two splits of 4 million logits each, and their labels.
_MOST_BYTES: Final = 256 << 20
_PREFIX: Final = "decision."
_EXPORT_PATH: Final = "export.path"


@dataclass(frozen=True)
class DecideOutcome:
    """What `trainer decide` found and made.

    figures: the price on the test rows; None without test rows, or if nothing is decided. before: the price of the
    model's own decision. test_rows: of the whole split. notes: what a person should know, a line each. exported: the
    new version; None if none was asked for.
    """

    labels: list[str]
    decision: Decision
    figures: DecisionFigures | None
    before: Price | None
    test_rows: int
    notes: list[str]
    exported: ExportedVersion | None

    @property
    def title(self) -> str:
        """What the figures are of."""
        some = self.figures is not None and self.figures["rows"] < self.test_rows
        return f"test split, of {self.test_rows:,} rows" if some else "test split"

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "model": None if self.exported is None else self.exported.path,
            "labels": self.labels,
            "decision": self.decision.model_dump(),
            "price": self.figures,
            "price_before": self.before,
            "notes": self.notes,
        }


def decide_again(path: str, overrides: Mapping[str, str], *, publish: bool = True) -> DecideOutcome:
    """Chooses a decision for the model at `path` and publishes it as the next version beside it.

    overrides: decision.* and export.path, as the command line gives them. Settings of decision that are not given are
    those of the model. publish: False chooses and measures only.

    Raises:
      UserError: there is no model, it keeps no held-out rows, the settings do not fit its labels, or no threshold
        fulfils a rule.
      ExportError: the new version gives other answers in a fresh process; nothing is published.
    """
    folder = version_folder(path)
    info = read_info(folder, setting="--model")
    settings = new_settings(info.decision.settings, overrides)
    target = _target(path, folder, overrides) if publish else ""
    rows = _read_held_out(folder, info)
    check_decision(settings, info.scheme, eval_rows=len(rows.eval.labels))
    choice = choose_decision(settings, info.scheme, rows.eval, class_weights=rows.class_weights)
    if choice.unmet:
        raise UserError(f"{choice.unmet[0]}; ask for less, nothing is published")
    figures = decision_figures(rows.test, choice.decision, info.scheme)
    exported = None
    if publish:
        versions.check_writable(target)
        metrics = _metrics(rows.test, choice.decision, info.scheme, figures)
        exported = export_again(ExportedModel(folder), choice.decision, path=target, metrics=metrics)
    before = price_of(rows.test, info.decision, info.scheme)
    return DecideOutcome(info.labels, choice.decision, figures, before, rows.test.rows, choice.notes, exported)


def new_settings(before: DecisionSettings, overrides: Mapping[str, str]) -> DecisionSettings:
    """The model's settings of decision with those that are given. A threshold takes the place of costs, and costs that
    of thresholds.

    Raises:
      UserError: a setting is unknown, of another section, or wrong; or none is given.

    >>> new_settings(DecisionSettings(calibrate="temperature"), {"decision.threshold": "0.8"}).calibrate
    'temperature'
    >>> new_settings(DecisionSettings(threshold=0.8), {"decision.costs": "{spam: {ham: 3}}"}).threshold
    'argmax'
    """
    for name in overrides:
        if not name.startswith(_PREFIX) and name != _EXPORT_PATH:
            raise UserError(f"--{name}: only settings of decision, and {_EXPORT_PATH}, can be given here")
    given = load(None, overrides).decision
    names = [name.removeprefix(_PREFIX) for name in overrides if name.startswith(_PREFIX)]
    if not names:
        raise UserError(
            "decide: no setting of decision is given; give --decision.threshold, --decision.costs, "
            "--decision.abstain_below or --decision.calibrate"
        )
    values: dict[str, Any] = {**before.model_dump(), **{name: getattr(given, name) for name in names}}
    if "costs" not in names and given.threshold != "argmax":
        values["costs"] = None
    if "threshold" not in names and given.costs is not None:
        values["threshold"] = "argmax"
    return DecisionSettings.model_validate(values)


def _target(path: str, folder: str, overrides: Mapping[str, str]) -> str:
    """Where the new version goes: export.path if it is given, otherwise the folder that the model's version is in."""
    if _EXPORT_PATH in overrides:
        target = load(None, {_EXPORT_PATH: overrides[_EXPORT_PATH]}).export.path
        files.check_reachable(target, setting=_EXPORT_PATH)
        return target
    if folder != path:
        return path
    version = Path(folder).absolute() if files.is_local(folder) else Path(folder)
    if not version.name.isdecimal():
        raise UserError(
            f"--model: {path} is not a numbered version in an export.path, so it is not known where the next version "
            f"belongs; give --{_EXPORT_PATH}"
        )
    return str(version.parent) if files.is_local(folder) else folder.rstrip("/").rpartition("/")[0]


def _read_held_out(folder: str, info: ModelInfo) -> HeldOut:
    path = files.join(folder, HELD_OUT_FILE)
    again = "run its training again with --resume, which exports the model once more"
    if not files.exists(path):
        raise UserError(
            f"--model: {folder} holds no {HELD_OUT_FILE}, the scores that thresholds are chosen on: it was taken out, "
            f"or an earlier version of this program exported the model; {again}"
        )
    refuse_damages(folder, info, setting="--model", also=[HELD_OUT_FILE])
    try:
        return held_out.loads(files.read(path, most_bytes=_MOST_BYTES), info.scheme)
    except (OSError, ValueError) as error:
        raise UserError(f"--model: {path} can't be read ({files.reason_of(error)}); {again}") from error


def _metrics(
    rows: LabelledLogits, decision: Decision, scheme: LabelScheme, figures: DecisionFigures | None
) -> Metrics | None:
    """The metrics of the new version; without slices, whose columns the export does not keep."""
    if not len(rows.labels):
        return None
    scores = scores_of(rows.logits, decision, scheme)
    metrics = metrics_of(scores, rows.labels, scheme=scheme, weights=rows.weights, decision=decision)
    metrics["decision"] = figures
    return metrics
