"""A training's history -> TensorBoard's event files.

The checkpoint holds the history. A training that is started or resumed writes the event files anew from it, so no step
is in them twice.
"""

import tensorflow as tf

from trainer import files
from trainer.training.history import CurvePoint, EpochRecord, History


class TensorBoardLog:
    """The event files of a training in `folder`/train and `folder`/eval; those of an earlier training are replaced."""

    def __init__(self, folder: str, history: History) -> None:
        """Writes the history so far; `add_epoch` and `add_point` continue it.

        All of them raise an OSError or a tf.errors.OpError if a file can't be written.
        """
        self._writers = {}
        for part in ("train", "eval"):
            files.remove(files.join(folder, part))
            self._writers[part] = tf.summary.create_file_writer(files.join(folder, part))
        for point in history.curve:
            self.add_point(point)
        for record in history.epochs:
            self.add_epoch(record)

    def close(self, status: str) -> None:
        """Closes the files; they hold no status."""
        del status
        for writer in self._writers.values():
            writer.close()

    def add_point(self, point: CurvePoint) -> None:
        """Adds a point of the loss curve."""
        self._write("train", {"batch_loss": point.loss, "learning_rate": point.learning_rate}, step=point.step)

    def add_epoch(self, record: EpochRecord) -> None:
        """Adds the end of an epoch, at its last step."""
        self._write("train", {"loss": record.loss, "accuracy": record.accuracy}, step=record.steps)
        evaluation = {"loss": record.eval_loss, "accuracy": record.eval_accuracy, "auc": record.eval_auc}
        self._write("eval", evaluation, step=record.steps)
        for writer in self._writers.values():
            writer.flush()

    def _write(self, part: str, values: dict[str, float | None], *, step: int) -> None:
        with self._writers[part].as_default(step=step):
            for name, value in values.items():
                if value is not None:
                    tf.summary.scalar(name, value)
