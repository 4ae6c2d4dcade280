"""The arguments of `python -m trainer`: commands, options and their help. In: the functions of the commands."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pipeline.config.parser import CONFIG_HELP, OTHER_SECTIONS_HELP, SETTINGS_HELP, Parser
from pipeline.config.paths import expand_home

Command = Callable[[argparse.Namespace, dict[str, str]], int]

_STATUS_HELP: Final = """\
Exit status: 0 done, 2 a mistake in the arguments or files (one line on stderr), 1 anything else{more}.\
"""
# Options of `vectors`, their defaults and meanings; a test compares them with SkipGramSettings.
VECTOR_OPTIONS: Final = (
    ("dim", "model.embedding_dim", "numbers of a vector"),
    ("window", "5", "words before and after a word that it should predict"),
    ("epochs", "5", "passes over the texts"),
    ("negative", "5", "drawn words to each word that is right"),
    ("min_count", "5", "rarer words get no vector"),
    ("seed", "0", "of the first vectors and of all draws"),
    ("workers", "1", "threads; with 1 the same vectors come out each time, with more they come sooner"),
)


def command_parser(runs: Mapping[str, Command]) -> Parser:
    """The parser of `python -m trainer`. What it parses has `run`, the function of the command; by its name."""
    status = _STATUS_HELP.format(more="")
    parser = Parser(prog="trainer", description="A records folder -> a model that takes raw text.", epilog=status)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_train(commands, runs)
    _add_vectors(commands, runs)
    _add_sweep(commands, runs)

    decide = _model_command(
        commands,
        "decide",
        "another version with other thresholds, costs or calibration, without a training",
        runs["decide"],
        settings=["decision", "export.path"],
    )
    decide.description = (
        "another version with other thresholds, costs or calibration, without a training\n\n"
        "Settings of decision that are not given stay those of the model; a threshold takes the place of costs.\n"
        "The new version goes beside the model's own, or to export.path if that is given."
    )
    decide.add_argument("--dry-run", action="store_true", help="show what it would cost, and publish nothing")
    _add_json(decide)

    evaluate = _model_command(
        commands,
        "evaluate",
        "score raw labelled text through an exported model",
        runs["evaluate"],
        settings=["input", "metrics"],
    )
    evaluate.add_argument(
        "--input", type=expand_home, nargs="+", metavar="FILE", help="files, folders or globs (default: input.path)"
    )
    evaluate.add_argument("--format", metavar="FORMAT", help="input.format")
    evaluate.add_argument("--text_column", metavar="NAME", help="input.text_column; [a, b] joins several columns")
    evaluate.add_argument("--label_column", metavar="NAME", help="input.label_column")
    evaluate.add_argument("--config", type=expand_home, metavar="FILE", help=CONFIG_HELP)
    _add_json(evaluate)

    _add_predict(commands, runs)

    explain = _model_command(commands, "explain", "text -> tokens -> ids -> vectors, step by step", runs["explain"])
    explain.add_argument("text", nargs="+", metavar="TEXT")
    _add_json(explain)

    verify = _model_command(commands, "verify", "replay the model's equality certificate", runs["verify"])
    verify.add_argument("--url", metavar="URL", help="ask a TensorFlow Serving: http://HOST:8501/v1/models/NAME")
    verify.add_argument("--tolerance", type=float, metavar="X", help="how far scores may differ (default: 1e-5)")
    verify.epilog = _STATUS_HELP.format(more=",\nan answer that differs included")
    return parser


def _add_train(commands: "argparse._SubParsersAction[Parser]", runs: Mapping[str, Command]) -> None:
    train = commands.add_parser(
        "train",
        help="records folder -> trained model, evaluation, exported SavedModel",
        description="records folder -> trained model, evaluation, exported SavedModel\n\n"
        f"{SETTINGS_HELP}{OTHER_SECTIONS_HELP}",
        epilog=_STATUS_HELP.format(more=""),
        settings=["output.path", "embedding", "model", "training", "metrics", "decision", "export"],
    )
    train.add_argument("--config", type=expand_home, metavar="FILE", help=CONFIG_HELP)
    train.add_argument("--resume", action="store_true", help="go on with the training that training.path holds")
    train.set_defaults(run=runs["train"])


def _add_vectors(commands: "argparse._SubParsersAction[Parser]", runs: Mapping[str, Command]) -> None:
    what = "word vectors from the texts of a records folder, those without labels too"
    vectors = commands.add_parser(
        "vectors",
        help=what,
        description=f"{what}: skip-gram with negative sampling\n\n"
        "The texts are those of train and of input.unlabelled, cut to sequence.max_length ids as the records are.\n"
        f"Needs pip install 'textrecords[vectors]'.\n\n{SETTINGS_HELP}{OTHER_SECTIONS_HELP}",
        epilog=_STATUS_HELP.format(more=""),
        settings=["output.path", "embedding.from", "model.embedding_dim"],
    )
    vectors.add_argument("--config", type=expand_home, metavar="FILE", help=CONFIG_HELP)
    vectors.add_argument(
        "--output",
        type=expand_home,
        metavar="FILE",
        help="binary if the name ends in .bin, else text (default: embedding.from, or out/vectors.bin)",
    )
    for name, default, meaning in VECTOR_OPTIONS:
        vectors.add_argument(f"--{name}", type=int, metavar="N", help=f"{meaning} (default: {default})")
    vectors.add_argument("--show", nargs="+", default=[], metavar="WORD", help="words to show the nearest words of")
    vectors.add_argument("--resume", action="store_true", help="go on after the last complete epoch of a killed run")
    vectors.add_argument("--overwrite", action="store_true", help="replace the file that is there")
    vectors.set_defaults(run=runs["vectors"])


def _add_sweep(commands: "argparse._SubParsersAction[Parser]", runs: Mapping[str, Command]) -> None:
    what = "many trainings on one records folder -> the best settings"
    sweep = commands.add_parser(
        "sweep",
        help=what,
        description=f"{what}\n\n"
        "SPACE.yaml names settings and what to try: {values: [...]} or {low: 0, high: 1, log: false, int: false}.\n"
        f"Needs pip install 'textrecords[sweep]'.\n\n{SETTINGS_HELP}{OTHER_SECTIONS_HELP}",
        epilog=_STATUS_HELP.format(more=""),
        settings=["output.path", "embedding", "model", "training"],
    )
    sweep.add_argument("space", type=expand_home, metavar="SPACE.yaml", help="which values of which settings to try")
    sweep.add_argument("--config", type=expand_home, metavar="FILE", help=CONFIG_HELP)
    sweep.add_argument(
        "--output",
        type=expand_home,
        default="out/sweep",
        metavar="DIR",
        help="study, trainings and page (default: %(default)s)",
    )
    sweep.add_argument("--trials", type=_count, default=20, metavar="N", help="trainings in all (default: %(default)s)")
    sweep.add_argument(
        "--sampler",
        choices=("tpe", "random", "grid"),
        default="tpe",
        help="which values come next (default: %(default)s)",
    )
    sweep.add_argument(
        "--at_once", type=_count, metavar="N", help="trainings at the same time (default: as many as fit in memory)"
    )
    sweep.add_argument("--resume", action="store_true", help="go on with the sweep that --output holds")
    sweep.set_defaults(run=runs["sweep"])


def _count(text: str) -> int:
    """A number from 1 on.

    >>> _count("3")
    3
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def _add_predict(commands: "argparse._SubParsersAction[Parser]", runs: Mapping[str, Command]) -> None:
    predict = _model_command(
        commands, "predict", "labels and probabilities for texts", runs["predict"], settings=["input"]
    )
    predict.add_argument("text", nargs="*", metavar="TEXT", help="without any, and without --input: the lines of stdin")
    predict.add_argument(
        "--input",
        type=expand_home,
        nargs="+",
        metavar="FILE",
        help="files, folders or globs, answered in this order (a folder's or glob's files by path), each file once: "
        ".csv, .tsv, .jsonl, .parquet, .arrow, .orc, .avro, .tfrecord; any other: a text a line",
    )
    predict.add_argument(
        "--format",
        metavar="FORMAT",
        help="auto (default: names and content tell), csv, tsv, jsonl, parquet, arrow, orc, avro, tfrecord, "
        "folders (a file a text), lines (a text a line)",
    )
    predict.add_argument("--text_column", metavar="NAME", help="the column of the texts, or [a, b] (default: text)")
    predict.add_argument("--output", type=expand_home, metavar="FILE", help="write JSON lines there")
    _add_json(predict)


def _model_command(
    commands: "argparse._SubParsersAction[Parser]", name: str, what: str, run: Command, settings: Sequence[str] = ()
) -> Parser:
    description = f"{what}\n\n{SETTINGS_HELP}" if settings else what
    epilog = _STATUS_HELP.format(more="")
    parser = commands.add_parser(name, help=what, description=description, epilog=epilog, settings=settings)
    parser.add_argument(
        "--model",
        type=expand_home,
        required=True,
        metavar="DIR",
        help="export.path (the newest version in it), or a version",
    )
    parser.set_defaults(run=run)
    return parser


def _add_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
