"""A training step + the batches of an epoch -> the steps of the epoch, from where the training stands."""

from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from pipeline.config.settings import TrainingSettings
from trainer.data.dataset import batch_count, iterate_batches, training_batches
from trainer.data.records_folder import RecordsFolder
from trainer.training.step import TrainingStep


class StepDone(NamedTuple):
    """epoch: from 0. place: in the epoch, from 1. step: over all epochs, from 1. loss: float []. rows: of the batch."""

    epoch: int
    place: int
    step: int
    loss: tf.Tensor
    rows: int


class EpochSteps:
    """The steps of an epoch. frozen_epochs: how many epochs at the beginning do not train the embedding."""

    def __init__(
        self,
        settings: TrainingSettings,
        records: RecordsFolder,
        *,
        training_step: TrainingStep,
        frozen_epochs: int,
    ) -> None:
        self.settings, self.records, self.training_step = settings, records, training_step
        self.frozen_epochs = frozen_epochs
        self.in_epoch = batch_count(records, "train", batch_size=settings.batch_size)

    def run_rest(self) -> Iterator[StepDone]:
        """Runs the steps of the present epoch that are not done yet."""
        epoch, skip = divmod(self.training_step.steps_done, self.in_epoch)
        self.training_step.set_embedding_trained(epoch >= self.frozen_epochs)
        if skip == 0:
            self.training_step.start_epoch()
        batches = training_batches(
            self.records,
            batch_size=self.settings.batch_size,
            trim=self.training_step.model.settings.mask_zero,
            seed=self.settings.seed,
            epoch=epoch,
            skip=skip,
        )
        for place, batch in enumerate(iterate_batches(batches, self.records), start=skip + 1):
            loss = self.training_step.run_batch(batch)
            yield StepDone(epoch, place, epoch * self.in_epoch + place, loss, int(batch.labels.shape[0]))
