"""What the peers that classify share: the texts, the time of an answer, and the file of figures.

A peer learns from the rows whose split is train, and is asked for those of test; the rows of eval are there for those
that choose by them. It writes figures.json into its folder.
"""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Words of the text that is answered: about the mean of IMDB's reviews.
ANSWERED_WORDS = 230
_ANSWERS = 60


class Texts(NamedTuple):
    """texts and labels (0 or 1) of a split."""

    texts: list[str]
    labels: npt.NDArray[np.int64]


def read(data: str, split: str) -> Texts:
    """The rows of a split of a Parquet file with text, label and split."""
    table = pq.read_table(data, columns=["text", "label", "split"])
    table = table.filter(pc.equal(table["split"], split))
    return Texts(table["text"].to_pylist(), np.array(table["label"].to_pylist(), np.int64))


def long_text(data: str) -> str:
    """A text of 230 words: those of the first test texts, one after the other."""
    words = " ".join(read(data, "test").texts[:50]).split()
    return " ".join(words[:ANSWERED_WORDS])


def time_answers(answer: Callable[[], Any]) -> float:
    """The median of 60 calls in seconds, after 5 that warm up."""
    seconds = []
    for _ in range(_ANSWERS + 5):
        begin = time.perf_counter()
        answer()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[5:])


def write_figures(
    folder: str, *, data: str, predicted: npt.ArrayLike, files: Sequence[str], answer: Callable[[str], Any]
) -> None:
    """Writes figures.json. predicted: of the test rows; files: of the model, in the folder; answer: of a text."""
    begin = time.perf_counter()
    figures = {
        "accuracy": float(np.mean(np.asarray(predicted) == read(data, "test").labels)),
        "size_bytes": sum((Path(folder) / name).stat().st_size for name in files),
    }
    text = long_text(data)
    figures["answer_seconds"] = time_answers(lambda: answer(text))
    write_json(str(Path(folder) / "figures.json"), {**figures, "after_seconds": time.perf_counter() - begin})


def write_json(path: str, values: dict[str, float]) -> None:
    """Writes a JSON file."""
    Path(path).write_text(json.dumps(values))
