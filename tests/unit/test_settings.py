"""pipeline.config.settings and pipeline.yaml: the same settings and defaults, and a comment for each."""

import re

import pytest
import yaml
from pydantic import ValidationError

from pipeline.config.load import load
from pipeline.config.settings import Config, setting_names
from tests.support.paths import REPOSITORY

FILE = REPOSITORY / "pipeline.yaml"


def test_settings_file_holds_every_setting_with_its_default() -> None:
    assert yaml.safe_load(FILE.read_text()) == Config().model_dump()
    assert load(str(FILE), {}) == Config()


def test_settings_file_explains_every_setting_on_its_line() -> None:
    lines = [line for line in FILE.read_text().splitlines() if line.startswith("  ")]
    explained = [re.match(r"  (\w+): .*\S +# \S", line) for line in lines]
    assert all(explained), [line for line, match in zip(lines, explained, strict=True) if not match]
    assert [match[1] for match in explained if match] == [name.partition(".")[2] for name in setting_names()]


def test_settings_file_is_in_the_package() -> None:
    """An installed package has no file of the repository's root."""
    shipped = REPOSITORY / "pipeline" / "config" / "pipeline.yaml"
    assert FILE.read_text() == shipped.read_text(), f"cp {shipped} {FILE}"


def test_settings_defaults_are_those_of_the_classic_example() -> None:
    config = Config()
    assert (config.vocabulary.top_words, config.sequence.max_length) == (5000, 500)
    assert (config.sequence.padding, config.sequence.truncating) == ("pre", "pre")
    assert (config.model.embedding_dim, config.model.lstm_units, config.model.mask_zero) == (32, 100, True)
    assert (config.training.epochs, config.training.batch_size) == (3, 64)
    assert (config.input.path, config.output.path, config.export.path) == ("sample", "out/records", "out/model")
    assert (config.split.train, config.split.eval, config.split.test) == (0.8, 0.1, 0.1)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(Config().sequence, "max_length", 3)  # noqa: B010
