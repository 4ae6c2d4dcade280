"""`python -m pipeline ...`: arguments -> settings -> the function that does the work -> exit status.

This module only handles arguments. Each command imports the function that does its work when it runs, so --help and
--dry-run need neither TensorFlow nor Beam.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from pipeline.config.databases import database_format
from pipeline.config.load import load
from pipeline.config.overrides import split_overrides
from pipeline.config.parser import CONFIG_HELP, OTHER_SECTIONS_HELP, SETTINGS_HELP, Parser
from pipeline.config.paths import expand_home
from pipeline.errors import UserError
from pipeline.files.temporary import temporary_files
from pipeline.runners.common_options import FILESYSTEM_OPTIONS, JOB_OPTIONS
from pipeline.support.exit_status import run_command
from pipeline.support.lean_imports import lean_imports
from pipeline.support.output import say, say_block, warn
from pipeline.support.printable import escape_controls, json_text
from pipeline.support.process import limit_allocators, quick_imports
from pipeline.support.tensorflow_startup import import_tensorflow

if TYPE_CHECKING:
    from pipeline.config.settings import Config
    from pipeline.files.local import Files

Command = Callable[[argparse.Namespace, dict[str, str], list[str]], int]

_DESCRIBED_WORDS = 15  # the most frequent ones
_FOLDER_HELP = "a records folder, on this machine or on gs://, s3://, hdfs:// or azfs://"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status.

    0: done. 2: a mistake of the user's. 3: a limit of `compare` is exceeded. 128 + n: ended by signal n.
    1: anything else.
    """
    parser = _parser()
    given = list(sys.argv[1:] if arguments is None else arguments)
    return run_command("pipeline", lambda: _call(parser, given))


def _call(parser: Parser, arguments: list[str]) -> int:
    # Settings are taken out first: argparse would take their values for arguments of the command.
    overrides, rest = split_overrides(arguments)
    known, unknown = parser.parse_known_args(rest)
    if overrides and known.command not in (_run, _doctor, _compare):
        raise UserError(f"--{next(iter(overrides))}: this command takes no settings")
    if unknown and known.command not in (_run, _doctor, _describe, _verify, _compare):
        raise UserError(f"{unknown[0]} is not an option of this command; --help lists them")
    return known.command(known, overrides, unknown)


