"""`training.strategy`, TF_CONFIG and the GPUs of this machine -> the devices that a training runs on.

strategy      TF_CONFIG of several machines   GPUs here      devices
auto          yes                             any            multi_worker
auto          no                              2 or more      mirrored
auto          no                              0 or 1         one
mirrored                                      any            all GPUs; without any, all CPU devices of TensorFlow
multi_worker  yes                             any            all GPUs of each machine, without any its CPU
"""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from pipeline.config.settings import TrainingSettings
from pipeline.errors import UserError
from pipeline.support.tensorflow_startup import hold_back_stderr
from trainer.devices.cluster import VARIABLE, Cluster, cluster_of
from trainer.devices.devices import Devices

_log = logging.getLogger(__name__)


def open_devices(settings: TrainingSettings) -> Devices:
    """The devices of a training; waits for the other machines if there are any.

    Raises:
      UserError: TF_CONFIG is wrong, or there are more devices than rows in a batch.
    """
    cluster = cluster_of(settings)
    devices = _join(cluster) if cluster else _on_this_machine(settings)
    if devices.replicas > settings.batch_size:
        raise UserError(
            f"training.batch_size is {settings.batch_size}, but there are {devices.replicas} devices that share each "
            "batch; set a larger one, or training.strategy to one"
        )
    return devices


def _on_this_machine(settings: TrainingSettings) -> Devices:
    if settings.strategy == "one":
        return Devices()
    names = [device.name for device in tf.config.list_logical_devices("GPU")]
    if settings.strategy == "auto" and len(names) < 2:
        return Devices()
    strategy = tf.distribute.MirroredStrategy(
        names or [device.name for device in tf.config.list_logical_devices("CPU")]
    )
    _log.info("training on %d devices of this machine", strategy.num_replicas_in_sync)
    return Devices(strategy, tuple(strategy.extended.worker_devices))


def _join(cluster: Cluster) -> Devices:
    address = cluster.addresses[cluster.worker]
    others = [other for number, other in enumerate(cluster.addresses) if number != cluster.worker]
    _log.info(
        "worker %d of %d (%s) waits for the others (%s)",
        *(cluster.worker, len(cluster.addresses), address, ", ".join(others)),
    )
    try:
        with _ended_by_signals(), hold_back_stderr():
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise UserError(
            f"{VARIABLE}: worker {cluster.worker} can't listen on {address} ({error.message}); is it an address of "
            "this machine, and the port free?"
        ) from error
    devices = Devices(strategy, tuple(strategy.extended.worker_devices), cluster)
    _log.info("all %d workers are there, with %d devices", devices.workers, strategy.num_replicas_in_sync)
    return devices


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Within it Ctrl-C ends the process at once: TensorFlow waits in C++, where no handler of Python runs.

    Nothing is written yet that would have to be put in order. TensorFlow takes TERM for itself when it joins; after
    this the handlers are those of before, TERM's too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
