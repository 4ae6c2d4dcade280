"""What pipeline and trainer promise each other: feature names, reserved ids, file names, the format's version.

Each stands here once and nowhere else. This module knows nothing of the others.

The meaning of an id (Keras Tokenizer's):

    id 0                  padding, and nothing else
    id 1 (oov: token)     every unknown word; with oov: drop unknown words leave no id
    the ids behind        words by falling count, equal counts in order of first occurrence
    ids below top_words   `top_words` is the number of rows of the embedding
"""

from typing import Final, Literal

FORMAT_VERSION: Final = 1

# Raw features: what the transform graph takes.
TEXT: Final = "text"
POSITION: Final = "position"

# Record features: what a tf.train.Example in records/ holds.
IDS: Final = "ids"
LABEL: Final = "label"

# What the transform graph tells of a text beside its ids; counted, never stored in records.
TOKEN_COUNT: Final = "token_count"
KNOWN_COUNT: Final = "known_count"
UNKNOWN_HASH: Final = "unknown_hash"

Split = Literal["train", "eval", "test"]
SPLITS: Final[tuple[Split, ...]] = ("train", "eval", "test")

# The records folder.
MANIFEST_FILE: Final = "manifest.json"
RECORDS_FOLDER: Final = "records"
TRANSFORM_FOLDER: Final = "transform"
# Within a graph that TFT saves.
VOCABULARY_ASSET: Final = "assets/vocabulary"
VOCABULARY_FILE: Final = "vocabulary.tsv"
REJECTED_FOLDER: Final = "rejected"
# Beside or instead of these: the rejected rows of the last run, if that failed.
FAILED_FOLDER: Final = "failed"
REPORT_FILE: Final = "report.html"

# vocabulary.tsv, which is the transform graph's asset as well: a line a word, in id order, no header.
VOCABULARY_COLUMNS: Final = ("id", "token", "count")

PADDING_ID: Final = 0
PADDING_TOKEN: Final = "[PAD]"
OOV_TOKEN: Final = "[OOV]"

Oov = Literal["drop", "token"]
Compression = Literal["gzip", "none"]


def oov_id(oov: Oov) -> int | None:
    """The id of unknown words, or None where they are left out.

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


def kept_words(top_words: int, oov: Oov) -> int:
    """How many words get an id when the embedding has `top_words` rows.

    >>> kept_words(10, "drop"), kept_words(10, "token")
    (9, 8)
    """
    return top_words - first_word_id(oov)


def id_behind(last_id: int) -> int:
    """The first free id where ids up to `last_id` are given away.

    >>> id_behind(300)
    301
    """
    return last_id + 1


def rows_for(last_id: int) -> int:
    """How many rows an embedding needs for ids up to `last_id`.

    >>> rows_for(299)
    300
    """
    return last_id + 1


def kept_words_behind(last_id: int, *, top_words: int) -> int:
    """How many words can still get an id behind `last_id` when the embedding has `top_words` rows.

    >>> kept_words_behind(7, top_words=10)
    2
    """
    return top_words - id_behind(last_id)


def shard_file(split: Split, index: int, *, shards: int, compression: Compression) -> str:
    """A shard's path inside the records folder.

    >>> shard_file("train", 0, shards=2, compression="gzip")
    'records/train-00000-of-00002.tfrecord.gz'
    >>> shard_file("eval", 11, shards=12, compression="none")
    'records/eval-00011-of-00012.tfrecord'
    """
    ending = ".gz" if compression == "gzip" else ""
    return f"{RECORDS_FOLDER}/{split}-{index:05d}-of-{shards:05d}.tfrecord{ending}"
