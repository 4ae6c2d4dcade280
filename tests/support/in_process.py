"""`python -m MODULE ARGUMENT...`, as a benchmark starts it, in this process: one process less that loads TensorFlow."""

import importlib
import io
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pipeline.cli import main as pipeline_main


def run_in_process(monkeypatch: pytest.MonkeyPatch, suite: ModuleType, *, but: str) -> None:
    """Commands that `suite` starts run here, but the first that holds the word `but`, which stays a process."""
    waiting = {but}

    def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        if waiting & set(command):
            waiting.clear()
            return subprocess.run(command, **options)
        _, _, module, *arguments = command
        with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()) as errors:
            status = _call(module, arguments)
        if status and options.get("check"):
            raise subprocess.CalledProcessError(status, command, printed.getvalue(), errors.getvalue())
        return subprocess.CompletedProcess(command, status, printed.getvalue(), errors.getvalue())

    monkeypatch.setattr(suite, "subprocess", SimpleNamespace(run=run))


def _call(module: str, arguments: Sequence[str]) -> int:
    """The exit status; what is raised is raised to the test."""
    if module == "pipeline":
        return pipeline_main(arguments)
    return importlib.import_module(module).main(*arguments) or 0
