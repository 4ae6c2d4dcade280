"""A replica of the model on each device -> one training step of all of them, as if one device had the whole batch.

    batch -> each replica: its rows -> gradients of the sum of their losses / rows of the batch
          -> sums over all replicas -> each replica: the same change of its own variables

Each process gets the whole batch; replica r of n learns from its rows r, r + n, r + 2n, ... The rows of a batch are
sorted by their words, so all replicas have about the same work. What a row counts does not depend on the number of
replicas: the loss of each step is that of one device, but for the order of sums (1e-6). Only dropouts draw for each
replica on their own. So batch_size is the rows of all replicas together, and a training may go on with another number
of them.

The weights of all replicas stay the same bits, because all get the same sums. The first replica's variables are those
of `TrainingStep`, and of the checkpoint.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.config.settings import TrainingSettings
from trainer.devices.devices import Devices, local_results, replica_number, sum_over_replicas
from trainer.model.classifier import TextClassifier
from trainer.training.objective import PLAIN, Objective
from trainer.training.step import Learnt, Part, TrainingStep

# The seeds of two replicas are this far from each other, so that no two share their draws: 2**32 / golden ratio, odd.
_SEED_DISTANCE: Final = 0x9E3779B9
_SEED_VARIABLE: Final = "seed_generator_state"


class ReplicatedStep(TrainingStep):
    """The training step of several replicas; those of this process are here.

    model: of the first replica. copy: makes a model like it for another one; its weights don't matter.
    """

    def __init__(
        self,
        model: TextClassifier,
        settings: TrainingSettings,
        *,
        steps: int,
        devices: Devices,
        copy: Callable[[], TextClassifier],
        objective: Objective = PLAIN,
    ) -> None:
        rows = -(-settings.batch_size // devices.replicas)
        super().__init__(model, settings, steps=steps, objective=objective, rows=rows)
        self._devices = devices
        self._copies: list[TrainingStep] = []
        for device in devices.local[1:]:
            with tf.device(device):
                model = copy()
                model.embedding.trainable = self.model.embedding.trainable
                self._copies.append(TrainingStep(model, settings, steps=steps, objective=objective, rows=rows))

    def share(self) -> None:
        """Sets the variables of all replicas to those of the chief's first one, but for the seeds of dropouts."""
        seeds = {id(variable.value) for variable in self.model.variables if variable.name == _SEED_VARIABLE}
        values = self._devices.from_chief([variable.numpy() for variable in self.variables])
        for place, step in enumerate(self._local_steps):
            number = self._devices.first_replica + place
            for own, variable, value in zip(self.variables, step.variables, values, strict=True):
                variable.assign(_seed_of(number, value) if id(own) in seeds else value)

    def set_embedding_trained(self, is_trained: bool) -> None:
        """Whether the next steps train the embedding, see `TrainingStep`."""
        for step in self._copies:
            step.model.embedding.trainable = is_trained
        super().set_embedding_trained(is_trained)

    def start_epoch(self) -> None:
        """Sets the sums of the epoch to 0, in each replica."""
        super().start_epoch()
        for step in self._copies:
            step.start_epoch()

    @property
    def _local_steps(self) -> list[TrainingStep]:
        return [self, *self._copies]

    def _run(self, ids: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """The same as `TrainingStep._run`; every process gets the whole batch."""
        strategy = self._devices.strategy
        results = strategy.run(self._learn_part, args=(ids, labels, *([] if weights is None else [weights])))
        learnt = local_results(strategy, results)
        for step, device, of_replica in zip(self._local_steps, self._devices.local, learnt, strict=True):
            with tf.device(device):
                step._take(Learnt(*of_replica))
        return learnt[0][2]

    def _learn_part(self, *batch: tf.Tensor) -> Any:
        """A replica's sums over all replicas, as the fields of `Learnt`."""
        number, replicas = replica_number(), self._devices.replicas
        rows = tf.shape(batch[0])[0]
        # A replica without a row takes one that does not count: cuDNN refuses empty batches.
        own = tf.range(tf.minimum(number, rows - 1), rows, replicas)
        part = Part(tf.cast(rows, tf.float32), tf.cast(number < rows, tf.float32))
        step = self._local_steps[number - self._devices.first_replica]
        ids, labels, *weights = (tf.gather(tensor, own) for tensor in batch)
        learnt = step._learn(ids, labels, weights[0] if weights else None, part=part)
        gradients, totals, (loss,) = learnt.gradients, learnt.totals, sum_over_replicas([learnt.loss])
        return sum_over_replicas(gradients), sum_over_replicas(totals), loss


def _seed_of(number: int, value: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """The state of a dropout's seed generator, uint32 [2]: seed and draws so far -> that of a replica.

    >>> _seed_of(0, np.array([5, 7], np.uint32)).tolist(), _seed_of(2, np.array([5, 7], np.uint32)).tolist()
    ([5, 7], [1013904247, 7])
    """
    return value + np.array([number * _SEED_DISTANCE % 2**32, 0], np.uint32)
