"""The settings of the job for all peers, and marks for the time of each part. Imports nothing heavy."""

import os
import re
import time

SPLITS = ("train", "eval", "test")
TOP_WORDS = 5000
MAX_LENGTH = 500

# Keras's default filters as a character class, for RE2 and for Rust's regular expressions.
FILTERED = "[" + re.escape('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n') + "]"

# Rows of a batch, for libraries that take several at once.
BATCH_ROWS = 1000

MARKS = "BENCHMARK_MARKS"


def mark(part: str) -> None:
    """Writes down for the benchmark, if it asks, that a part of the job ends now."""
    path = os.environ.get(MARKS)
    if path:
        with open(path, "a") as file:
            file.write(f"{time.time()} {part}\n")
