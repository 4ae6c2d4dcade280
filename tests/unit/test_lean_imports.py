"""pipeline.support.lean_imports: what can't be imported within it, and what is as before afterwards."""

import importlib
import sys

import pytest

from pipeline.support.lean_imports import lean_imports


def test_lean_imports_hides_what_is_not_imported_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scipy", raising=False)
    monkeypatch.setitem(sys.modules, "h5py", sys)  # it is imported already
    with lean_imports():
        with pytest.raises(ImportError, match="scipy"):
            importlib.import_module("scipy")
        assert importlib.import_module("h5py") is sys
    assert "scipy" not in sys.modules
    assert sys.modules["h5py"] is sys
    monkeypatch.delitem(sys.modules, "tensorflow_transform.keras_lib", raising=False)


def test_lean_imports_ends_when_an_import_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "scipy", raising=False)
    with pytest.raises(RuntimeError, match="broken"), lean_imports():
        raise RuntimeError("broken")
    assert "scipy" not in sys.modules
    monkeypatch.delitem(sys.modules, "tensorflow_transform.keras_lib", raising=False)


@pytest.mark.parametrize(("before", "has_stand_in"), [([], True), (["tensorflow_transform"], False)])
def test_lean_imports_gives_transform_a_stand_in_for_keras(
    before: list[str], has_stand_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tensorflow_transform", "tensorflow_transform.keras_lib"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in before:  # with its own Keras
        monkeypatch.setitem(sys.modules, name, sys)
    with lean_imports():
        pass
    module = sys.modules.pop("tensorflow_transform.keras_lib", None)
    assert (module is not None) is has_stand_in
    if module is not None:
        keras = module.tf_keras
        # What TFT 1.21 does with it.
        made = keras.utils.register_keras_serializable(package="TFT")(type("Layer", (keras.Model,), {}))
        assert not isinstance(made(), keras.layers.Layer)
