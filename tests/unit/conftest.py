"""Unit tests use no TensorFlow, no Beam and no other process."""

from collections.abc import Iterator

import pytest

from tests.support.blocking import BEAM, TENSORFLOW, Blocked

BLOCKED = Blocked("tests/unit", TENSORFLOW | BEAM, processes=True)


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
