"""The devices of a training: how many there are, which of them are here, and sums over all of them.

    one           this process alone, without tf.distribute
    mirrored      several GPUs of this machine: a replica of the model on each
    multi_worker  several machines (TF_CONFIG): a process on each, a replica on each of its devices

Replicas are numbered over all machines, the chief's first. The chief is the worker that writes files.

Only sums go through tf.distribute. Each replica has variables of its own, made as without a strategy: Keras 3's
optimizers clip gradients before they sum them over the replicas, which is another training. So gradients are summed
here, and each replica gives the sums to an optimizer of its own (`trainer.training.replicated_step`).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.errors import JobError
from trainer.devices.cluster import Cluster

_TASK: Final = re.compile(r"/job:\w+/replica:0/task:\d+")


@dataclass(frozen=True)
class Devices:
    """strategy: None on one device. local: the names of this process's devices. cluster: None on one machine."""

    strategy: Any = None
    local: tuple[str, ...] = ("",)
    cluster: Cluster | None = None

    @property
    def replicas(self) -> int:
        """On all machines together."""
        return len(self.local) * self.workers

    @property
    def workers(self) -> int:
        """Processes, one on each machine."""
        return len(self.cluster.addresses) if self.cluster else 1

    @property
    def worker(self) -> int:
        """The number of this process, from 0."""
        return self.cluster.worker if self.cluster else 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files."""
        return self.worker == 0

    @property
    def first_replica(self) -> int:
        """The number of the replica on the first device of this process."""
        return self.worker * len(self.local)

    def sum_over_workers(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """int32 or int64 of one shape in all processes -> their sum; waits until each process has called it."""
        if self.strategy is None or self.cluster is None:
            return values
        return np.asarray(self._sum(tf.constant(values)).numpy())

    def chief_says(self, answer: bool) -> bool:
        """The chief's answer, in all processes; waits for the chief."""
        return bool(self.sum_over_workers(np.array([answer and self.is_chief], np.int32))[0])

    def values_of_all(self, value: int) -> list[int]:
        """Each process's value, by its number; waits for all."""
        own = np.zeros([self.workers], np.int64)
        own[self.worker] = value
        return [int(one) for one in self.sum_over_workers(own)]

    def from_chief(self, arrays: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The chief's arrays in all processes, bit for bit; waits for the chief. Their values have 4 or 8 bytes."""
        if self.cluster is None:
            return list(arrays)
        bits = np.concatenate([np.ascontiguousarray(array).reshape(-1).view(np.int32) for array in arrays])
        shared = self.sum_over_workers(bits if self.is_chief else np.zeros_like(bits))
        ends = np.cumsum([array.nbytes // 4 for array in arrays])
        parts = np.split(shared, ends[:-1])
        return [part.view(array.dtype).reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]

    @cached_property
    def _sum(self) -> Any:
        """int [size] -> the sum over the processes' first replicas. Compiled once: tracing takes 50 ms."""

        def of_replica(values: tf.Tensor) -> tf.Tensor:
            is_first = replica_number() == self.first_replica
            return sum_over_replicas([values if is_first else tf.zeros_like(values)])[0]

        def total(values: tf.Tensor) -> tf.Tensor:
            return _local_parts(self.strategy, self.strategy.run(of_replica, args=(values,)))[0]

        return tf.function(total, autograph=False)

    @contextmanager
    def naming_lost_workers(self) -> Iterator[None]:
        """Within it the end of another process becomes a JobError that names it."""
        try:
            yield
        except tf.errors.OpError as error:
            if self.cluster is None or "Collective ops is aborted" not in error.message:
                raise
            raise JobError(lost_workers(error.message, self.cluster)) from error


ONE_DEVICE: Final = Devices()


def lost_workers(message: str, cluster: Cluster) -> str:
    """TensorFlow's message of a collective operation that was aborted -> a line that names the workers that are gone.

    >>> tasks = ("/job:worker/replica:0/task:0", "/job:worker/replica:0/task:1")
    >>> lost_workers("aborted by: /job:worker/replica:0/task:1 is gone", Cluster(("a:1", "b:1"), 0, tasks))
    'worker 1 (b:1) is gone; start all workers again with --resume'
    """
    named = _TASK.findall(message)
    gone = [
        f"{number} ({address})"
        for number, (task, address) in enumerate(zip(cluster.tasks, cluster.addresses, strict=True))
        if task in named and number != cluster.worker
    ]
    who = f"worker {' and '.join(gone)} is gone" if gone else "another worker is gone"
    return f"{who}; start all workers again with --resume"


def sum_over_replicas(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Within `strategy.run`: float or int tensors of a replica -> their sums over all replicas, in the same types.

    Tensors of one type are summed together: tf.distribute packs a call's tensors into few messages.
    """
    context = tf.distribute.get_replica_context()
    sums: list[tf.Tensor] = list(tensors)
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        places = [place for place, tensor in enumerate(tensors) if tensor.dtype == dtype]
        # A tensor that comes from outside has no device, and then tf.distribute does not know where to.
        own = [tf.identity(tensors[place]) for place in places]
        for place, total in zip(places, context.all_reduce(tf.distribute.ReduceOp.SUM, own), strict=True):
            sums[place] = total
    return sums


def replica_number() -> int:
    """Within `strategy.run`: the number of the replica that is traced."""
    return int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))


def local_results(strategy: Any, results: Any) -> list[Any]:
    """What `strategy.run` returned, a structure of tensors -> the same structure for each replica of this process."""
    leaves = [_local_parts(strategy, leaf) for leaf in tf.nest.flatten(results)]
    return [tf.nest.pack_sequence_as(results, of_replica) for of_replica in zip(*leaves, strict=True)]


def _local_parts(strategy: Any, value: Any) -> Sequence[tf.Tensor]:
    parts: Sequence[tf.Tensor] = strategy.experimental_local_results(value)
    return parts
