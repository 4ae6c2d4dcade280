"""Settings -> a trained and exported model with its report: the steps of `python -m trainer train`, without output."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from pipeline.config.settings import Config
from pipeline.files import lock
from trainer import files
from trainer.data.checked_files import checked_copies
from trainer.data.records_folder import open_records_folder
from trainer.decision.checks import check_decision
from trainer.devices.choose import open_devices
from trainer.evaluation.metrics import Metrics
from trainer.export.export import ExportedVersion, export
from trainer.export.text_to_ids import load_text_to_ids
from trainer.savedmodel import versions
from trainer.training.choose import choose
from trainer.training.fit import score_held_out, train
from trainer.training.follow import follow
from trainer.training.progress import Progress, ignore_progress
from trainer.training.track import track_result
from trainer.training_report import write_page

# What the message to a second training in the same folder calls this one.
_COMMAND: Final = "trainer train"


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training leaves.

    best_epoch: counted from 1, the epoch whose weights are exported.
    metrics: of the test split, None if it has no rows.
    exported: the published version.
    page: the path of training.html.
    """

    best_epoch: int
    metrics: Metrics | None
    exported: ExportedVersion
    page: str


def train_and_export(
    config: Config, *, resume: bool = False, show_progress: AbstractContextManager[Progress] | None = None
) -> TrainingOutcome | None:
    """Trains on the records of output.path, writes training.path, and publishes a version in export.path.

    None: this process is a worker that is not the chief; the chief writes.

    resume: continue the training in training.path. show_progress: gives what receives the events of the training.

    training.path is locked from the beginning to the end, because the export reads the weights from it. export.path is
    not: a version gets its number by a rename that fails if another training has it, so any number may export there.
    An object store has no such rename; there, one training at a time may export.

    Raises:
      UserError: a path, a setting or the records can't be used; another process trains in training.path.
      ExportError: the exported model gives other answers in a fresh process; nothing is published.
    """
    for section in ("output", "training", "export"):
        files.check_reachable(getattr(config, section).path, setting=f"{section}.path")
    devices = open_devices(config.training)
    if not devices.is_chief:
        with checked_copies(open_records_folder(config.output.path)) as copied:
            follow(config, copied, devices)
        return None
    with _locked(config.training.path):
        records = open_records_folder(config.output.path)
        check_decision(config.decision, records.scheme, eval_rows=records.splits["eval"].rows)
        versions.check_writable(config.export.path)
        with checked_copies(records) as copied:
            text_to_ids = load_text_to_ids(copied)  # it is needed last; if it can't be had, nothing else is of use
            with show_progress or nullcontext(ignore_progress) as progress:
                trained = train(config, copied, resume=resume, devices=devices, progress=progress)
            choice = choose(trained, config)
            scores = score_held_out(trained, config.training, choice.decision, slices=config.metrics)
            metrics = scores.metrics if scores and scores.split == "test" else None
            if metrics is not None:
                track_result(config.training, metrics, run=trained.run)
            exported = export(
                trained,
                config,
                metrics=metrics,
                decision=choice.decision,
                held_out=choice.held_out(scores),
                text_to_ids=text_to_ids,
            )
            page = write_page(trained, config, scored=scores, decision=choice.decision)
        return TrainingOutcome(trained.best_epoch, metrics, exported, page)


def _locked(path: str) -> AbstractContextManager[object]:
    """The lock of training.path. An object store has none; there, weights of another training are recognized."""
    return lock.hold(path, setting="training.path", command=_COMMAND) if files.is_local(path) else nullcontext()
