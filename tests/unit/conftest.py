"""Unit tests use no TensorFlow, no Beam and no other process."""

from pathlib import Path

from tests.support.blocking import BEAM, TENSORFLOW, Blocked, tier_hooks

pytest_make_collect_report, pytest_runtest_protocol = tier_hooks(
    Path(__file__).parent, Blocked("tests/unit", TENSORFLOW | BEAM, processes=True)
)
