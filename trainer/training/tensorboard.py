"""A training's history -> history.csv and TensorBoard's event files.

Both are written from the history that the checkpoint holds, so a resumed run has no step in them twice: the CSV as a
whole after each epoch, the event files anew when a run starts or is resumed.
"""

import csv
import io
from types import TracebackType

import tensorflow as tf

from trainer import files
from trainer.training.history import CurvePoint, EpochRecord, History


def history_csv(history: History) -> bytes:
    """A header and a line an epoch; an empty cell where there is no value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(EpochRecord.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(record.model_dump() for record in history.epochs)
    return text.getvalue().encode()


class TensorBoardLog:
    """The event files of a run, below `folder`/train and `folder`/eval; those of an earlier run are replaced."""

    def __init__(self, folder: str, history: History) -> None:
        """Writes what the history holds; `add_epoch` and `add_point` go on from there."""
        self._writers = {}
        for part in ("train", "eval"):
            files.remove(files.join(folder, part))
            self._writers[part] = tf.summary.create_file_writer(files.join(folder, part))
        for point in history.curve:
            self.add_point(point)
        for record in history.epochs:
            self.add_epoch(record)

    def __enter__(self) -> "TensorBoardLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def add_point(self, point: CurvePoint) -> None:
        """A point of the curves within the epochs."""
        self._write("train", {"batch_loss": point.loss, "learning_rate": point.learning_rate}, step=point.step)

    def add_epoch(self, record: EpochRecord) -> None:
        """The end of an epoch, at the step where it ended."""
        self._write("train", {"loss": record.loss, "accuracy": record.accuracy}, step=record.steps)
        evaluated = {"loss": record.eval_loss, "accuracy": record.eval_accuracy, "auc": record.eval_auc}
        self._write("eval", evaluated, step=record.steps)
        for writer in self._writers.values():
            writer.flush()

    def _write(self, part: str, values: dict[str, float | None], *, step: int) -> None:
        with self._writers[part].as_default(step=step):
            for name, value in values.items():
                if value is not None:
                    tf.summary.scalar(name, value)
