"""The results of all stages -> the manifest, or the error that says why there is no records folder.

Pure: results in, the typed manifest out. records_folder/manifest.py states what each key means.
"""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from pipeline.config.settings import Config
from pipeline.contract import MANIFEST_FILE, SPLITS, UNLABELLED, UNLABELLED_INDEX, Split, Unlabelled
from pipeline.errors import UserError
from pipeline.job.check_results import check_results
from pipeline.job.plan import record_form
from pipeline.job.results import JobResults
from pipeline.job.unlabelled_summary import unlabelled_summary
from pipeline.records_folder.lake_table_read import LakeTableRead
from pipeline.records_folder.manifest import (
    MAX_MANIFEST_BYTES,
    InputSummary,
    Manifest,
    RecordsConfig,
    Sample,
    SplitSummary,
    VocabularySummary,
    to_json,
    with_checksum,
)
from pipeline.records_folder.reader import parse_manifest
from pipeline.records_folder.record_files import RecordForm, Shard, UnlabelledSummary
from pipeline.records_folder.rejected_summary import RejectedSummary
from pipeline.records_folder.text_findings import DistinctiveWordsSummary, DuplicatesSummary
from pipeline.sources.label_sets import set_name
from pipeline.statistics import distinctive_words, duplicates, groups, text_quality
from pipeline.statistics.label_sets import label_sets_summary
from pipeline.statistics.split_statistics import Sample as SampledRow
from pipeline.statistics.split_statistics import SplitStatistics, split_summary
from pipeline.support.version import VERSION
from pipeline.vocabulary import count_tables
from pipeline.vocabulary.cached_counting import total_cache_use

_PACKAGES = ("apache-beam", "tensorflow", "tensorflow-transform", "pyarrow", "numpy")


# Ids of all samples of a split: 16 samples of 65,536 ids. With more the manifest would pass MAX_MANIFEST_BYTES.
_SAMPLED_IDS = 1 << 20


def build(results: JobResults, config: Config, *, max_labels: int) -> Manifest:
    """The manifest, without advice.

    Raises:
      UserError: the rows make no records to learn from, see `check_results`.
    """
    check_results(results, config, max_labels=max_labels)
    with_rejects, files = results.files_with_rejects
    form = record_form(config)
    return Manifest(
        config=RecordsConfig.model_validate(config.model_dump()),
        versions={"textrecords": VERSION, "python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
        labels=list(results.labels),
        record=form,
        input=_input(results),
        vocabulary=VocabularySummary(
            size=len(results.words.ids),
            tokens=results.summary.total,
            distinct_tokens=results.summary.distinct,
            sha256=results.files[0].sha256,
            origin=results.origin,
            cache=None if results.cache_use is None else total_cache_use(results.cache_use),
        ),
        coverage=count_tables.coverage_curve(results.summary, words=len(results.words.ids)),
        splits={split: _split(index, results, form) for index, split in enumerate(SPLITS)},
        label_sets=label_sets_summary(results.train, labels=results.labels) if form.several_labels else None,
        unlabelled=_unlabelled(results),
        files=list(results.files),
        groups=groups.groups_summary(results.groups),
        rejected=RejectedSummary(
            rows=sum(results.rejected.by_reason.values()),
            by_reason=results.rejected.by_reason,
            asked_for=results.asked_for,
            examples=results.rejected.examples,
            with_rejects=with_rejects,
            files=files,
        ),
        duplicates=_duplicates(results),
        quality=text_quality.quality_summary(
            results.quality,
            wordless=sum(part.wordless_texts for index, part in results.splits.items() if index != UNLABELLED_INDEX),
        ),
        distinctive_words=_distinctive_words(results),
        samples=_samples(results, form, max_length=config.sequence.max_length),
    )


def content(manifest: Manifest) -> bytes:
    """The bytes of manifest.json, which every reader takes.

    Raises:
      UserError: there are too many of them.
    """
    made = to_json(with_checksum(manifest))
    if len(made) > MAX_MANIFEST_BYTES:
        raise UserError(
            f"input.label_column: {len(manifest.labels)} labels make a manifest.json of {len(made) >> 20} MB; the most "
            f"is {MAX_MANIFEST_BYTES >> 20}: shorten the labels"
        )
    parse_manifest(made, path=MANIFEST_FILE)
    return made


def _input(results: JobResults) -> InputSummary:
    damaged, damaged_files = results.damaged_files
    return InputSummary(
        files=results.input_files,
        bytes=results.input_bytes,
        rows=results.input_rows,
        left_out=dict(results.left_out),
        left_out_examples=dict(results.left_out_examples),
        lake_tables=[LakeTableRead(**table._asdict()) for table in results.lake_tables],
        named_splits=dict(results.named_splits),
        left_out_rows=results.left_out_rows,
        mapped_labels=dict(results.mapped_labels),
        tables=list(results.tables),
        spanning_rows=results.findings.spanning_rows,
        repeated_headers=results.findings.repeated_headers,
        damaged=damaged,
        damaged_files=damaged_files,
    )


def _split(index: int, results: JobResults, form: RecordForm) -> SplitSummary:
    statistics = results.splits.get(index, SplitStatistics())
    shards = _shards(SPLITS[index], results)
    return split_summary(statistics, labels=results.labels, shards=shards, weighted=form.weighted)


def _unlabelled(results: JobResults) -> UnlabelledSummary | None:
    return unlabelled_summary(
        results.unlabelled,
        statistics=results.splits.get(UNLABELLED_INDEX, SplitStatistics()),
        duplicates=results.duplicates.unlabelled,
        shards=_shards(UNLABELLED, results),
    )


def _shards(split: Split | Unlabelled, results: JobResults) -> list[Shard]:
    written = sorted((shard for shard in results.shards if shard.split == split), key=lambda shard: shard.path)
    return [Shard(path=shard.path, **asdict(shard.summary)) for shard in written]


def _duplicates(results: JobResults) -> DuplicatesSummary:
    counts = [shard.duplicates for shard in results.shards if shard.split != UNLABELLED]
    return DuplicatesSummary(
        texts=sum(part.texts for part in counts),
        rows=sum(part.rows for part in counts),
        conflicting=sum(part.conflicting for part in counts),
        exact=duplicates.duplicates_by_split(results.duplicates.exact),
        normalised=duplicates.duplicates_by_split(results.duplicates.normalised),
        near=results.near,
    )


def _distinctive_words(results: JobResults) -> DistinctiveWordsSummary:
    return distinctive_words.distinctive_words_summary(
        results.train.words,
        label_rows=[results.train.labels[index] for index in range(len(results.labels))],
        labels=results.labels,
        tokens=dict(zip(results.words.ids, results.words.tokens, strict=True)),
        rows=results.train.rows,
    )


def _samples(results: JobResults, form: RecordForm, *, max_length: int) -> list[Sample]:
    """Rows with their texts and ids; the export checks the model with them."""
    return [
        Sample(
            split=SPLITS[index],
            text=sample.text.decode(),
            **_labels_of_sample(sample, results.labels, several=form.several_labels),
            ids=list(sample.ids),
        )
        for index in sorted(results.splits)
        for sample in results.splits[index].samples[: max(1, _SAMPLED_IDS // max_length)]
    ]


def _labels_of_sample(sample: SampledRow, labels: Sequence[str], *, several: bool) -> dict[str, Any]:
    if not several:
        return {"label": labels[sample.label]}
    own = [labels[index] for index in sample.labels]
    return {"label": set_name(own), "labels": own}
