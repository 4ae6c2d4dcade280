"""The formats by name. A file's name -> its format.

To add a format, as Avro was added:
    1. write `avro.py` beside this file, with the functions `check` and `read` that `format.py` describes (and `cut`,
       if large files can be cut), and `AVRO = Format((".avro",), check, one_by_one(read), begins=...)`;
    2. add the line `"avro": avro.AVRO` to FORMATS below.
Files, folders, globs and content of that format are then recognised everywhere: in `run`, `evaluate` and `predict`.
For a user to name it, add it to `input.format` as well: `InputSettings` in config/input_settings.py and the comment in
pipeline.yaml (a test compares them with FORMATS).
"""

import re
from functools import lru_cache
from typing import Final

from pipeline.files.text_stream import COMPRESSIONS, compression_ending
from pipeline.sources.formats import (
    arrow,
    avro,
    bigquery,
    delimited,
    folders,
    json_lines,
    orc,
    parquet,
    sample,
    sql,
    text_lines,
    tfrecord,
)
from pipeline.sources.formats.format import Format

FORMATS: Final[dict[str, Format]] = {
    "csv": delimited.CSV,
    "tsv": delimited.TSV,
    "jsonl": json_lines.JSON_LINES,
    "parquet": parquet.PARQUET,
    "arrow": arrow.ARROW,
    "orc": orc.ORC,
    "avro": avro.AVRO,
    "tfrecord": tfrecord.TFRECORD,
    folders.NAME: folders.FOLDERS,
    bigquery.NAME: bigquery.BIGQUERY,
    sql.NAME: sql.SQL,
    text_lines.NAME: text_lines.TEXT_LINES,
    sample.NAME: sample.SAMPLE,
}

# Follows the ending of a file that is one of several: train.tfrecord-00001-of-00008.
SHARD_SUFFIX: Final = re.compile(r"-\d+-of-\d+$")


def format_named(path: str) -> str | None:
    """The format that a file's name tells; the ending of a compression is ignored.

    >>> format_named("data/reviews.JSONL.gz"), format_named("a.tfrecord-00001-of-00008"), format_named("reviews.dat")
    ('jsonl', 'tfrecord', None)
    """
    _, dot, ending = path.rpartition(".")
    if ending.lower() in COMPRESSIONS or "-of-" in ending:
        ending = ".".join(path.rsplit(".", 2)[-2:])
    return _format_of_ending(ending) if dot else None


# A million files have few endings, but each shard has its own.
@lru_cache(maxsize=1024)
def _format_of_ending(ending: str) -> str | None:
    """The format of the files whose names end so."""
    name = SHARD_SUFFIX.sub("", f".{ending}".lower())
    compression = compression_ending(name)
    if compression:
        name = name.removesuffix(f".{compression}")
    return next((format for format, known in FORMATS.items() if name.endswith(known.endings)), None)


def format_names(*, labelled: bool) -> list[str]:
    """The formats of files that a user may name; labelled: only those whose rows can have a label.

    >>> format_names(labelled=True)
    ['csv', 'tsv', 'jsonl', 'parquet', 'arrow', 'orc', 'avro', 'tfrecord', 'folders']
    """
    of_files = {name: format for name, format in FORMATS.items() if name != sample.NAME and format.plan is None}
    return [name for name, format in of_files.items() if format.has_labels or not labelled]


def database_names() -> list[str]:
    """The formats of databases, which a path's scheme tells.

    >>> database_names()
    ['bigquery', 'sql']
    """
    return [name for name, format in FORMATS.items() if format.plan is not None]
