"""The stages of a job, as a runner's page shows them: their names, and what their counters count."""

import json
import re
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.runners.runner import PipelineResult

from pipeline.config.load import load
from pipeline.files.beam import BeamFiles
from pipeline.job import run as job_run
from pipeline.job.build import build
from pipeline.job.run import make_plan
from pipeline.runners import monitor
from pipeline.sources import plan_all
from pipeline.support.counters import NAMESPACE, STAGES
from tests.support.jobs import run_job
from tests.support.paths import REPOSITORY

# (text, label, split): the last has a label that no train row has.
ROWS = [
    ("a b", "x", "train"), ("b c", "y", "train"), ("b", "x", "test"), ("a d", "x", "eval"), ("a", "z", "test"),
]  # fmt: skip
SETTINGS = {"split.column": "part", "output.max_rejected": "0.5", "output.shards": "1"}

# The stages of every job, in their order.
ALWAYS = ["Tasks", "Read", "CountWords", "BuildVocabulary", "MapToIds", "WriteRecords", "WriteRejected", "Report"]
# settings -> the stages
NAMES: list[tuple[dict[str, str], list[str]]] = [
    ({}, ALWAYS),
    ({"split.duplicates": "first"}, ["Tasks", "Survey", *ALWAYS[1:]]),
    ({"vocabulary.cache": "{folder}/cache"}, ["Tasks", "LookUp", *ALWAYS[1:]]),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": text, "label": label, "part": part}) for text, label, part in ROWS]
    path.write_text("\n".join([*lines, "{broken"]) + "\n")
    return path


@pytest.mark.parametrize(("settings", "names"), NAMES)
def test_stages_have_these_names(settings: dict[str, str], names: list[str], source: Path, tmp_path: Path) -> None:
    settings = {name: value.format(folder=tmp_path) for name, value in settings.items()}
    config = load(None, {**SETTINGS, **settings, "input.path": str(source), "output.path": str(tmp_path / "out")})
    tasks = plan_all(config.input, BeamFiles(), split=config.split, metrics=config.metrics, cuts_quoted=True)
    pipeline = beam.Pipeline()
    build(pipeline, make_plan(config, tasks, staging=str(tmp_path / "staging"), spills=False))
    proto = pipeline.to_runner_api()
    (root,) = proto.root_transform_ids
    transforms = proto.components.transforms
    found = [transforms[number].unique_name for number in transforms[root].subtransforms]
    assert sorted(found) == sorted(names)
    assert names == [name for name in STAGES if name in names]


def counters_of(result: PipelineResult) -> dict[str, dict[str, Any]]:
    """{stage: {counter: value}}; of a distribution sum, number, smallest and largest."""
    found: dict[str, dict[str, Any]] = {}
    metrics = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    for metric in (*metrics["counters"], *metrics["distributions"]):
        values = found.setdefault(metric.key.step.partition("/")[0], {})
        name, value = metric.key.metric.name, metric.committed
        if isinstance(value, int):
            values[name] = values.get(name, 0) + value
        else:
            values[name] = (value.sum, value.count, value.min, value.max)
    return found


# settings -> counters beside the others, in two runs one after the other
COUNTED: list[tuple[dict[str, str], list[dict[str, dict[str, int]]]]] = [
    (
        {"vocabulary.cache": "{folder}/cache"},
        [{"LookUp": {"cached_files": 0, "files_to_count": 1}}, {"LookUp": {"cached_files": 1, "files_to_count": 0}}],
    ),
    ({"split.duplicates": "first"}, [{"Survey": {"surveyed_rows": 6}}]),
]


@pytest.mark.parametrize(("settings", "others"), COUNTED)
def test_stages_count_what_they_do(
    settings: dict[str, str],
    others: list[dict[str, dict[str, int]]],
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results: list[PipelineResult] = []
    finish = monitor.finish

    def keep(result: PipelineResult, **named: Any) -> str:
        results.append(result)
        return finish(result, **named)

    monkeypatch.setattr(job_run, "finish", keep)
    settings = {name: value.format(folder=tmp_path) for name, value in settings.items()}
    for other in others:
        folder = run_job(source, tmp_path / "out", {**SETTINGS, **settings}, overwrite=True)
        found = counters_of(results[-1])
        assert found["Read"].pop("token_bytes") > 0
        assert found == {
            "Tasks": {"task_groups": 1},
            "Read": {"rows_to_count": 6},
            "CountWords": {"distinct_tokens": 3},  # a, b, c
            "BuildVocabulary": {"words": 3},
            "MapToIds": {"rows": 6, "rejected_rows": 2, "tokens": 7, "tokens_of_text": (7, 4, 1, 2)},
            "WriteRecords": {
                "shards": 3,
                "records": 4,
                "record_bytes": sum(file.stat().st_size for file in (folder / "records").iterdir()),
            },
            "WriteRejected": {"listed_rows": 2},
            "Report": {"compared_rows": 4, "published": 1},
            **other,
        }


def test_stages_are_documented() -> None:
    page = (REPOSITORY / "docs" / "reference" / "stages.md").read_text()
    stages, counters = page.split("\n| counter | counts |\n")
    rows = [re.findall(r"`(\w+)`", line) for line in stages.splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == list(STAGES)
    listed = [re.findall(r"`(\w+)`", line.split("|")[4]) for line in stages.splitlines() if line.startswith("| `")]
    assert list(map(tuple, listed)) == list(STAGES.values())
    explained = [name for line in counters.splitlines() if line.startswith("| `") for name in re.findall(
        r"`(\w+)`", line.split("|")[1])]  # fmt: skip
    assert explained == [name for names in STAGES.values() for name in names]
