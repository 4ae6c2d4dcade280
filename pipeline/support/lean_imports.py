"""TensorFlow, Beam and TFT are imported without packages that a job never uses.

In: nothing. Out: entries of sys.modules.

Each of the packages below is imported by TensorFlow or Beam only to offer something that a job does not ask for, and
both do without if it is not installed. Within `lean_imports` they look as if they were not. With them the imports of a
job take 3.9 s of CPU and 750 MB, without them 3.4 s and 700 MB. The command pays that before its job begins, and each
worker process again.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Final, TypeVar

Class = TypeVar("Class", bound=type)

# Seconds of CPU that each takes.
_NOT_NEEDED: Final = (
    "tf_keras.__internal__",  # 0.4: TensorFlow registers Keras's optimizers; the first module that Keras imports
    "googleapiclient",  # 0.1: TensorFlow asks Google Cloud which machines there are
    "google.cloud.pubsub",  # 0.1: Beam's streams
    "scipy",  # 0.05, with h5py: images and files of the old Keras within TensorFlow
    "h5py",
)

_TRANSFORM, _KERAS_OF_TRANSFORM = "tensorflow_transform", "tensorflow_transform.keras_lib"


class _Model:
    """In place of a Keras model."""


class _Layer:
    """In place of a Keras layer."""


class _Hide:
    """A finder of modules, as Python asks them: it says of some that they are not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises ModuleNotFoundError for a module that a job does not need."""
        del path, target
        if name in _NOT_NEEDED:
            raise ModuleNotFoundError(f"No module named {name!r}: see {__name__}", name=name)


@contextmanager
def lean_imports() -> Iterator[None]:
    """Within it packages that a job does not need are not imported, unless they are already.

    TFT derives a class from a Keras model, for people who put a transform graph into a model by it, and asks in one
    place whether something is a Keras layer. If it is imported within this, both get stand-ins, for good.
    """
    if _TRANSFORM not in sys.modules:
        sys.modules.setdefault(_KERAS_OF_TRANSFORM, _keras_of_transform())
    hide = _Hide()
    sys.meta_path.insert(0, hide)
    try:
        yield
    finally:
        sys.meta_path.remove(hide)


def _keras_of_transform() -> ModuleType:
    """In place of the module by which TFT chooses its Keras."""
    module = ModuleType(_KERAS_OF_TRANSFORM)
    vars(module)["tf_keras"] = SimpleNamespace(
        Model=_Model,
        layers=SimpleNamespace(Layer=_Layer),
        utils=SimpleNamespace(register_keras_serializable=_register),
    )
    return module


def _register(package: str) -> Callable[[Class], Class]:
    del package
    return lambda registered: registered
