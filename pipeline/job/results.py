"""What the stages of a job counted and wrote, as the last step gets it: the manifest is made of this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.contract import SPLITS, Split
from pipeline.job import rejects
from pipeline.job.unlabelled_summary import UnlabelledInput
from pipeline.job.write import WrittenShard
from pipeline.records_folder.manifest import (
    CacheUse,
    DamagedFile,
    StoredFile,
    TableRead,
    VocabularyOrigin,
)
from pipeline.records_folder.rejected_summary import RejectedFile
from pipeline.records_folder.text_findings import NearDuplicates
from pipeline.records_folder.vocabulary_tsv import WordColumns
from pipeline.sources.lake_snapshot import LakeVersion
from pipeline.sources.schema import ASKED_FOR, NO_FINDINGS, Findings
from pipeline.sources.tables import PlannedTable
from pipeline.statistics import duplicates, groups, text_quality
from pipeline.statistics.split_statistics import SplitStatistics
from pipeline.vocabulary import count_tables


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

    @property
    def asked_for(self) -> dict[str, int]:
        """Of the rejected rows, those that the settings ask to leave out, by reason."""
        return {reason: rows for reason, rows in self.rejected.by_reason.items() if reason in ASKED_FOR}


def table_summary(table: PlannedTable) -> TableRead:
    """What the manifest says of a table."""
    return TableRead(path=table.path, taken=table.taken, parts=len(table.requests), query_bytes=table.query_bytes)
