"""What the tests of the pipeline share: a small corpus, a job run in this process, and what it wrote."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import tensorflow as tf

from pipeline.config.load import load
from pipeline.config.settings import Config
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.run import run
from pipeline.job.stages import StageObserver, ignore_stage

Row = tuple[str, str]

# A settled order and one thread: quicker than two for a corpus of this size, and errors are easier to read.
ONE_THREAD = ("--direct_num_workers=1", "--direct_running_mode=in_memory")

SMALL_SETTINGS = {"vocabulary.top_words": "200", "sequence.max_length": "12", "output.shards": "2"}


def small_rows(number: int = 400) -> list[Row]:
    """(text, label): words that fall off as in a language, empty texts, repeated texts with one label and with two."""
    draw = random.Random(7)
    words = [f"word{index}" for index in range(300)] + ["naïve", "日本", "don't", "İstanbul"]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    rows = []
    for index in range(number):
        text = " ".join(draw.choices(words, weights, k=draw.randrange(0, 25))).capitalize() + draw.choice(
            ["", ".", "!?"]
        )
        rows.append((text, ("negative", "positive")[draw.randrange(2)]))
        if index % 40 == 0:
            rows.append((text, rows[-1][1]))
        if index % 50 == 0:
            rows.append((text, "negative"))
    return rows


def write_jsonl(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    return path


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    pa.csv.write_csv(as_table(rows), path)
    return path


def write_parquet(path: Path, rows: Sequence[Row]) -> Path:
    pa.parquet.write_table(as_table(rows), path, row_group_size=100)
    return path


def write_texts(folder: Path, texts: dict[str, str]) -> Path:
    """A file for each text; a name may hold folders."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def as_table(rows: Sequence[Row]) -> pa.Table:
    texts, labels = zip(*rows, strict=True)
    return pa.table({"text": texts, "label": labels})


@contextmanager
def no_display(_folder: str) -> Iterator[None]:
    yield


def run_job(
    source: Path | str | list[str],
    output: Path,
    settings: Mapping[str, str] | None = None,
    *,
    beam_arguments: Sequence[str] = ONE_THREAD,
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    spills: bool | None = None,
    observe: StageObserver = ignore_stage,
) -> Path:
    """Runs the whole job in this process; gives the records folder."""
    path = json.dumps(source) if isinstance(source, list) else str(source)
    overrides = {**SMALL_SETTINGS, "input.path": path, "output.path": str(output), **(settings or {})}
    run(
        load(None, overrides), beam_arguments,
        overwrite=overwrite, display=no_display, limits=limits, spills=spills, observe=observe,
    )  # fmt: skip
    return output


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_bytes())


def facts_of(folder: Path) -> dict[str, Any]:
    """The manifest, but for its checksum and the transform graph: that holds how the tokens were counted."""
    manifest = manifest_of(folder)
    del manifest["checksum"]
    manifest["files"] = [
        file for file in manifest["files"] if not file["path"].endswith(("saved_model.pb", "fingerprint.pb"))
    ]
    return manifest


def config_of(folder: Path) -> Config:
    return Config.model_validate(manifest_of(folder)["config"])


def vocabulary_of(folder: str | Path) -> list[tuple[int, str, int]]:
    """(id, token, count) of each line of vocabulary.tsv."""
    lines = (Path(folder) / "vocabulary.tsv").read_text().split("\n")[:-1]
    return [(int(number), token, int(count)) for number, token, count in (line.split("\t") for line in lines)]


def records_of(folder: Path, split: str) -> list[tuple[tuple[int, ...], int]]:
    """(ids, label) of a split's records in the order of its files, parsed by TensorFlow."""
    paths = [str(path) for path in sorted((folder / "records").glob(f"{split}-*"))]
    width = manifest_of(folder)["config"]["sequence"]["max_length"]
    features = {"ids": tf.io.FixedLenFeature([width], tf.int64), "label": tf.io.FixedLenFeature([], tf.int64)}
    found: list[tuple[tuple[int, ...], int]] = []
    for path in paths:
        for batch in tf.data.TFRecordDataset(path, "GZIP" if path.endswith(".gz") else "").batch(1000):
            parsed = tf.io.parse_example(batch, features)
            found += zip(map(tuple, parsed["ids"].numpy().tolist()), parsed["label"].numpy().tolist(), strict=True)
    return found


def record_bytes(folder: Path) -> dict[str, bytes]:
    """vocabulary.tsv and all record files by name."""
    paths = [folder / "vocabulary.tsv", *sorted((folder / "records").iterdir())]
    return {path.name: path.read_bytes() for path in paths}
