"""A file of which almost all rows are bad: each is in rejected/ with its reason, in bounded memory and few lines."""

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.harness.processes import measure_process
from tests.soak.part import Part

_GOOD_ROWS: Final = 5_000
# A kind of bad row. Each is a line of JSON lines.
_BAD: Final = (
    b"not JSON\n",
    b'{"text": "no label"}\n',
    b'{"label": "no text"}\n',
    b'{"text": null, "label": "a"}\n',
    b'{"text": "bytes that are not UTF-8: \xff", "label": "a"}\n',
    b'{"text": ["a", "list"], "label": "b"}\n',
)
_LIMIT_SECONDS: Final = 3600
_MAX_LINES: Final = 100


def run(tries: int, folder: Path, seed: int) -> Part:
    """One job with `tries` bad rows among 5,000 good ones."""
    draw = random.Random(seed)
    source = folder / "rows.jsonl"
    every = max(1, tries // _GOOD_ROWS)
    good = 0
    with source.open("wb") as file:
        for number in range(tries):
            if number % every == 0:
                good += 1
                words = " ".join(f"word{draw.randrange(500)}" for _ in range(20))
                file.write(json.dumps({"text": words, "label": "ab"[good % 2]}).encode() + b"\n")
            file.write(_BAD[draw.randrange(len(_BAD))])
    output = folder / "records"
    log = folder / "log"
    command = [sys.executable, "-m", "pipeline", "run", "--input.path", str(source), "--output.path", str(output)]
    measured = measure_process([*command, "--output.max_rejected=1"], log=log, limit=_LIMIT_SECONDS)
    part = Part("bad rows")
    manifest = json.loads((output / "manifest.json").read_bytes())
    reasons: Counter[str] = Counter()
    for path in sorted((output / "rejected").iterdir()):
        with path.open() as lines:
            reasons.update(json.loads(line)["reason"] for line in lines)
    part.tries = tries
    part.outcomes.update({"rejected with a reason": reasons.total()})
    lines_printed = len(log.read_text().splitlines())
    expected = {
        "rows in rejected/": (reasons.total(), tries),
        "manifest's rejected.rows": (manifest["rejected"]["rows"], tries),
        "rows used": (sum(split["rows"] for split in manifest["splits"].values()), good),
    }
    part.failures += [f"{name}: {got}, expected {wanted}" for name, (got, wanted) in expected.items() if got != wanted]
    if lines_printed > _MAX_LINES:
        part.failures.append(f"{lines_printed} lines on the terminal")
    part.failed = len(part.failures)
    part.facts["seconds"] = f"{measured.seconds:.0f}"
    part.facts["peak MB"] = f"{measured.peak_bytes / 1e6:.0f}"
    part.facts["reasons"] = str(len(reasons))
    part.facts["lines on the terminal"] = str(lines_printed)
    return part
