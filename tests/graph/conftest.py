"""Tests of the graph may use TensorFlow, and no Beam."""

from pathlib import Path

from tests.support.blocking import BEAM, Blocked, tier_hooks

pytest_make_collect_report, pytest_runtest_protocol = tier_hooks(Path(__file__).parent, Blocked("tests/graph", BEAM))
