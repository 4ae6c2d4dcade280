"""The arguments of `run` -> all findings, and the plan of the job that they would start."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pipeline.config.settings import Config
from pipeline.contract import SPLITS
from pipeline.doctor.access import check_input, check_output_place, check_temp_place
from pipeline.doctor.estimate import Estimate, check_machine, estimate, told
from pipeline.doctor.finding import Finding, mistakes_as
from pipeline.doctor.job_graph import Shipment, check_shipment, shipment
from pipeline.doctor.options import CREDENTIALS, check_options
from pipeline.files.beam import BeamFiles, is_local, use_options
from pipeline.job.plan import Plan
from pipeline.job.run import make_plan
from pipeline.runners.locations import workers_are_here
from pipeline.runners.options import beam_options, blocks_wait_on_disk, choose_runner, workers_here
from pipeline.vocabulary.imported import resolve
from pipeline.vocabulary.token_check import check_tokens


class Examination(NamedTuple):
    """All that was found, and the plan in lines for a person; none where the input can't be read."""

    findings: list[Finding]
    plan: list[str]

    @property
    def errors(self) -> int:
        """How many findings stand in the way of a run."""
        return sum(finding.level == "error" for finding in self.findings)


def examine(config: Config, beam_arguments: Sequence[str], *, overwrite: bool) -> Examination:
    """Runs every check that can be run.

    Raises:
      UserError: the options for Beam are none.
    """
    options = beam_options(beam_arguments)
    runner = choose_runner(options, input_bytes=None)  # that there is such a one
    use_options(options)
    findings = check_options(config, options, beam_arguments)
    if any(finding.about == CREDENTIALS for finding in findings):
        return Examination(findings, [])  # to try the places would take half a minute each, and show the same
    check_output_place(config, findings, overwrite=overwrite)
    check_temp_place(options, findings)
    tasks, first = check_input(config, findings)
    if not first.rows:
        return Examination(findings, [])
    with mistakes_as(findings, "vocabulary.from"), tempfile.TemporaryDirectory(prefix="textrecords-") as staging:
        resolved, source = resolve(config, BeamFiles())
        if source is not None:
            check_tokens(source, resolved.text)
        plan = make_plan(resolved, tasks, staging=staging, progress_folder=None, source=source)
        plan = replace(plan, waits_on_disk=blocks_wait_on_disk(runner))
        expected = estimate(plan, tasks, first=first)
        workers = workers_here(beam_options(beam_arguments), plan.input_bytes) if plan.waits_on_disk else None
        findings.extend(check_machine(expected, plan, workers_here=workers_are_here(options), in_process=workers))
        shipped = shipment(plan, options)
        findings.extend(check_shipment(shipped))
        return Examination(findings, plan_lines(plan, expected, shipped))
    return Examination(findings, [])


def plan_lines(plan: Plan, expected: Estimate, shipped: Shipment) -> list[str]:
    """What the job would do, a line a stage."""
    shards = ", ".join(f"{number} {split}" for split, number in zip(SPLITS, plan.shards, strict=True))
    reads = "once" if plan.keeps_tokens else "twice"
    return [
        f"reads     {plan.input_files:,} files, {told(plan.input_bytes)}, in {plan.groups:,} parts, {reads}",
        f"          about {expected.rows:,} rows, {told(expected.text_bytes)} of text",
        f"counts    words in {plan.buckets} buckets"
        if plan.given is None
        else "counts    words that the given vocabulary lacks",
        f"writes    shards: {shards}; up to {plan.rejected_files} files of rejected rows",
        *_waiting_lines(plan, expected),
        f"publishes about {told(expected.output_bytes)} to {plan.config.output.path}, manifest.json last",
        f"ships     {len(shipped.pickles)} functions in a graph of {told(shipped.size)}",
        f"steps     {', '.join(shipped.steps)}",
    ]


def _waiting_lines(plan: Plan, expected: Estimate) -> list[str]:
    if not plan.waits_on_disk:
        return []
    place = "below it" if is_local(plan.config.output.path) else f"in {tempfile.gettempdir()}"
    kept = [f"          about {told(expected.kept_bytes)} of tokens wait {place} until they have ids"]
    records = f"          about {told(expected.blocks_bytes)} of records wait {place} until their shard is written"
    return [*(kept if plan.keeps_tokens else []), records]
