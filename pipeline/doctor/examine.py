"""The arguments of `run` -> all findings, and the plan of the job that they would start."""

import tempfile
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner
from rich.filesize import decimal

from pipeline.config.settings import Config
from pipeline.contract import SPLITS
from pipeline.doctor.access import FirstRows, check_input, check_output_access, check_temp_access
from pipeline.doctor.estimate import Estimate, check_machine, estimate, rough_size
from pipeline.doctor.finding import Finding, errors_as_findings
from pipeline.doctor.job_graph import JobGraph, check_job_graph, job_graph
from pipeline.doctor.options import CREDENTIALS, check_options
from pipeline.files.beam import BeamFiles, is_local, use_options
from pipeline.files.temporary import place_of_temporary_files
from pipeline.job.plan import Plan
from pipeline.job.run import make_plan
from pipeline.runners.locations import is_for_tensorflow, workers_are_here
from pipeline.runners.options import beam_options, choose_runner, holds_shuffles_in_memory, workers_here
from pipeline.runners.reach import check_servers
from pipeline.sources import InputTasks
from pipeline.sources.preview import input_lines
from pipeline.vocabulary.imported import resolve
from pipeline.vocabulary.token_check import check_tokens


class Examination(NamedTuple):
    """All findings; and what was seen of the input, and the plan, in lines for a person. No lines: it can't be read."""

    findings: list[Finding]
    plan: list[str]

    @property
    def errors(self) -> int:
        """The number of findings that would stop a run."""
        return sum(finding.level == "error" for finding in self.findings)


def examine(config: Config, beam_arguments: Sequence[str], *, overwrite: bool) -> Examination:
    """Runs every check that can be run.

    Raises:
      UserError: an argument is not an option of Beam's.
    """
    options = beam_options(beam_arguments)
    runner = choose_runner(options, input_bytes=None)
    use_options(options)
    findings = check_options(config, options, beam_arguments)
    with errors_as_findings(findings, "--runner"):
        check_servers(options)
    if any(finding.about == CREDENTIALS for finding in findings):
        return Examination(findings, [])  # each access without credentials would take half a minute to fail
    check_output_access(config, findings, overwrite=overwrite)
    check_temp_access(options, findings)
    tasks, first = check_input(config, findings)
    with closing(tasks):
        if not first.rows:
            return Examination(findings, [])
        return _examine_job(config, options, beam_arguments, tasks, first, runner=runner, findings=findings)


def _examine_job(
    config: Config,
    options: PipelineOptions,
    beam_arguments: Sequence[str],
    tasks: InputTasks,
    first: FirstRows,
    *,
    runner: PipelineRunner,
    findings: list[Finding],
) -> Examination:
    seen = input_lines(tasks, config.input, config.split, BeamFiles(), metrics=config.metrics)
    with errors_as_findings(findings, "vocabulary.from"), tempfile.TemporaryDirectory(prefix="textrecords-") as staging:
        resolved, source = resolve(config, BeamFiles())
        if source is not None:
            check_tokens(source, resolved.text)
        plan = make_plan(resolved, tasks, staging=staging, spills=holds_shuffles_in_memory(runner), source=source)
        expected = estimate(plan, tasks, first=first)
        workers = workers_here(beam_options(beam_arguments), plan.input_bytes) if plan.spills else None
        findings.extend(check_machine(expected, plan, workers_here=workers_are_here(options), in_process=workers))
        graph = job_graph(plan, options)
        findings.extend(check_job_graph(graph))
        return Examination(findings, [*seen, "", *plan_lines(plan, expected, graph)])
    return Examination(findings, seen)


def plan_lines(plan: Plan, expected: Estimate, graph: JobGraph) -> list[str]:
    """What the job would do, one line a stage."""
    parts = [*zip(SPLITS, plan.shards, strict=True), ("without labels", plan.unlabelled_shards)]
    shards = ", ".join(f"{number} {part}" for part, number in parts if number)
    unlabelled = f"; {plan.unlabelled_files:,} without labels" if plan.unlabelled_files else ""
    reads = "once, after a look at the keys and labels of all rows" if plan.surveys else "once"
    return [
        f"reads     {_number(plan.input_files, 'file')}{unlabelled}, {decimal(plan.input_bytes)}, "
        f"in {_number(plan.task_groups, 'task group')}, {reads}",
        f"          about {expected.rows:,} rows, {rough_size(expected.text_bytes)} of text",
        f"counts    words in {plan.token_buckets} buckets"
        if plan.imported_words is None
        else "counts    words that the given vocabulary lacks",
        f"writes    shards: {shards}; up to {plan.rejected_files} files of rejected rows",
        *_spill_lines(plan, expected),
        f"publishes about {rough_size(expected.output_bytes)} to {plan.config.output.path}, manifest.json last",
        f"ships     {len(graph.functions)} functions in a graph of {decimal(graph.size)}",
        f"steps     {', '.join(graph.steps)}",
    ]


def _number(number: int, name: str) -> str:
    return f"{number:,} {name if number == 1 else f'{name}s'}"


def _spill_lines(plan: Plan, expected: Estimate) -> list[str]:
    """What waits in files between the stages. Elsewhere than on this machine records go through the shuffle."""
    output = plan.config.output.path
    if plan.spills:
        where = "below it" if is_local(output) else f"in {place_of_temporary_files()}"
    else:
        where = "below it" if is_for_tensorflow(output) else "in --temp_location"
    tokens = f"          about {rough_size(expected.token_bytes)} of tokens wait {where} until they have ids"
    records = f"          about {rough_size(expected.block_bytes)} of records wait {where} until their shard is written"
    return [tokens, records] if plan.spills else [tokens]
