"""`python -m trainer ...`: arguments -> settings -> the function that does the work -> exit status.

This module parses arguments and prints results. The functions in trainer/commands/ do the work. They are imported when
a command needs them, so that --help does not load TensorFlow.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.config.input_settings import InputSettings
from pipeline.config.load import load
from pipeline.config.overrides import split_overrides
from pipeline.errors import UserError
from pipeline.files.temporary import temporary_files
from pipeline.support.exit_status import run_command
from pipeline.support.output import say, say_block, warn
from pipeline.support.printable import json_text
from pipeline.support.process import quick_imports
from pipeline.support.tensorflow_startup import import_tensorflow
from trainer.commands.arguments import input_overrides, input_settings, naming_options, refuse_empty, settings_of
from trainer.commands.parser import Command, command_parser
from trainer.devices.cluster import cluster_of
from trainer.skip_gram.settings import SkipGramSettings, skip_gram_settings
from trainer.sweep import refuse_without_optuna

# The file of the settings without --config, if the present folder has it.
_DEFAULT_CONFIG: Final = "pipeline.yaml"
# Where `vectors` writes if neither an option nor a setting says so.
_VECTORS: Final = "out/vectors.bin"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status, see `pipeline.support.exit_status`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return run_command("trainer", lambda: _parse_and_run(given))


def _parse_and_run(arguments: list[str]) -> int:
    overrides: dict[str, str] = {}
    if arguments[:1] in (["train"], ["decide"], ["evaluate"], ["predict"], ["vectors"], ["sweep"]):
        # After -- there are texts, which may look like settings.
        end = arguments.index("--") if "--" in arguments else len(arguments)
        overrides, others = split_overrides(arguments[:end])
        arguments = others + arguments[end:]
    known = command_parser(_COMMANDS).parse_args(arguments)
    refuse_empty(known)
    with temporary_files():
        return known.run(known, overrides)


def _train(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    config = load(_config_path(known), overrides)
    with quick_imports():
        import_tensorflow(look_for_devices=cluster_of(config.training) is None)
        from pipeline.support.terminal import output_console
        from trainer.commands.decision_table import decision_table
        from trainer.commands.metrics_table import metrics_table
        from trainer.commands.train import train_and_export
        from trainer.evaluation.word_counts_line import word_counts_line
        from trainer.export.fresh_process import ExportError
        from trainer.training.progress_display import show_training

    try:
        outcome = train_and_export(config, resume=known.resume, show_progress=show_training())
    except ExportError as error:
        warn(f"trainer: error: {error}")
        return 1
    if outcome is None:
        say("done; the chief (worker 0) writes the files")
        return 0
    if outcome.metrics is None:
        say("the records folder has no test rows, so there are no metrics (split.test is 0)")
    else:
        output_console().print(metrics_table(outcome.metrics, title=f"test split, epoch {outcome.best_epoch}"))
        if outcome.metrics["decision"] is not None:
            output_console().print("", decision_table(outcome.metrics["decision"], title="decided on the test split"))
        if (line := word_counts_line(outcome.metrics, has_ngrams=config.model.ngrams > 0)) is not None:
            say("", line)
    exported = outcome.exported
    say(
        "",
        f"model      {exported.path}  (checked with {exported.texts} texts in a fresh process)",
        f"training   {config.training.path}  ({', '.join(['metrics.json', 'history.csv', *config.training.track])})",
        f"look at    {outcome.page}  (curves, confusion, calibration, mistakes, nearest words)",
        f'ask it     python -m trainer predict --model {shlex.quote(config.export.path)} "a text"',
    )
    return 0


def _vectors(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    config = load(_config_path(known), overrides)
    options = {name: value for name in SkipGramSettings.model_fields if (value := getattr(known, name)) is not None}
    settings = skip_gram_settings({"dim": config.model.embedding_dim, **options})
    with quick_imports():
        import_tensorflow()
        from pipeline.support.terminal import output_console
        from trainer.commands.vectors import learn_vectors
        from trainer.commands.vectors_view import show_learning, vectors_table

    learnt = learn_vectors(
        config.output.path,
        settings,
        output=known.output or config.embedding.source or _VECTORS,
        resume=known.resume,
        overwrite=known.overwrite,
        asked=known.show,
        show_progress=show_learning(),
    )
    output_console().print(vectors_table(learnt))
    cut = f"; {learnt.truncated:,} of the texts are cut to sequence.max_length" if learnt.truncated else ""
    without = (
        f"; {learnt.left_out:,} words have a space or line feed in them and are left out" if learnt.left_out else ""
    )
    say(
        "",
        f"learnt from {learnt.tokens:,} words of {learnt.texts:,} texts, {settings.epochs} times{cut}",
        f"vectors    {learnt.path}  ({learnt.words:,} words, {settings.dim} numbers each{without})",
        f"use them   python -m trainer train --embedding.from {shlex.quote(learnt.path)} "
        f"--model.embedding_dim {settings.dim}",
    )
    return 0


def _sweep(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    refuse_without_optuna()
    from pipeline.support.terminal import output_console
    from trainer.sweep.outcome import sweep_of_options
    from trainer.sweep.view import closing_lines, sweep_table

    outcome = sweep_of_options(known, overrides, config_path=_config_path(known))
    with quick_imports():
        import_tensorflow()
        from trainer.sweep.hparams import write_hparams
    write_hparams(outcome.tensorboard, outcome.rows)
    output_console().print(sweep_table(outcome.rows, outcome.importances))
    say("", *closing_lines(outcome))
    return 0


def _decide(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    with quick_imports():
        import_tensorflow()
        from pipeline.support.terminal import output_console
        from trainer.commands.decide import decide_again
        from trainer.commands.decision_table import decision_table
        from trainer.export.fresh_process import ExportError

    try:
        outcome = decide_again(known.model, overrides, publish=not known.dry_run)
    except ExportError as error:
        warn(f"trainer: error: {error}")
        return 1
    if known.json:
        say_block(json_text(outcome.as_json(), indent=1) + "\n")
        return 0
    for note in outcome.notes:
        warn(note)
    if outcome.figures is None:
        say("the model keeps no test rows, so there is no price" if not outcome.test_rows else "nothing is decided")
    else:
        output_console().print(decision_table(outcome.figures, title=outcome.title, before=outcome.before))
    if outcome.exported is not None:
        texts = outcome.exported.texts
        say("", f"model      {outcome.exported.path}  (checked with {texts} texts in a fresh process)")
    return 0


def _evaluate(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    options = input_overrides(known)
    config = settings_of(["input", "metrics"], overrides, options, config=_config_path(known))
    with quick_imports():
        import_tensorflow()
        from pipeline.support.terminal import output_console
        from trainer.commands.evaluate import evaluate
        from trainer.commands.metrics_table import metrics_table
        from trainer.commands.tables import rejected_table
        from trainer.savedmodel.loading import open_model
        from trainer.training.progress_display import show_rows

    with naming_options(options), show_rows("evaluating") as progress:
        evaluation = evaluate(open_model(known.model), config.input, slices=config.metrics, progress=progress)
    if known.json:
        rejected = {"rows": sum(evaluation.rejected.values()), "by_reason": evaluation.rejected}
        answer = {**evaluation.metrics, "rejected": rejected, "damaged": evaluation.damaged}
        answer["left_out"] = evaluation.left_out
        say_block(json_text(answer, indent=1) + "\n")
        return 0
    output_console().print(metrics_table(evaluation.metrics, title=str(config.input.path)))
    if evaluation.rejected:
        output_console().print("", rejected_table(evaluation.rejected))
    if evaluation.left_out:
        say(f"input.label_map leaves out {evaluation.left_out:,} {'row' if evaluation.left_out == 1 else 'rows'}")
    for file, why in evaluation.damaged.items():
        say(f"{file} is damaged: {why}; only the rows before that are scored")
    return 0


def _predict(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    options = input_overrides(known)
    format = options.pop("input.format", None)  # it has more values than the setting
    settings = input_settings(overrides, options, config=None)
    is_input_given = settings.path != InputSettings().path
    if known.text and is_input_given:
        raise UserError("--input: texts are given as well; give the one or the other")
    with quick_imports():
        import_tensorflow()
        from pipeline.support.terminal import output_console
        from trainer.commands.predict import predict, write_predictions
        from trainer.commands.raw_texts import source_of_arguments, source_of_files, source_of_stream
        from trainer.commands.tables import prediction_line
        from trainer.savedmodel.loading import open_model

    model = open_model(known.model)
    if known.text:
        source = source_of_arguments(known.text)
    elif is_input_given:
        source = source_of_files(settings, format=format)
    else:
        if sys.stdin.isatty():
            warn("a text a line; Ctrl-D ends")
        source = source_of_stream(sys.stdin.buffer, settings, format=format)
    predictions = predict(model, source)
    if known.output:
        rows, without_text = write_predictions(predictions, known.output)
        note = f", {without_text} of them without a text (see 'error' there)" if without_text else ""
        say(f"{rows} rows are in {known.output}{note}")
        return 0
    terminal = output_console()
    for prediction in predictions:
        if known.json:
            say_block(prediction.as_json() + "\n")
        else:
            line = prediction_line(prediction, labels=model.info.labels, color=terminal.is_terminal)
            terminal.print(line, overflow="ellipsis", no_wrap=True)
    return 0


def _explain(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    del overrides
    with quick_imports():
        import_tensorflow()
        from pipeline.support.terminal import output_console
        from trainer.commands.explain import explain
        from trainer.commands.explain_view import explanation_view
        from trainer.savedmodel.loading import open_model

    model = open_model(known.model)
    explanation = explain(model, [os.fsencode(text) for text in known.text])
    if known.json:
        say_block(json_text(explanation.as_json()) + "\n")
    else:
        output_console().print(explanation_view(explanation, model.info))
    return 0


def _verify(known: argparse.Namespace, overrides: dict[str, str]) -> int:
    del overrides
    with quick_imports():
        import_tensorflow()
        from trainer.commands.verify import verify_files, verify_server
        from trainer.export.fresh_process import ExportError

    try:
        if known.url is not None:
            verification = verify_server(known.model, known.url, tolerance=known.tolerance)
        else:
            verification = verify_files(known.model, tolerance=known.tolerance)
    except ExportError as error:
        warn(f"trainer: error: {error}")
        return 1
    for line in verification.damages:
        warn(f"files: {line}")
    say(f"files: {verification.files_verdict}")
    for way, comparison in verification.comparisons.items():
        for difference in comparison.differences:
            warn(f"{way}: {difference}")
        verdict = f"{len(comparison.differences)} differences" if comparison.differences else "right"
        say(f"{way}: {verification.texts} texts, {verdict} (scores within {comparison.largest:.1g})")
    return 0 if verification.is_right else 1


def _config_path(known: argparse.Namespace) -> str | None:
    return known.config or (_DEFAULT_CONFIG if Path(_DEFAULT_CONFIG).exists() else None)


_COMMANDS: Final[dict[str, Command]] = {
    "train": _train,
    "vectors": _vectors,
    "sweep": _sweep,
    "decide": _decide,
    "evaluate": _evaluate,
    "predict": _predict,
    "explain": _explain,
    "verify": _verify,
}
