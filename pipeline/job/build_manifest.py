"""The results of all stages -> the manifest, or the error that says why there is no records folder.

Pure: results in, the typed manifest out. records_folder/manifest.py states what each key means.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version

from pipeline.config.settings import Config
from pipeline.contract import MANIFEST_FILE, SPLITS, UNLABELLED, UNLABELLED_INDEX, Split, Unlabelled
from pipeline.errors import UserError
from pipeline.job import rejects
from pipeline.job.row_filter import UNKNOWN_LABEL
from pipeline.job.unlabelled_summary import UnlabelledInput, unlabelled_summary
from pipeline.job.write import WrittenShard
from pipeline.records_folder.lake_table_read import LakeTableRead
from pipeline.records_folder.manifest import (
    MAX_MANIFEST_BYTES,
    CacheUse,
    DamagedFile,
    InputSummary,
    Manifest,
    RecordsConfig,
    RejectedFile,
    RejectedSummary,
    Sample,
    SplitSummary,
    StoredFile,
    TableRead,
    VocabularyOrigin,
    VocabularySummary,
    to_json,
    with_checksum,
)
from pipeline.records_folder.reader import parse_manifest
from pipeline.records_folder.record_files import Shard, UnlabelledSummary
from pipeline.records_folder.text_findings import DistinctiveWordsSummary, DuplicatesSummary, NearDuplicates
from pipeline.records_folder.vocabulary_tsv import WordColumns
from pipeline.sources.lake_snapshot import LakeVersion
from pipeline.sources.schema import ASKED_FOR, ENCODING_REMEDY, INVALID_UTF8, NO_FINDINGS, Findings
from pipeline.statistics import distinctive_words, duplicates, groups, text_quality
from pipeline.statistics.split_statistics import SplitStatistics, split_summary
from pipeline.support.version import VERSION
from pipeline.vocabulary import count_tables
from pipeline.vocabulary.cached_counting import total_cache_use

_PACKAGES = ("apache-beam", "tensorflow", "tensorflow-transform", "pyarrow", "numpy")


# Ids of all samples of a split: 16 samples of 65,536 ids. With more the manifest would pass MAX_MANIFEST_BYTES.
_SAMPLED_IDS = 1 << 20


@dataclass(frozen=True, kw_only=True)
class JobResults:
    """What the stages of a job counted and wrote.

    splits: statistics by index into SPLITS, those of texts without labels by UNLABELLED_INDEX. files_with_rejects: how
    many there are, and those with the most rejected rows. damaged_files: how many there are, and the first. unlabelled:
    what was read of texts without labels, or None without input.unlabelled. summary: of all counts of the train split
    (and of the texts without labels, if they count). words: all of vocabulary.tsv, by falling count. files:
    vocabulary.tsv, then the files of transform/. origin: of an imported vocabulary, or None. cache_use: of each group
    of read tasks, or None without a cache. left_out_rows: of input_rows, by input.label_map. mapped_labels: how many
    rows had each of its keys. findings: of all rows.
    """

    labels: Sequence[str]
    shards: Sequence[WrittenShard]
    splits: Mapping[int, SplitStatistics]
    duplicates: duplicates.TextDuplicates
    near: NearDuplicates
    groups: groups.GroupSketch
    quality: text_quality.TextQuality
    rejected: rejects.RejectCounts
    input_rows: int
    input_files: int
    input_bytes: int
    left_out: Mapping[str, int]
    left_out_examples: Mapping[str, list[str]]
    tables: Sequence[TableRead]
    lake_tables: Sequence[LakeVersion]
    named_splits: Mapping[Split, int]
    files_with_rejects: tuple[int, list[RejectedFile]]
    damaged_files: tuple[int, list[DamagedFile]]
    summary: count_tables.CountSummary
    words: WordColumns
    files: Sequence[StoredFile]
    unlabelled: UnlabelledInput | None = None
    origin: VocabularyOrigin | None = None
    cache_use: Sequence[CacheUse] | None = None
    left_out_rows: int = 0
    mapped_labels: Mapping[str, int] = field(default_factory=dict)
    findings: Findings = NO_FINDINGS

    @property
    def train(self) -> SplitStatistics:
        """The statistics of the train split."""
        return self.splits.get(SPLITS.index("train"), SplitStatistics())


def build(results: JobResults, config: Config, *, max_labels: int) -> Manifest:
    """The manifest, without advice.

    Raises:
      UserError: the rows make no records to learn from: there are none, too many were rejected, they have no token,
        fewer than two labels or more than `max_labels`.
    """
    _check(results, config, max_labels=max_labels)
    with_rejects, files = results.files_with_rejects
    return Manifest(
        config=RecordsConfig.model_validate(config.model_dump()),
        versions={"textrecords": VERSION, "python": platform.python_version()}
        | {name: version(name) for name in _PACKAGES},
        labels=list(results.labels),
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
        splits={split: _split(index, results) for index, split in enumerate(SPLITS)},
        unlabelled=_unlabelled(results),
        files=list(results.files),
        groups=groups.groups_summary(results.groups),
        rejected=RejectedSummary(
            rows=sum(results.rejected.by_reason.values()),
            by_reason=results.rejected.by_reason,
            asked_for=_asked_for(results),
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
        samples=_samples(results, max_length=config.sequence.max_length),
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


def _encoding_remedy(results: JobResults, config: Config) -> str:
    """What may help where rows are not UTF-8."""
    is_invalid = INVALID_UTF8 in results.rejected.by_reason and config.input.encoding == "auto"
    return f"; {ENCODING_REMEDY}" if is_invalid else ""


def _check(results: JobResults, config: Config, *, max_labels: int) -> None:
    path = config.input.path
    rejected = sum(results.rejected.by_reason.values()) - sum(_asked_for(results).values())
    faults = [item for item in results.rejected.by_reason.items() if item[0] not in ASKED_FOR]
    reasons = ", ".join(f"{reason} ({rows})" for reason, rows in faults[:3])
    if results.input_rows == (results.unlabelled.rows if results.unlabelled else 0):
        damaged, files = results.damaged_files
        why = f"; files that are damaged: {damaged}, the first is {files[0].file}: {files[0].why}" if damaged else ""
        raise UserError(f"input.path: there are no rows in {path}{why}")
    if not results.labels and results.rejected.by_reason.get(UNKNOWN_LABEL):
        raise UserError("split: no row is in the train split; its texts are what is learnt from")
    if len(results.labels) > max_labels:
        raise UserError(
            f"input.label_column: '{config.input.label_column}' has more than {max_labels} different labels; "
            "is it the column with the labels?"
        )
    unlabelled = results.unlabelled or UnlabelledInput(0, 0, 0, 0)
    if 0 < unlabelled.rejected < rejected:
        reasons = f"of all rejected rows {reasons}"
    for what, of_rejected, of_rows in (
        ("rows", rejected - unlabelled.rejected, results.input_rows - results.left_out_rows - unlabelled.rows),
        ("rows of input.unlabelled", unlabelled.rejected, unlabelled.rows),
    ):
        if of_rejected > config.output.max_rejected * of_rows:
            raise UserError(
                f"output.max_rejected is {config.output.max_rejected:g}, but {of_rejected} of {of_rows} {what} "
                f"can't be used: {reasons}; mend them or raise output.max_rejected{_encoding_remedy(results, config)}"
            )
    if len(results.labels) < 2:
        labels = f"only the label {results.labels[0]!r}" if results.labels else "no rows"
        left_out = f"; input.label_map leaves out {results.left_out_rows} rows" if results.left_out_rows else ""
        raise UserError(f"input.label_column: the train split has {labels}; at least two labels are needed{left_out}")
    if 0 in (results.summary.total, results.train.tokens):
        raise UserError(
            f"input.text_column: no text of the train split in '{', '.join(config.input.text_columns)}' has a word in "
            "it; is it the column with the texts, and do text.filters leave anything?"
        )
    counted = "the train split and input.unlabelled" if config.vocabulary.count_unlabelled else "the train split"
    if results.origin is None and results.summary.counts[-1] < config.vocabulary.min_count:
        raise UserError(
            f"vocabulary.min_count is {config.vocabulary.min_count}, but the most frequent word of {counted} "
            f"occurs {results.summary.counts[-1]} times; lower it"
        )
    train = results.train
    if results.origin is not None and train.unknown_tokens == train.tokens:
        raise UserError(
            f"vocabulary.from: no token of the train split is a word of {results.origin.path}; are the texts of its "
            "language, and are text.lowercase, filters and split as they were for it?"
        )


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


def _asked_for(results: JobResults) -> dict[str, int]:
    return {reason: rows for reason, rows in results.rejected.by_reason.items() if reason in ASKED_FOR}


def _split(index: int, results: JobResults) -> SplitSummary:
    shards = _shards(SPLITS[index], results)
    return split_summary(results.splits.get(index, SplitStatistics()), labels=results.labels, shards=shards)


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


def _samples(results: JobResults, *, max_length: int) -> list[Sample]:
    """Rows with their texts and ids; the export checks the model with them."""
    return [
        Sample(split=SPLITS[index], text=sample.text.decode(), label=results.labels[sample.label], ids=list(sample.ids))
        for index in sorted(results.splits)
        for sample in results.splits[index].samples[: max(1, _SAMPLED_IDS // max_length)]
    ]
