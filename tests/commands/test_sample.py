"""The built-in corpus in processes of their own."""

import subprocess
import sys

from pipeline.sample_corpus import sample_batch


def test_sample_is_the_same_in_every_process() -> None:
    program = "from pipeline.sample_corpus import sample_batch\nprint(ascii(sample_batch(2000, 3, seed=0).to_pylist()))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        assert done.stdout == f"{sample_batch(2000, 3, seed=0).to_pylist()!a}\n"
