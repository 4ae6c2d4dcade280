"""Settings + number of steps -> the learning rate of each step."""

import keras

from pipeline.config.settings import TrainingSettings


def learning_rate(settings: TrainingSettings, *, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A schedule: step (from 0) -> learning rate.

    It rises linearly from 0 to `learning_rate` during the first `warmup` of the steps (a fraction). Then it is constant
    (`schedule: constant`) or falls to 0 as half a cosine wave (`schedule: cosine`). steps: of all epochs.

    >>> settings = TrainingSettings(learning_rate=0.5, warmup=0.2, schedule="cosine")
    >>> rate = learning_rate(settings, steps=10)
    >>> [round(float(rate(step)), 3) for step in (0, 1, 2, 6, 10)]
    [0.0, 0.25, 0.5, 0.25, 0.0]
    """
    warmup_steps = round(settings.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else settings.learning_rate,
        decay_steps=max(1, steps - warmup_steps),
        alpha=1.0 if settings.schedule == "constant" else 0.0,
        warmup_target=settings.learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
