"""SPACE.yaml -> the values of settings that a sweep tries.

model.lstm_units: {values: [64, 100, [64, 32]]}
model.dropout: {low: 0.0, high: 0.6}
training.learning_rate: {low: 1e-4, high: 1e-2, log: true}
model.embedding_dim: {low: 16, high: 128, int: true, log: true}
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from pipeline.config.load import load, split_name
from pipeline.config.yaml_values import parse
from pipeline.errors import UserError
from pipeline.support.strict_json import shown

# Settings of a training; all trainings of a sweep read one records folder.
_SECTIONS: Final = ("embedding", "model", "training")
# The sweep gives each training its own folder; a training on several machines can't be one of many here. It compares
# eval losses of the LSTM in first trainings, which neither self-training nor n-grams change.
_NOT_TRIED: Final = (
    "training.path", "training.strategy", "training.checkpoint_steps", "training.self_training", "model.ngrams",
    "model.ngram_buckets", "model.ngram_gaps", "model.ngram_ending",
)  # fmt: skip
_RANGE_KEYS: Final = {"low", "high", "log", "int"}


class Choice(NamedTuple):
    """One of some values; texts: each as an argument of the command line has it."""

    texts: tuple[str, ...]


class Range(NamedTuple):
    """A number from low to high, both included. log: equal ratios are equally likely. is_int: whole numbers only."""

    low: float
    high: float
    log: bool
    is_int: bool


Space = dict[str, Choice | Range]


def read_space(path: str, *, config_path: str | None, overrides: Mapping[str, str]) -> Space:
    """The space of a file. Each value is tried with the other settings as they are: setting -> argument.

    Raises:
      UserError: the file can't be read, or it names no setting, or a value that the setting can't have.
    """
    try:
        content = parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not content:
        raise UserError(
            f"{path} is {shown(content)}; give settings to try, such as model.dropout: {{values: [0, 0.5]}}"
        )
    space: Space = {}
    for name, spec in content.items():
        section, _ = split_name(str(name), origin=path)
        if section not in _SECTIONS or name in _NOT_TRIED:
            raise UserError(f"{path}: {name} is no setting that trainings of a sweep can differ in; take it out")
        if name in overrides:
            raise UserError(f"{path}: {name} is in the space, and on the command line as well; give it once")
        space[name] = _tried(path, name, spec)
        for text in _ends(space[name]):
            _check(path, name, text, config_path=config_path, overrides=overrides)
    return space


def as_argument(value: object) -> str:
    """A value as `--section.key` takes it.

    >>> [as_argument(value) for value in (0.5, [64, 32], None, True, "cosine")]
    ['0.5', '[64, 32]', 'null', 'true', 'cosine']
    """
    return value if isinstance(value, str) else json.dumps(value)


def grid_of(space: Space, *, path: str) -> dict[str, list[Any]]:
    """All values of each setting, for a grid.

    >>> grid_of({"model.dropout": Choice(("0", "0.5")), "training.epochs": Range(1, 3, False, True)}, path="")
    {'model.dropout': ['0', '0.5'], 'training.epochs': [1, 2, 3]}

    Raises:
      UserError: a setting has a range of fractions.
    """
    values: dict[str, list[Any]] = {}
    for name, tried in space.items():
        if isinstance(tried, Range) and not tried.is_int:
            raise UserError(f"{path}: {name} is a range, which a grid can't list; give values, or --sampler tpe")
        values[name] = (
            list(tried.texts) if isinstance(tried, Choice) else list(range(int(tried.low), int(tried.high) + 1))
        )
    return values


def _tried(path: str, name: str, spec: Any) -> Choice | Range:
    if isinstance(spec, dict) and set(spec) == {"values"}:
        values = spec["values"]
        if not isinstance(values, list) or not values:
            raise UserError(f"{path}: {name}: values is {shown(values)}; give a list, such as [0, 0.5]")
        return Choice(tuple(dict.fromkeys(as_argument(value) for value in values)))
    if not isinstance(spec, dict) or not {"low", "high"} <= set(spec) <= _RANGE_KEYS:
        raise UserError(
            f"{path}: {name} is {shown(spec)}; give {{values: [...]}} or {{low: 0, high: 1}}, which may have log: true "
            "and int: true"
        )
    low, high = spec["low"], spec["high"]
    log, is_int = spec.get("log", False), spec.get("int", False)
    for key, flag in (("log", log), ("int", is_int)):
        if not isinstance(flag, bool):
            raise UserError(f"{path}: {name}: {key} is {shown(flag)}; use true or false")
    for key, number in (("low", low), ("high", high)):
        kinds = int if is_int else (int, float)
        if isinstance(number, bool) or not isinstance(number, kinds) or not math.isfinite(number):
            raise UserError(f"{path}: {name}: {key} is {shown(number)}; use a {'whole ' if is_int else ''}number")
    if low >= high:
        raise UserError(f"{path}: {name}: low is {low} and high is {high}; low must be smaller")
    if log and low <= 0:
        raise UserError(f"{path}: {name}: low is {low}, but with log: true it must be above 0")
    return Range(low, high, log, is_int)


def _ends(tried: Choice | Range) -> list[str]:
    if isinstance(tried, Choice):
        return list(tried.texts)
    return [as_argument(number if tried.is_int else float(number)) for number in (tried.low, tried.high)]


def _check(path: str, name: str, text: str, *, config_path: str | None, overrides: Mapping[str, str]) -> None:
    try:
        load(config_path, {**overrides, name: text})
    except UserError as error:
        raise UserError(f"{path}: {str(error).replace('command line: ', '', 1)}") from error
