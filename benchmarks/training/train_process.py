"""A fresh process that trains and prints as JSON how long that took.

Call: `python -m benchmarks.training.train_process WAY RECORDS SEED EPOCHS`.

WAY is `bucketed` (as `trainer train` does), `padded` (the same without trimming), `fit` (plain Keras on padded arrays)
or `feeding`, which reads the train split as batches and learns nothing.

    import_seconds   TensorFlow, Keras and what trains
    first_seconds    two steps, the graph's tracing included
    epoch_seconds    each epoch: reading and steps, no evaluation
    accuracy         of the test split after the last epoch
"""

import json
import math
import sys
import time

_BEGIN = time.perf_counter()

from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from typing import Any  # noqa: E402

from pipeline.support.process import quick_imports  # noqa: E402
from pipeline.support.tensorflow_startup import import_tensorflow  # noqa: E402

with quick_imports():
    import_tensorflow()
    import keras
    import numpy as np
    import tensorflow as tf

    from benchmarks.peers import plain_fit, row_input
    from pipeline.config.settings import ModelSettings, TrainingSettings
    from trainer.data.dataset import LabelledBatch, batch_count, evaluation_batches, training_batches
    from trainer.data.records_folder import RecordsFolder, open_records_folder
    from trainer.evaluation.scoring import SplitScorer
    from trainer.model.classifier import build_model
    from trainer.training.objective import PLAIN, Objective
    from trainer.training.step import TrainingStep

_IMPORTED = time.perf_counter() - _BEGIN
_ROUNDS = 3
# Of two ways in turn.
_WEIGHED_STEPS, _WEIGHED_ROUNDS = 20, 12


def main(way: str, folder: str, seed: str, epochs: str) -> None:
    """Prints the figures."""
    records = open_records_folder(folder)
    settings = TrainingSettings(seed=int(seed), epochs=int(epochs))
    keras.utils.set_random_seed(settings.seed)
    if way == "feeding":
        figures = _feeding(records, settings)
    elif way == "weights":
        figures = _weights(records, settings)
    elif way == "fit":
        figures = _plain(records, settings)
    else:
        figures = _ours(records, settings, trim=way == "bucketed")
    print(json.dumps({"import_seconds": _IMPORTED, **figures}))


def _ours(records: RecordsFolder, settings: TrainingSettings, *, trim: bool) -> dict[str, Any]:
    model = build_model(
        records.vocabulary_size, ModelSettings(), scheme=records.scheme, padding=records.sequence.padding
    )
    steps = batch_count(records, "train", batch_size=settings.batch_size)
    training_step = TrainingStep(model, settings, steps=settings.epochs * steps)

    def learn(epoch: int, *, most: int = -1) -> None:
        batches = training_batches(records, batch_size=settings.batch_size, trim=trim, seed=settings.seed, epoch=epoch)
        for batch in batches.take(most):
            training_step.run(batch.ids, batch.labels)
        training_step.averages()  # waits for the last step

    first = _seconds(lambda: learn(settings.epochs, most=2))
    times = [_seconds(partial(learn, epoch)) for epoch in range(settings.epochs)]
    metrics = SplitScorer(model, records, "test", batch_size=settings.batch_size).score().metrics
    return {"first_seconds": first, "epoch_seconds": times, "accuracy": metrics["accuracy"]}


def _plain(records: RecordsFolder, settings: TrainingSettings) -> dict[str, Any]:
    arrays = {
        split: plain_fit.padded_arrays(
            [
                (batch.ids.numpy(), batch.labels.numpy())
                for batch in evaluation_batches(records, split, batch_size=1024, trim=False)
            ]
        )
        for split in ("train", "test")
    }
    ids, labels = arrays["train"]
    plain = plain_fit.PlainFit(ids, labels, words=records.vocabulary_size, model=ModelSettings(), training=settings)
    first = _seconds(plain.first_steps)
    times = [_seconds(plain.epoch) for _ in range(settings.epochs)]
    ids, labels = arrays["test"]
    accuracy = float(np.mean((plain.scores(ids) > 0.5) == (labels == 1)))
    return {"first_seconds": first, "epoch_seconds": times, "accuracy": accuracy}


def _feeding(records: RecordsFolder, settings: TrainingSettings) -> dict[str, Any]:
    """Seconds and CPU seconds of an epoch's input, by way, in turn."""
    size = settings.batch_size
    ways: dict[str, Callable[[int], tf.data.Dataset]] = {
        "bucketed": lambda epoch: training_batches(
            records, batch_size=size, trim=True, seed=settings.seed, epoch=epoch
        ),
        "rows": lambda _: row_input.batched(records, batch_size=size),
        "bucket_by_sequence_length": lambda _: row_input.bucketed(records, batch_size=size),
    }
    figures: dict[str, Any] = {way: {"seconds": [], "cpu_seconds": []} for way in ways}
    wanted = records.splits["train"].rows
    for epoch in range(_ROUNDS + 1):
        for way, batches in ways.items():
            begin, cpu = time.perf_counter(), time.process_time()
            rows = sum(int(labels.shape[0]) for _, labels, *_ in batches(epoch))
            taken = time.perf_counter() - begin, time.process_time() - cpu
            if rows != wanted:
                raise SystemExit(f"{way} gave {rows} of {wanted} rows")
            if epoch:  # the first one only warms up
                figures[way]["seconds"].append(taken[0])
                figures[way]["cpu_seconds"].append(taken[1])
    return figures


def _weights(records: RecordsFolder, settings: TrainingSettings) -> dict[str, Any]:
    """Seconds of steps without weights, and with those of rows and labels, in turn, on the same batches."""
    draw = np.random.default_rng(settings.seed)
    batches = [
        batch._replace(weights=tf.constant(draw.uniform(0.5, 2, batch.labels.shape[0]), tf.float32))
        for batch in training_batches(
            records, batch_size=settings.batch_size, trim=True, seed=settings.seed, epoch=0
        ).take(_WEIGHED_STEPS)
    ]
    ways = {"plain_seconds": PLAIN, "weighted_seconds": Objective(is_weighted=True, class_weights=(0.5, 2.0))}
    steps = {}
    for name, objective in ways.items():
        keras.utils.set_random_seed(settings.seed)
        model = build_model(
            records.vocabulary_size, ModelSettings(), scheme=records.scheme, padding=records.sequence.padding
        )
        steps[name] = TrainingStep(model, settings, steps=10_000, objective=objective)
    # Each batch by both ways, one after the other, and the quickest round of each batch: another program on the machine
    # makes a step slower and none quicker.
    quickest = {name: [math.inf] * len(batches) for name in ways}
    for turn in range(_WEIGHED_ROUNDS + 1):
        for place, batch in enumerate(batches):
            for name, step in steps.items() if turn % 2 else reversed(steps.items()):
                taken = _seconds(partial(_run, step, batch))
                if turn:  # the first one traces
                    quickest[name][place] = min(quickest[name][place], taken)
    return {name: [sum(times)] for name, times in quickest.items()}


def _run(step: TrainingStep, batch: LabelledBatch) -> float:
    """Runs a step and waits for its end."""
    return float(step.run_batch(batch).numpy())


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(*sys.argv[1:])
