"""pipeline.support.tensorflow_startup: what TensorFlow writes while it starts; a module in its place writes to fd 2."""

import os
import sys
from types import ModuleType, SimpleNamespace

import pytest

from pipeline.support.tensorflow_startup import import_tensorflow

LINE = "I0000 cudart_stub.cc: Could not find cuda drivers\n"


def put_in_place_of_tensorflow(patch: pytest.MonkeyPatch, *, error: Exception | None = None) -> None:
    def list_logical_devices() -> None:
        os.write(2, LINE.encode())
        if error is not None:
            raise error

    module = ModuleType("tensorflow")
    vars(module)["config"] = SimpleNamespace(list_logical_devices=list_logical_devices)
    patch.setitem(sys.modules, "tensorflow", module)


# TF_CPP_MIN_LOG_LEVEL as the user set it -> as it is afterwards, what is on stderr
LEVELS = [
    (None, "3", ""),
    ("0", "0", LINE),  # the user asks for all lines
    ("1", "1", ""),  # real TensorFlow writes its first lines before it reads the level
    ("2", "2", ""),
    ("3", "3", ""),
]


@pytest.mark.parametrize(("level", "after", "lines"), LEVELS)
def test_tensorflow_startup_is_silent_at_every_level_but_0(
    level: str | None, after: str, lines: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_in_place_of_tensorflow(monkeypatch)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if level is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    import_tensorflow()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == after
    sys.stderr.write("after it\n")
    assert capfd.readouterr().err == f"{lines}after it\n"


def test_tensorflow_startup_shows_all_lines_if_it_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_in_place_of_tensorflow(monkeypatch, error=RuntimeError("no devices"))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    with pytest.raises(RuntimeError, match="no devices"):
        import_tensorflow()
    assert capfd.readouterr().err == LINE
