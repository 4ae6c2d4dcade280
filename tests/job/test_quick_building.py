"""pipeline.runners.quick_building: Beam is told the same of each method, and looks at it once."""

from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.transforms import core

from pipeline.runners.quick_building import quick_building


class _Add(beam.DoFn):
    def __init__(self, number: int) -> None:
        self._number = number

    def process(self, element: int, window: object = beam.DoFn.WindowParam, side: int = 3) -> Iterator[int]:
        del window, side
        yield element + self._number


def test_quick_building_remembers_what_a_method_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    look = core.get_function_args_defaults

    def counted(function: object) -> tuple[list[str], list[object]]:
        looks.append(function)
        return look(function)

    monkeypatch.setattr(core, "get_function_args_defaults", counted)
    with quick_building():
        for number in (1, 2, 3):  # three steps of one class
            names, defaults = core.get_function_arguments(_Add(number), "process")
            assert names == ["element", "window", "side"]
            assert defaults == [beam.DoFn.WindowParam, 3]
            names.append("changed by who asked")
        assert len(looks) == 1
        for _ in range(2):  # a function is no method: nobody knows how long it lives
            assert core.get_function_args_defaults(lambda text: text) == (["text"], [])
        assert len(looks) == 3
    assert core.get_function_args_defaults is counted
