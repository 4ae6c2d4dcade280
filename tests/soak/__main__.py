"""`python -m tests.soak [PART ...]`: runs parts of the soak and prints a table; ends with 1 if a promise was broken."""

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Final, cast

from pipeline.support.tensorflow_startup import import_tensorflow
from tests.soak.part import TABLE_HEAD, RunPart, timed
from tests.support.paths import REPOSITORY

# Part -> its module.
MODULES: Final = {
    "job-kills": "job_kills",
    "training-kills": "training_kills",
    "manifests": "manifest_mutations",
    "bad-rows": "bad_rows",
    "bit-flips": "bit_flips",
    "requests": "requests",
}
# Part -> tries of the long form, tries of `--short`.
TRIES: Final = {
    "job-kills": (100, 2),
    "training-kills": (50, 1),
    "manifests": (200, 20),
    "bad-rows": (1_000_000, 2_000),
    "bit-flips": (2_000, 40),
    "requests": (100_000, 50),
}


def main() -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(TRIES)}; all of them if none is given")
    parser.add_argument("--short", action="store_true", help="few tries: whether it works")
    parser.add_argument("--tries", type=int, help="tries of each part")
    parser.add_argument("--seed", type=int, default=0, help="another seed chooses other moments (default: 0)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "build" / "soak.jsonl", help="a line a part")
    known = parser.parse_args()
    unknown = sorted(set(known.parts) - set(TRIES))
    if unknown:
        parser.error(f"there is no part {unknown[0]}; there are {', '.join(TRIES)}")
    import_tensorflow(beside_transform=True)
    parts = []
    known.results.parent.mkdir(parents=True, exist_ok=True)
    for name in known.parts or TRIES:
        tries = known.tries or TRIES[name][known.short]
        with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as folder:
            part = timed(_part(name), tries, Path(folder) / "part", known.seed)
        parts.append(part)
        with known.results.open("a") as results:
            results.write(json.dumps({**vars(part), "outcomes": dict(part.outcomes)}) + "\n")
        print(f"{part.row()}\n" + "".join(f"  {failure}\n" for failure in part.failures), end="", flush=True)
    print("", TABLE_HEAD, *(part.row() for part in parts), sep="\n")
    return 1 if any(part.failed for part in parts) else 0


def _part(name: str) -> RunPart:
    """The function of a part; its module is imported only now, since most load TensorFlow or Beam."""
    return cast(RunPart, importlib.import_module(f"tests.soak.{MODULES[name]}").run)


if __name__ == "__main__":
    sys.exit(main())
