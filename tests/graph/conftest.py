"""Tests of the graph may use TensorFlow, and no Beam."""

from collections.abc import Iterator

import pytest

from tests.support.blocking import BEAM, Blocked

BLOCKED = Blocked("tests/graph", BEAM)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """While the tests are imported."""
    with BLOCKED.active():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """While a test and its fixtures run."""
    with BLOCKED.active():
        return (yield)
