"""What an exported model of either subject is asked by: its words, and the name of the signature that scores.

Imports no TensorFlow, because cold_start.py measures that import.
"""

from collections.abc import Container
from pathlib import Path

from pipeline.records_folder.vocabulary_tsv import parse_columns


def words(folder: str | Path) -> list[str]:
    """The words of a model's vocabulary, by rising id."""
    (path,) = (Path(folder) / "assets").iterdir()
    return parse_columns(path.read_bytes(), path=str(path)).tokens


def scoring_signature(signatures: Container[str]) -> str:
    """The name of the signature that takes serialized tf.Examples: ours, or the only one of a TFX-way export.

    >>> scoring_signature({"serving_default", "serve_examples"}), scoring_signature({"serving_default"})
    ('serve_examples', 'serving_default')
    """
    return "serve_examples" if "serve_examples" in signatures else "serving_default"
