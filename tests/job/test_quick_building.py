"""pipeline.runners.quick_building: Beam is told the same of each method and option, and looks at it once."""

from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
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


def test_quick_building_keeps_the_views_of_a_jobs_options() -> None:
    options, others = PipelineOptions(["--direct_num_workers=3"]), PipelineOptions(["--direct_num_workers=5"])
    view_as = PipelineOptions.view_as
    with quick_building():
        direct = options.view_as(DirectOptions)
        assert options.view_as(DirectOptions) is direct
        assert options.view_as(StandardOptions).view_as(DirectOptions) is direct
        assert direct.direct_num_workers == 3
        assert others.view_as(DirectOptions).direct_num_workers == 5
        direct.direct_num_workers = 4
        assert options.view_as(DirectOptions).direct_num_workers == 4
    assert options.view_as(DirectOptions) is not direct
    assert options.view_as(DirectOptions).direct_num_workers == 4
    assert PipelineOptions.view_as is view_as
