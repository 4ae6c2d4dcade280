"""What pipeline and trainer promise each other: feature names, reserved ids, file names, the format's version.

Each of them is defined here and nowhere else. This module imports no other.

The meaning of an id is that of Keras's Tokenizer:

    id 0                  padding, and nothing else
    id 1 (oov: token)     every unknown token; with `oov: drop` unknown tokens get no id
    the ids after         words by falling count, equal counts in order of first occurrence
    ids below top_words   `top_words` is the number of rows of the embedding
"""

from typing import Final, Literal

FORMAT_VERSION: Final = 1

# Raw features: what the transform graph takes.
TEXT: Final = "text"
POSITION: Final = "position"

# Record features: what a tf.train.Example in records/ holds. IDS int64 [max_length]. LABEL int64 [1]; with several
# labels a text int64 [labels], ascending, perhaps none. SLICES bytes [columns of metrics.slices], WEIGHT float32 [1]:
# only with these settings.
IDS: Final = "ids"
LABEL: Final = "label"
WEIGHT: Final = "weight"
SLICES: Final = "slices"

# What the transform graph gives for a text besides its ids. It is summed up and never stored in records.
TOKEN_COUNT: Final = "token_count"
KNOWN_COUNT: Final = "known_count"
UNKNOWN_HASH: Final = "unknown_hash"

Split = Literal["train", "eval", "test"]
SPLITS: Final[tuple[Split, ...]] = ("train", "eval", "test")

# Texts without labels have record files beside those of the splits. Where rows carry the index of their split, theirs
# is the one after the splits.
Unlabelled = Literal["unlabelled"]
UNLABELLED: Final[Unlabelled] = "unlabelled"
UNLABELLED_INDEX: Final = len(SPLITS)

# The records folder.
MANIFEST_FILE: Final = "manifest.json"
RECORDS_FOLDER: Final = "records"
TRANSFORM_FOLDER: Final = "transform"
# The vocabulary inside a graph's folder, where TFT saves its assets; the same bytes as VOCABULARY_FILE.
VOCABULARY_ASSET: Final = "assets/vocabulary"
TRANSFORM_GRAPH: Final = f"{TRANSFORM_FOLDER}/transform_fn"
VOCABULARY_IN_TRANSFORM: Final = f"{TRANSFORM_GRAPH}/{VOCABULARY_ASSET}"
VOCABULARY_FILE: Final = "vocabulary.tsv"
REJECTED_FOLDER: Final = "rejected"
# The rejected rows of the last run, if it failed; with or without a records folder around it.
FAILED_FOLDER: Final = "failed"
REPORT_FILE: Final = "report.html"
# In a folder into which a process writes: which process that is (pipeline/files/lock.py). Readers do not look at it.
LOCK_FILE: Final = ".lock"
# What a folder holds while it is published, and after a run that was killed then (pipeline/files/publication.py).
PUBLISHING_PREFIX: Final = ".publishing-"

# Columns of vocabulary.tsv and of the transform graph's asset: a line for each word, in the order of ids, no header.
VOCABULARY_COLUMNS: Final = ("id", "token", "count")

PADDING_ID: Final = 0
PADDING_TOKEN: Final = "[PAD]"

Oov = Literal["drop", "token"]
Compression = Literal["gzip", "none"]


def oov_id(oov: Oov) -> int | None:
    """The id of unknown tokens, or None if they are left out.

    >>> oov_id("token"), oov_id("drop")
    (1, None)
    """
    return PADDING_ID + 1 if oov == "token" else None


def first_word_id(oov: Oov) -> int:
    """The id of the most frequent word.

    >>> first_word_id("drop"), first_word_id("token")
    (1, 2)
    """
    return PADDING_ID + (2 if oov == "token" else 1)


def max_words(top_words: int, oov: Oov) -> int:
    """The most words that can get an id if the embedding has `top_words` rows.

    >>> max_words(10, "drop"), max_words(10, "token")
    (9, 8)
    """
    return top_words - first_word_id(oov)


def next_id(last_id: int) -> int:
    """The first free id if the ids up to `last_id` are in use.

    >>> next_id(300)
    301
    """
    return last_id + 1


def embedding_rows(last_id: int) -> int:
    """The number of rows that an embedding needs for ids up to `last_id`.

    >>> embedding_rows(299)
    300
    """
    return last_id + 1


def max_words_after(last_id: int, *, top_words: int) -> int:
    """The most words that can get an id after `last_id` if the embedding has `top_words` rows.

    >>> max_words_after(7, top_words=10)
    2
    """
    return top_words - next_id(last_id)


def shard_file(split: Split | Unlabelled, index: int, *, shards: int, compression: Compression) -> str:
    """The path inside the records folder of a shard of a split, or of the texts without labels.

    >>> shard_file("train", 0, shards=2, compression="gzip")
    'records/train-00000-of-00002.tfrecord.gz'
    >>> shard_file("eval", 11, shards=12, compression="none")
    'records/eval-00011-of-00012.tfrecord'
    """
    ending = ".gz" if compression == "gzip" else ""
    return f"{RECORDS_FOLDER}/{split}-{index:05d}-of-{shards:05d}.tfrecord{ending}"
