"""pipeline.config.overrides: which arguments of a command line are settings."""

import pytest

from pipeline.config.overrides import split_overrides

# arguments -> overrides, the rest
ARGUMENTS = [
    (["--a", "--input.path", "x", "y"], {"input.path": "x"}, ["--a", "y"]),
    (["--input.path=x=y"], {"input.path": "x=y"}, []),
    (["--input.path", "x", "--input.path", "z"], {"input.path": "z"}, []),  # the last one counts
    (["--training.clipnorm", "-1"], {"training.clipnorm": "-1"}, []),
    (["--temp_location=gs://bucket/a.b"], {}, ["--temp_location=gs://bucket/a.b"]),  # the dot is in the value
    (["good.csv", "-v"], {}, ["good.csv", "-v"]),
]


@pytest.mark.parametrize(("arguments", "overrides", "rest"), ARGUMENTS)
def test_overrides_are_divided_from_other_arguments(
    arguments: list[str], overrides: dict[str, str], rest: list[str]
) -> None:
    assert split_overrides(arguments) == (overrides, rest)
