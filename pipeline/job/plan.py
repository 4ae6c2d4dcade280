"""Settings and the files found -> the plan of a job: what is read, how it is cut, where it is built. Small and
picklable.

All that depends on the input's size is decided here and from that size alone, never from workers or cores: so the same
input gives the same bytes everywhere.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.config.settings import Config
from pipeline.contract import first_word_id
from pipeline.job.read import Reading
from pipeline.job.write import Counted, Writing
from pipeline.records_folder.manifest import VocabularyOrigin
from pipeline.sources.schema import ColumnNames
from pipeline.statistics.text_quality import Look
from pipeline.vocabulary import count_cache
from pipeline.vocabulary.imported_words import GivenWords

# With `shards: auto`, a shard for this much text: some 200,000 reviews, 53 MB as gzip.
_BYTES_A_SHARD = 256 << 20
# Of less input so many, each for so much, since a shard is ordered and compressed on one core: 6 us a record.
_FEWEST_SHARDS = 4
_FEWEST_BYTES_A_SHARD = 4 << 20
# A shard is ordered in sub-ranges of so much of the input each: 5 MB of frames if it is plain, 12 if it is Parquet.
_BYTES_A_RANGE = 8 << 20
_MOST_RANGES = 64
# A bucket of tokens for this much text; 256 MB hold about 2 million distinct tokens at the worst, a table of 100 MB.
_BYTES_A_BUCKET = 256 << 20
_MOST_BUCKETS = 1024
_FEWEST_BUCKETS = 4
# What telling words and the texts' qualities are found in: 8 ms a MB of text on one machine, 24 on another, where 16 MB
# of Parquet, 52 of text, took 0.6 of a job's 14 s on two threads. Of so much text shares are right within 1%.
_SAMPLED_BYTES = 8 << 20
_TASKS_A_REJECTED_FILE = 256


@dataclass(frozen=True)
class Plan:
    """What a job does.

    groups: how many groups of read tasks lie at tasks_path. staging: where it builds. progress_folder: where workers
    tell how far they are, or None. origin: where its vocabulary comes from, None if from the texts. temp_folder: where
    TFT keeps its own files (see runners/locations.py), None if in staging. left_out: files of folders that are no
    labelled texts, by what they are. has_nominal_ranges: some groups are ranges whose rows a scan must find, see
    sources/csv_ranges.py. waits_on_disk: records and tokens wait on the disk that all workers share, and not in the
    runner, see job/spill.py.
    """

    config: Config
    groups: int
    input_files: int
    input_bytes: int
    staging: str
    progress_folder: str | None = None
    origin: VocabularyOrigin | None = None
    temp_folder: str | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    has_nominal_ranges: bool = False
    waits_on_disk: bool = False

    @property
    def work(self) -> str:
        """Where the job keeps what is not part of its result."""
        return f"{self.staging}/work"

    @property
    def result(self) -> str:
        """Where the records folder is built, before it is published."""
        return f"{self.staging}/result"

    @property
    def transform_temp(self) -> str:
        """Where TFT keeps its own files."""
        return f"{self.temp_folder or self.work}/tft"

    @property
    def waiting(self) -> str | None:
        """Where records and tokens wait on disk, if they do; like TFT's own files it goes when the run ends."""
        return f"{self.temp_folder or self.work}/blocks" if self.waits_on_disk else None

    @property
    def keeps_tokens(self) -> bool:
        """Whether the input is read and tokenized once, and its tokens wait on disk as well. Not where counts of files
        are kept: those that have them are not tokenized in the first pass."""
        return self.waits_on_disk and self.counts_folder is None

    @property
    def tasks_path(self) -> str:
        """Where the groups of read tasks lie, see job/task_file.py."""
        return f"{self.work}/tasks"

    @property
    def summary_path(self) -> str:
        """Where the analyzer leaves the summary of all counts."""
        return f"{self.work}/counts.json"

    @property
    def given(self) -> GivenWords | None:
        """Where the words wait that have their ids already, if there are any."""
        return None if self.origin is None else GivenWords(f"{self.work}/given_words.arrow", self.origin.last_id)

    @property
    def counts_folder(self) -> str | None:
        """Where the counts of files are kept from run to run, if they are."""
        return count_cache.entries_folder(self.config)

    @property
    def refusal_path(self) -> str:
        """Where the last step says why there is no records folder, if there is none."""
        return f"{self.work}/refused.txt"

    @property
    def manifest_path(self) -> str:
        """Where the manifest waits until all else is published."""
        return f"{self.work}/manifest.json"

    @property
    def buckets(self) -> int:
        """Into how many parts the tokens are divided for merging."""
        return min(_MOST_BUCKETS, _FEWEST_BUCKETS + self.input_bytes // _BYTES_A_BUCKET)

    @property
    def rejected_files(self) -> int:
        """How many files rejected rows are divided into at most."""
        return 1 + self.groups // _TASKS_A_REJECTED_FILE

    @property
    def shards(self) -> tuple[int, int, int]:
        """How many shards each split has."""
        settings, shares = self.config.output, self.config.split
        if settings.shards != "auto":
            return settings.shards, settings.shards, settings.shards
        few = min(_FEWEST_SHARDS, self.input_bytes // _FEWEST_BYTES_A_SHARD)
        whole = max(1, few, self.input_bytes / _BYTES_A_SHARD)
        if shares.column is not None:
            return math.ceil(whole), math.ceil(whole), math.ceil(whole)
        return math.ceil(whole * shares.train), math.ceil(whole * shares.eval) or 1, math.ceil(whole * shares.test) or 1

    @property
    def ranges(self) -> int:
        """Into how many sub-ranges a shard is divided to be ordered; the records' order does not depend on it.

        One where blocks cross a shuffle: with hundreds of shards a block has few records, which would be pieces of one.
        """
        if not self.waits_on_disk:
            return 1
        return max(1, min(_MOST_RANGES, math.ceil(self.input_bytes * self.largest_share / _BYTES_A_RANGE)))

    @property
    def largest_share(self) -> float:
        """The share of all rows that the largest shard has, at the most."""
        settings = self.config.split
        fractions = (settings.train, settings.eval, settings.test) if settings.column is None else (1.0, 1.0, 1.0)
        return max(fraction / number for fraction, number in zip(fractions, self.shards, strict=True))

    @property
    def reading(self) -> Reading:
        """How its rows are read."""
        return Reading(
            columns_of(self.config),
            self.config.split,
            self.config.output.seed,
            self.progress_folder,
            Look(self.sampled, self.config.text.filters),
        )

    @property
    def sampled(self) -> float:
        """The share of the rows of which those figures are made that cost too much of all."""
        return min(1.0, _SAMPLED_BYTES / max(self.input_bytes, 1))

    @property
    def writing(self) -> Writing:
        """How its shards are written."""
        return Writing(
            folder=self.result,
            attempts=f"{self.work}/attempts",
            shards=self.shards,
            compression=self.config.output.compression,
            keeps_unknown=self.config.vocabulary.oov == "token",
            progress_folder=self.progress_folder,
            buckets=1 + min(_MOST_BUCKETS, self.input_bytes // _BYTES_A_BUCKET),
            counted=Counted(self.sampled, first_word_id(self.config.vocabulary.oov)),
            ranges=self.ranges,
            waiting=self.waiting,
        )


def columns_of(config: Config) -> ColumnNames:
    """The columns that the settings name."""
    return ColumnNames(
        text=config.input.text_column,
        label=config.input.label_column,
        id=config.input.id_column,
        split=config.split.column,
    )
