"""Our job against the same job in plain TFT, as whole processes in turn: `python -m benchmarks.preprocessing
INPUT.parquet`.

The input has the columns text and label (an integer). What is timed is what a user waits for, imports included. Both
must write as many records as there are rows, or no figure is printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

OURS = "pipeline run"
PEER = "plain TFT on instance dicts"


def command(name: str, *, path: str, output: str) -> list[str]:
    """What is called for a competitor."""
    if name == OURS:
        settings = ["--input.path", path, "--output.path", output]
        return [sys.executable, "-m", "pipeline", "run", *settings]
    return [sys.executable, "-m", "benchmarks.peers.plain_tft", path, output]


def seconds(name: str, path: str, *, rows: int) -> float:
    """The time of one whole process."""
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/out"
        start = time.monotonic()
        subprocess.run(command(name, path=path, output=output), check=True, capture_output=True)
        taken = time.monotonic() - start
        found = count_records(Path(output))
    if found != rows:
        raise SystemExit(f"{name} wrote {found} records of {rows} rows; its time means nothing")
    return taken


def count_records(folder: Path) -> int:
    """Records in all gzip TFRecord files below a folder, counted by TensorFlow."""
    import tensorflow as tf

    files = [str(file) for file in sorted(folder.rglob("*.tfrecord.gz"))]
    return int(tf.data.TFRecordDataset(files, "GZIP").reduce(0, lambda count, _: count + 1))


def main(arguments: Sequence[str] | None = None) -> None:
    """Times both in turn and prints each one's median, spread and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("input")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    known = parser.parse_args(arguments)
    rows = pq.read_metadata(known.input).num_rows
    taken: dict[str, list[float]] = {OURS: [], PEER: []}
    for _ in range(known.repeats):
        for name, times in taken.items():
            times.append(seconds(name, known.input, rows=rows))
    ratio = statistics.median(taken[OURS]) / statistics.median(taken[PEER])
    if known.json:
        print(json.dumps({"rows": rows, "seconds": taken, "ratio": ratio}))
        return
    print(f"{rows} rows, {known.repeats} runs each, in turn")
    for name, times in taken.items():
        print(f"{name:28} median {statistics.median(times):6.1f} s   from {min(times):.1f} to {max(times):.1f}")
    print(f"ratio of the medians         {ratio:6.2f}")


if __name__ == "__main__":
    main()
