"""`python -m benchmarks SUITE ...`: measures, saves a JSON file for each suite and input, and prints its tables.

SUITES lists the suites. `all` runs each of them with its defaults. `table` writes the saved figures into the page of
the documentation that shows them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.constants import suite as constants
from benchmarks.harness import markdown_tables
from benchmarks.harness.report import RESULTS, load, save
from benchmarks.harness.suite import Suite
from benchmarks.preprocessing import suite as preprocessing
from benchmarks.quality import ablation
from benchmarks.quality import suite as quality
from benchmarks.scale import suite as scale
from benchmarks.serving import suite as serving
from benchmarks.training import suite as training
from benchmarks.ways import suite as ways
from pipeline.support.stop_signals import stop_signals

SUITES: dict[str, Suite] = {
    "preprocessing": preprocessing, "scale": scale, "constants": constants, "serving": serving, "training": training,
    "ways": ways, "quality": quality, "ablation": ablation,
}  # fmt: skip

_DOCS = Path(__file__).parent.parent / "docs"
PAGES = (_DOCS / "measurements" / "benchmarks.md", _DOCS / "explanation" / "scale.md")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what is asked for."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    known = _parser().parse_args(given)
    if known.suite == "table":
        write_tables(known.results, pages=known.pages)
        return
    for name in SUITES if known.suite == "all" else [known.suite]:
        suite = SUITES[name]
        arguments_of_suite = [name, *given[1:]]
        for report in suite.measure(_parser().parse_args(arguments_of_suite), arguments=arguments_of_suite):
            path = save(report, known.results)
            print(f"\n{suite.markdown([report])}\n\nsaved in {path}", flush=True)


def write_tables(results: Path, *, pages: Sequence[Path]) -> None:
    """Writes the tables of all saved figures into the pages, those of a suite where its marks are."""
    reports = load(results)
    for name, suite in SUITES.items():
        of_suite = [report for report in reports if report.suite == name]
        if of_suite and not any(markdown_tables.fill(page, name, suite.markdown(of_suite)) for page in pages):
            sys.exit(f"{', '.join(map(str, pages))}: no place for the tables of {name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="suite", required=True, metavar="SUITE")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="the folder of the JSON files")
    measuring = argparse.ArgumentParser(add_help=False)
    measuring.add_argument("--short", action="store_true", help="a tiny input, once: whether it works, not how fast")
    for name, suite in SUITES.items():
        suite.add_options(commands.add_parser(name, parents=[common, measuring], help=_first_line(suite)))
    commands.add_parser("all", parents=[common, measuring], help="every suite, with its defaults")
    table = commands.add_parser("table", parents=[common], help="the saved figures -> the pages that show them")
    table.add_argument("--pages", type=Path, nargs="+", default=PAGES, metavar="PAGE")
    return parser


def _first_line(suite: Suite) -> str:
    return (suite.__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    with stop_signals():
        main()
