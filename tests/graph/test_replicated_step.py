"""Training on several devices of a machine: the losses are those of one device with the whole batch."""

from typing import Any

import pytest

from tests.support.replicas import losses_of_strategies, run_on_devices


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """On three devices: batches of 8 rows are shared as 3, 3 and 2, and the last one of 3 rows as 1, 1 and 1."""
    return run_on_devices(3, losses_of_strategies, tmp_path_factory.mktemp("replicas"))


def test_replicated_step_runs_on_all_devices(losses: dict[str, Any]) -> None:
    assert losses["replicas"] == 3


@pytest.mark.parametrize(
    # what is trained
    "case",
    [
        "clipped",  # to 0.01: gradients that were clipped before the sum would be three times as long
        "weighted",
        "averaged",  # eval is scored with the averaged weights
    ],
)
def test_replicated_step_has_the_losses_of_one_device(losses: dict[str, Any], case: str) -> None:
    one, several = losses[case]
    assert len(one["steps"]) == 6
    assert several["steps"] == pytest.approx(one["steps"], abs=1e-5)
    for own, theirs in zip(several["epochs"], one["epochs"], strict=True):
        assert own == pytest.approx(theirs, abs=1e-5)
