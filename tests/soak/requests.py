"""Requests to one exported model, as a server gets them: each answer is right, and memory does not grow.

Texts are odd ones and random ones, 1 to 64 a request, by the text signature and by tf.Example. The answer to a text
must be to the bit the first answer that it got in a request of the same size, and within 1e-5 in any other.
"""

import random
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf

from tests.soak.part import Part
from tests.support.exported_models import export_unchecked, settings, trained_on
from tests.support.jobs import run_job, small_rows, write_jsonl
from trainer.savedmodel.versions import newest_version

_ODD: Final = [b"", b" ", b"\0", b"\xff\xfe", "İstanbul 日本".encode(), b"word1 " * 5000, b"\x1b[31m", b"unheard of"]
_TEXTS: Final = 500
_MOST_TEXTS: Final = 64
_TOLERANCE: Final = 1e-5
# Requests until TensorFlow has its buffers and threads; memory is compared with that after these.
_WARM_UP: Final = 1_000
_GROWTH_MB: Final = 100.0


class _Soak:
    def __init__(self, folder: Path, seed: int) -> None:
        self.draw = random.Random(seed)
        self.part = Part("requests to an exported model")
        records = run_job(write_jsonl(folder / "rows.jsonl", small_rows()), folder / "records")
        config = settings(records, folder)
        export_unchecked(trained_on(records, config), config)
        self.model = tf.saved_model.load(newest_version(config.export.path))
        words = [f"word{number}" for number in range(400)]
        drawn = [" ".join(self.draw.choices(words, k=self.draw.randrange(60))).encode() for _ in range(_TEXTS)]
        self.texts = [*_ODD, *drawn]
        self.alone = np.stack([self._scores([text], as_examples=False)[0] for text in self.texts])

    def _scores(self, texts: list[bytes], *, as_examples: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
        if not as_examples:
            return self.model.signatures["serving_default"](text=tf.constant(texts, tf.string))["scores"].numpy()
        examples = [
            tf.train.Example(
                features=tf.train.Features(
                    feature={"text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))}
                )
            ).SerializeToString()
            for text in texts
        ]
        return self.model.signatures["serve_examples"](examples=tf.constant(examples, tf.string))["scores"].numpy()

    def ask(self) -> None:
        """One request."""
        size = self.draw.choice([1, 1, 1, 2, 8, _MOST_TEXTS])
        chosen = [self.draw.randrange(len(self.texts)) for _ in range(size)]
        scores = self._scores([self.texts[index] for index in chosen], as_examples=self.draw.random() < 0.5)
        expected = self.alone[chosen]
        if scores.shape != expected.shape or not np.all(np.abs(scores - expected) <= _TOLERANCE):
            self.part.fail(f"{size} texts, first {self.texts[chosen[0]][:40]!r}: other scores")
        elif size == 1 and scores.tobytes() != expected.tobytes():
            self.part.fail(f"{self.texts[chosen[0]][:40]!r}: other bits")
        else:
            self.part.add("answered as at first")


def run(tries: int, folder: Path, seed: int) -> Part:
    """Makes `tries` requests."""
    soak = _Soak(folder, seed)
    before = _resident_mb()
    for number in range(tries):
        soak.ask()
        if number + 1 == min(_WARM_UP, tries // 2):
            before = _resident_mb()
    growth = _resident_mb() - before
    if growth > _GROWTH_MB:
        soak.part.fail(f"memory grew by {growth:.0f} MB")
    soak.part.facts["memory grew by"] = f"{growth:.0f} MB"
    return soak.part


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
