"""Settings and the size of the input -> the plan of a job: what it reads, how it divides the work, where it builds.

The plan is small and picklable. It depends on the size of the input, never on the number of workers or cores. So the
same input gives the same bytes everywhere.
"""

import math
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.config.settings import Config
from pipeline.contract import VOCABULARY_ASSET, Split, first_word_id, oov_id
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.memory import memory_hints
from pipeline.job.row_filter import ReadOptions
from pipeline.job.stages import StageObserver, ignore_stage
from pipeline.job.token_store import TokenPlace
from pipeline.job.write import WriteOptions
from pipeline.records.record_columns import RecordFeatures
from pipeline.records_folder.manifest import TableRead, VocabularyOrigin
from pipeline.records_folder.record_files import RecordForm
from pipeline.sources.columns import columns_of
from pipeline.sources.lake_snapshot import LakeVersion
from pipeline.statistics.text_quality import QualityOptions
from pipeline.vocabulary import count_cache
from pipeline.vocabulary.imported_words import ImportedWords


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A job.

    Args:
      config: the settings; input.several_labels is decided.
      task_groups: the number of task groups in the file at tasks_path.
      input_files, input_bytes: the number of files to read, and their size as stored.
      unlabelled_files, unlabelled_bytes: of these the texts without labels.
      tables: what is read of databases.
      left_out: numbers of files that are not read, by kind; see sources/left_out.py. left_out_examples: some of them.
      lake_tables: which versions of Delta and Iceberg tables are read. named_splits: see sources/named_splits.py.
      has_nominal_ranges: some task groups are byte ranges whose first row a scan must find; see sources/csv_ranges.py.
      origin: of an imported vocabulary, or None.
      staging: the folder where the job builds.
      temp_folder: the folder for TFT's own files and for spilled blocks, or None for `staging`; see
        runners/locations.py.
      progress_folder: the folder where workers of this machine count their rows, or None.
      lock_token: of the run's lock on the output, which publishing looks at again; None: the output is not locked.
      spills: blocks are spilled to the local disk, and do not wait in the runner's memory; see job/spill.py.
      asks_for_memory: the runner gives each step the memory that it asks for, by Beam's resource hints.
      outlives_command: no command waits for the job, so its last step removes what is left; see job/alone.py.
      limits: the sizes by which the work is divided.
      observe: called by workers at each stage.
    """

    config: Config
    task_groups: int
    input_files: int
    input_bytes: int
    staging: str
    tables: tuple[TableRead, ...] = ()
    unlabelled_files: int = 0
    unlabelled_bytes: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    left_out_examples: Mapping[str, list[str]] = field(default_factory=dict)
    lake_tables: tuple[LakeVersion, ...] = ()
    named_splits: Mapping[Split, int] = field(default_factory=dict)
    has_nominal_ranges: bool = False
    origin: VocabularyOrigin | None = None
    temp_folder: str | None = None
    progress_folder: str | None = None
    lock_token: str | None = None
    spills: bool = False
    asks_for_memory: bool = False
    outlives_command: bool = False
    limits: Limits = DEFAULT_LIMITS
    observe: StageObserver = ignore_stage

    @property
    def work_folder(self) -> str:
        """The folder for what is not part of the result."""
        return f"{self.staging}/work"

    @property
    def result_folder(self) -> str:
        """The folder where the records folder is built before it is published."""
        return f"{self.staging}/result"

    @property
    def tft_folder(self) -> str:
        """The folder for TFT's own files."""
        return f"{self.temp_folder or self.work_folder}/tft"

    @property
    def spill_folder(self) -> str | None:
        """The folder on this machine for spilled blocks and tokens, or None; it is removed when the run ends."""
        return f"{self.temp_folder or self.work_folder}/blocks" if self.spills else None

    @property
    def token_place(self) -> TokenPlace:
        """Where tokens wait between the passes, until the run ends.

        lz4 on a local disk. Through a network zstd: a third of the bytes less, and 1.5 ms of CPU a MB of text more.
        """
        if self.spill_folder is not None:
            return TokenPlace(self.spill_folder, "lz4")
        return TokenPlace(f"{self.temp_folder or self.work_folder}/tokens", "zstd")

    @property
    def surveys(self) -> bool:
        """Whether all rows are looked at before tokens are counted; see job/survey.py."""
        return self.config.split.needs_all_rows

    @property
    def tasks_path(self) -> str:
        """The file of the task groups; see job/task_file.py."""
        return f"{self.work_folder}/tasks"

    @property
    def summary_path(self) -> str:
        """The file with the summary of all counts."""
        return f"{self.work_folder}/counts.json"

    @property
    def vocabulary_path(self) -> str:
        """The file of the vocabulary until TFT copies it. No other run has its path: within a process TensorFlow shares
        tables by path."""
        return f"{self.tft_folder}/words/{posixpath.basename(VOCABULARY_ASSET)}"

    @property
    def imported_words(self) -> ImportedWords | None:
        """The file of the imported words, which have their ids already; None without `vocabulary.from`."""
        if self.origin is None:
            return None
        return ImportedWords(f"{self.work_folder}/imported_words.arrow", self.origin.last_id)

    @property
    def count_cache_folder(self) -> str | None:
        """The folder of `vocabulary.cache` in which counts of files are, or None."""
        return count_cache.entries_folder(self.config)

    @property
    def refusal_path(self) -> str:
        """The file into which the last step writes why there is no records folder."""
        return f"{self.work_folder}/refused.txt"

    @property
    def manifest_path(self) -> str:
        """The file of the manifest until everything else is published."""
        return f"{self.work_folder}/manifest.json"

    @property
    def result_files_path(self) -> str:
        """The file with the bytes of each file of the result, which publishing checks."""
        return f"{self.work_folder}/result_files.json"

    @property
    def token_buckets(self) -> int:
        """The number of buckets in which token counts are merged."""
        limits = self.limits
        return min(limits.max_buckets, limits.min_token_buckets + self.input_bytes // limits.bucket_bytes)

    @property
    def row_buckets(self) -> int:
        """The number of buckets in which rows are searched for duplicates."""
        limits = self.limits
        return min(limits.max_buckets, limits.min_row_buckets + self.input_bytes // limits.bucket_bytes)

    @property
    def rejected_files(self) -> int:
        """The largest number of files in rejected/."""
        return 1 + self.task_groups // self.limits.rejected_file_groups

    @property
    def labelled_bytes(self) -> int:
        """The size as stored of the files with labels."""
        return self.input_bytes - self.unlabelled_bytes

    @property
    def shards(self) -> tuple[int, int, int]:
        """The number of shards of each split."""
        fractions = self.config.split
        shards = self._shards_for(self.labelled_bytes)
        if self.config.output.shards != "auto" or not fractions.has_shares:
            return math.ceil(shards), math.ceil(shards), math.ceil(shards)
        train, evaluation, test = (
            math.ceil(shards * fraction) for fraction in (fractions.train, fractions.eval, fractions.test)
        )
        return train, evaluation or 1, test or 1

    @property
    def unlabelled_shards(self) -> int:
        """The number of shards of the texts without labels; 0 without input.unlabelled."""
        return math.ceil(self._shards_for(self.unlabelled_bytes)) if self.unlabelled_files else 0

    def _shards_for(self, size: int) -> float:
        """The number of shards for files of so many bytes."""
        shards, limits = self.config.output.shards, self.limits
        if shards != "auto":
            return shards
        return max(1, min(limits.small_shards, size // limits.small_shard_bytes), size / limits.shard_bytes)

    @property
    def sort_ranges(self) -> int:
        """The number of sort ranges of a shard; the order of the records does not depend on it.

        1 where blocks cross a shuffle: with hundreds of shards a block has few records, and would have pieces of one.
        """
        if not self.spills:
            return 1
        ranges = math.ceil(self.largest_shard_bytes / self.limits.sort_range_bytes)
        return max(1, min(self.limits.max_sort_ranges, ranges))

    @property
    def largest_shard_share(self) -> float:
        """The share of all rows with labels in the largest shard of a split, at most."""
        settings = self.config.split
        fractions = (settings.train, settings.eval, settings.test) if settings.has_shares else (1.0, 1.0, 1.0)
        return max(fraction / number for fraction, number in zip(fractions, self.shards, strict=True))

    @property
    def largest_shard_bytes(self) -> float:
        """Bytes of the input whose rows are in the largest shard, at most."""
        unlabelled = self.unlabelled_bytes / self.unlabelled_shards if self.unlabelled_files else 0.0
        return max(self.labelled_bytes * self.largest_shard_share, unlabelled)

    @property
    def memory_hints(self) -> dict[str, str]:
        """Beam's resource hints for the steps that merge counts and write shards; {}: the runner can use none."""
        return memory_hints(self.largest_shard_bytes) if self.asks_for_memory else {}

    @property
    def sampled_share(self) -> float:
        """The share of the rows from which distinctive words and text quality are estimated, 0 to 1."""
        return min(1.0, self.limits.sampled_bytes / max(self.labelled_bytes, 1))

    @property
    def compared_share(self) -> float:
        """The share of the rows whose ids are compared with those of the graph, 0 to 1; these rows are sampled ones."""
        return min(self.sampled_share, self.limits.compared_bytes / max(self.labelled_bytes, 1))

    @property
    def near_share(self) -> float:
        """The share of the rows among which near duplicates are searched, 0 to 1."""
        return min(1.0, self.limits.near_bytes / max(self.labelled_bytes, 1))

    @property
    def record_features(self) -> RecordFeatures:
        """What its records have besides ids and labels."""
        form = record_form(self.config)
        return RecordFeatures(form.several_labels, len(form.slices), form.weighted)

    @property
    def read_options(self) -> ReadOptions:
        """How its rows are read."""
        return ReadOptions(
            columns=columns_of(self.config.input, self.config.split, metrics=self.config.metrics),
            damaged=self.config.input.damaged,
            split=self.config.split,
            seed=self.config.output.seed,
            quality=QualityOptions(self.sampled_share, self.config.text.filters),
            progress_folder=self.progress_folder,
            features=self.record_features,
            counts_unlabelled=self.config.vocabulary.count_unlabelled,
            limits=self.limits,
            observe=self.observe,
        )

    @property
    def write_options(self) -> WriteOptions:
        """How its shards are written."""
        return WriteOptions(
            folder=self.result_folder,
            attempts_folder=f"{self.work_folder}/attempts",
            shards=self.shards,
            unlabelled_shards=self.unlabelled_shards,
            compression=self.config.output.compression,
            unknown_has_id=oov_id(self.config.vocabulary.oov) is not None,
            first_word_id=first_word_id(self.config.vocabulary.oov),
            sampled_share=self.sampled_share,
            near_share=self.near_share,
            row_buckets=self.row_buckets,
            sort_ranges=self.sort_ranges,
            spill_folder=self.spill_folder,
            progress_folder=self.progress_folder,
            limits=self.limits,
            observe=self.observe,
        )


def record_form(config: Config) -> RecordForm:
    """What the manifest says of the features of a record; `input.several_labels` of the settings is decided."""
    return RecordForm(
        several_labels=columns_of(config.input).several_labels,
        label_kind=config.input.label_kind,
        weighted=config.input.weight_column is not None,
        slices=list(config.metrics.columns),
    )
