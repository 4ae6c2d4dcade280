"""What all peers share: the settings of the job, and marks that say when a part was done. Imports nothing heavy."""

import os
import re
import time

SPLITS = ("train", "eval", "test")
TOP_WORDS = 5000
MAX_LENGTH = 500

# Keras's default filters, as a class for RE2 and for Rust's regular expressions alike.
FILTERED = "[" + re.escape('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n') + "]"

# Rows that a peer takes at once where its library takes several.
BATCH_ROWS = 1000

MARKS = "BENCHMARK_MARKS"


def mark(part: str) -> None:
    """Tells the benchmark, if it asks, that a part of the job is done now."""
    path = os.environ.get(MARKS)
    if path:
        with open(path, "a") as file:
            file.write(f"{time.time()} {part}\n")