def _parser() -> Parser:
    parser = Parser(prog="pipeline", description="Labelled text -> a records folder, and what helps with one.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _run_parser(commands, "run", "raw text -> records folder", command=_run)
    run.add_argument("--dry-run", action="store_true", help="print the settings and what would be read, and stop")
    _run_parser(commands, "doctor", "what is wrong with a run before it starts; takes what run takes", _doctor)

    describe = _folder_parser(commands, "describe", "what a records folder holds", _describe)
    describe.add_argument("folder", type=expand_home, metavar="DIR", help=_FOLDER_HELP)
    describe.add_argument("--json", action="store_true", help="the manifest, for programs")

    verify = _folder_parser(commands, "verify", "re-hash and re-read every record", _verify)
    verify.add_argument("folder", type=expand_home, metavar="DIR", help=_FOLDER_HELP)

    what = "what changed from one records folder to another; status 3 when a limit is exceeded"
    compare = _folder_parser(commands, "compare", what, _compare, settings=["compare"])
    compare.add_argument("first", type=expand_home, metavar="DIR_A", help=_FOLDER_HELP)
    compare.add_argument("second", type=expand_home, metavar="DIR_B", help="the same, to compare with it")
    compare.add_argument("--config", type=expand_home, metavar="FILE", help=CONFIG_HELP)
    compare.add_argument("--json", action="store_true", help="for programs")

    sample = commands.add_parser("sample", help="write the built-in sample corpus")
    sample.add_argument("--rows", type=int, required=True, metavar="N", help="number of texts")
    sample.add_argument(
        "--output", type=expand_home, required=True, metavar="FILE", help=".csv, .tsv, .jsonl or .parquet"
    )
    sample.add_argument("--seed", type=int, default=0, metavar="S", help="equal seeds give equal files (default: 0)")
    sample.set_defaults(command=_sample)
    return parser


def _run_parser(commands: "argparse._SubParsersAction[Parser]", name: str, what: str, command: Command) -> Parser:
    parser = commands.add_parser(
        name,
        help=what,
        description=f"{what}\n\n{SETTINGS_HELP}{OTHER_SECTIONS_HELP}",
        settings=["input", "split", "text", "vocabulary", "sequence", "output"],
        handed_on=JOB_OPTIONS,
    )
    parser.add_argument("--config", type=expand_home, metavar="FILE", help=CONFIG_HELP)
    parser.add_argument("--overwrite", action="store_true", help="replace a records folder that is there")
    parser.set_defaults(command=command)
    return parser


def _folder_parser(
    commands: "argparse._SubParsersAction[Parser]",
    name: str,
    what: str,
    command: Command,
    settings: Sequence[str] = (),
) -> Parser:
    description = f"{what}\n\n{SETTINGS_HELP}{OTHER_SECTIONS_HELP}" if settings else what
    parser = commands.add_parser(
        name, help=what, description=description, settings=settings, handed_on=FILESYSTEM_OPTIONS
    )
    parser.set_defaults(command=command)
    return parser


def _run(known: argparse.Namespace, overrides: dict[str, str], beam_arguments: list[str]) -> int:
    config = load(_config_path(known), overrides)
    if known.dry_run:
        from pipeline.sources import plan_all
        from pipeline.sources.preview import check_input, input_lines
        from pipeline.vocabulary.imported import resolve

        paths = {
            "input.path": config.input.path,
            "input.unlabelled": config.input.unlabelled_paths,
            "vocabulary.from": config.vocabulary.source or [],
        }
        files = _files(paths, beam_arguments)
        config, _ = resolve(config, files)
        say_block(_as_yaml(config))
        tasks = plan_all(config.input, files, split=config.split, metrics=config.metrics, cuts_quoted=True)
        with closing(tasks):
            say(f"# would read {tasks.files} files in {len(tasks.groups)} groups")
            say(*map("# {}".format, input_lines(tasks, config.input, config.split, files, metrics=config.metrics)))
            check_input(tasks, config.input, config.split, files, metrics=config.metrics)
        return 0

    limit_allocators()
    with temporary_files():
        return _run_job(config, beam_arguments, overwrite=known.overwrite)


def _as_yaml(config: "Config") -> str:
    r"""The settings as YAML; with YAML's own escapes, if a value could steer the terminal.

    >>> from pipeline.config.settings import Config, InputSettings
    >>> print(*_as_yaml(Config(input=InputSettings(path="café.csv"))).splitlines()[:2], sep="\n")
    input:
      path: café.csv
    >>> print(*_as_yaml(Config(input=InputSettings(path="\u202e.csv"))).splitlines()[:2], sep="\n")
    input:
      path: "\u202E.csv"
    """
    settings = config.model_dump()
    readable = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    return readable if escape_controls(readable) == readable else yaml.safe_dump(settings, sort_keys=False)


def _run_job(config: "Config", beam_arguments: list[str], *, overwrite: bool) -> int:
    with quick_imports(), lean_imports():
        import_tensorflow(beside_transform=True)
        from pipeline.files.beam import BeamFiles
        from pipeline.job.run import run
        from pipeline.records_folder.reader import read_manifest
        from pipeline.records_folder.run_lines import run_lines
        from pipeline.support.progress_display import show_progress

    if not run(config, beam_arguments, overwrite=overwrite, display=show_progress):
        say(f"the template of the job is written; the job publishes the records in {config.output.path}")
        return 0
    say(*run_lines(read_manifest(config.output.path, BeamFiles())[1], config.output.path))
    say(
        f"records are in {config.output.path}, and report.html there shows them; "
        f"`python -m pipeline describe {shlex.quote(config.output.path)}` shows the same here"
    )
    return 0


def _doctor(known: argparse.Namespace, overrides: dict[str, str], beam_arguments: list[str]) -> int:
    config = load(_config_path(known), overrides)
    with temporary_files():
        with quick_imports(), lean_imports():
            import_tensorflow(beside_transform=True)
            from pipeline.doctor.examine import examine

        examination = examine(config, beam_arguments, overwrite=known.overwrite)
    for finding in examination.findings:
        say(f"{finding.level:8} {finding.about:24} {finding.text}")
    say("", *examination.plan, "")
    say(f"{examination.errors} to mend" if examination.errors else "ready to run")
    return 2 if examination.errors else 0


def _config_path(known: argparse.Namespace) -> str | None:
    return known.config or ("pipeline.yaml" if Path("pipeline.yaml").exists() else None)


def _describe(known: argparse.Namespace, overrides: dict[str, str], beam_arguments: list[str]) -> int:
    del overrides
    from pipeline.inspection.describe import folder_tables
    from pipeline.records_folder.reader import read_manifest
    from pipeline.records_folder.vocabulary_tsv import most_frequent, read_columns
    from pipeline.support.terminal import output_console, stack

    files = _folder_files([known.folder], beam_arguments)
    content, manifest = read_manifest(known.folder, files)
    if known.json:
        # The white space of JSON may hold a carriage return; its texts can't.
        say_block(escape_controls(content.decode().replace("\r", "")))
    else:
        words = most_frequent(read_columns(known.folder, files, sha256=manifest.vocabulary.sha256), _DESCRIBED_WORDS)
        output_console().print(stack(folder_tables(manifest, words=words)))
    return 0


def _compare(known: argparse.Namespace, overrides: dict[str, str], beam_arguments: list[str]) -> int:
    from pipeline.inspection.compare import Folder, compare
    from pipeline.inspection.compare_view import comparison_tables
    from pipeline.records_folder.reader import read_manifest
    from pipeline.records_folder.vocabulary_tsv import read_columns
    from pipeline.support.terminal import output_console, stack

    paths = [known.first, known.second]
    files = _folder_files(paths, beam_arguments)
    manifests = [read_manifest(path, files)[1] for path in paths]
    words = [
        read_columns(path, files, sha256=manifest.vocabulary.sha256)
        for path, manifest in zip(paths, manifests, strict=True)
    ]
    first, second = (
        Folder(path, manifest, dict(zip(columns.tokens, columns.counts, strict=True)))
        for path, manifest, columns in zip(paths, manifests, words, strict=True)
    )
    comparison = compare(first, second, load(_config_path(known), overrides).compare)
    if known.json:
        say_block(json_text(comparison, indent=1) + "\n")
    else:
        output_console().print(stack(comparison_tables(comparison)))
    exceeded = [check for check in comparison["checks"] if check["exceeded"]]
    for check in exceeded:
        warn(f"{check['setting']}: {check['value']:.4f} is above the limit of {check['limit']:g}")
    return 3 if exceeded else 0


def _verify(known: argparse.Namespace, overrides: dict[str, str], beam_arguments: list[str]) -> int:
    del overrides
    from pipeline.inspection.verify import verify_folder

    result = verify_folder(known.folder, _folder_files([known.folder], beam_arguments))
    for problem in result.problems:
        warn(problem)
    if result.problems:
        return 1
    say(f"{known.folder}: {result.shards} shards, {result.records} records, {result.bytes} bytes, as the manifest says")
    return 0


def _folder_files(folders: list[str], beam_arguments: list[str]) -> "Files":
    if beam_arguments and not any("://" in folder for folder in folders):
        raise UserError(f"{beam_arguments[0]} is not an option of this command; --help lists them")
    return _files({"DIR": folders}, beam_arguments)


def _files(paths: Mapping[str, str | list[str]], beam_arguments: list[str]) -> "Files":
    """The filesystem for the paths of these settings: Beam's, which takes 2 s to load, only if a path has a scheme."""
    named = [(name, path) for name, value in paths.items() for path in ([value] if isinstance(value, str) else value)]
    named = [(name, path) for name, path in named if not database_format(path)]
    if not any("://" in path for _, path in named):
        from pipeline.files.local import LocalFiles

        return LocalFiles()
    with quick_imports(), lean_imports():
        import_tensorflow(beside_transform=True)
        from pipeline.files.beam import BeamFiles, check_filesystem, use_options
        from pipeline.runners.options import beam_options

    use_options(beam_options(beam_arguments))
    for name, path in named:
        check_filesystem(path, setting=name)
    return BeamFiles()


def _sample(known: argparse.Namespace, overrides: dict[str, str], rest: list[str]) -> int:
    del overrides, rest
    from pipeline.sample_corpus import write_sample

    if known.rows < 1:
        raise UserError(f"--rows is {known.rows}; it must be 1 or more")
    write_sample(known.output, known.rows, seed=known.seed)
    say(f"{known.rows} rows are in {known.output}")
    return 0
