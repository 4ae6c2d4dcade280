"""The trials of a sweep -> TensorBoard's HParams, a run a trial with its settings and its lowest eval loss."""

from collections.abc import Sequence

import tensorflow as tf
from tensorboard.plugins.hparams import api

from trainer import files
from trainer.sweep.results import Row

METRIC = "eval_loss"


def write_hparams(folder: str, rows: Sequence[Row]) -> None:
    """Writes `folder`/trial-0001, ...; what is there is replaced.

    Raises:
      OSError or tf.errors.OpError: a file can't be written.
    """
    files.remove(folder)
    for row in rows:
        with tf.summary.create_file_writer(files.join(folder, f"trial-{row.number:04d}")).as_default():
            api.hparams(row.values, trial_id=str(row.number))
            if row.loss is not None:
                tf.summary.scalar(METRIC, row.loss, step=row.epochs)
