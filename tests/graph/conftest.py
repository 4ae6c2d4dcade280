"""Tests of the graph may use TensorFlow, and no Beam."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.support.blocking import BEAM, Blocked

FOLDER = Path(__file__).parent
BLOCKED = Blocked("tests/graph", BEAM)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """While the tests are imported."""
    with BLOCKED.active():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """While a test of this folder and its fixtures run; pytest calls this for the tests of every folder."""
    with BLOCKED.active() if item.path.is_relative_to(FOLDER) else nullcontext():
        return (yield)
