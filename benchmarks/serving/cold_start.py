"""A fresh process that loads an exported model, asks it, and prints as JSON how long that took.

Call: `python -m benchmarks.serving.cold_start FOLDER [BYTES]`; BYTES is the size of the long text, 10 MB by default.

    import_seconds      import of TensorFlow
    load_seconds        tf.saved_model.load
    first_seconds       the first answer, to 20 words; it sets up the graph
    long_seconds        the answer to one text of BYTES
    long_bytes          memory for that answer: the rise of the process's high-water mark
    words_per_second    words that the signature token_ids looks up, if the model has it
"""

import json
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.serving.exported import scoring_signature, words

LONG_BYTES = 10_000_000
_DRAWN_BYTES = 50  # of the long text, for each word that is drawn
_TEXTS = 100


def main(folder: str, size: str = str(LONG_BYTES)) -> None:
    """Prints the figures of a model."""
    long_bytes = int(size)
    begin = time.perf_counter()
    import tensorflow as tf  # late: its time is one of the figures

    figures = {"import_seconds": time.perf_counter() - begin}
    begin = time.perf_counter()
    signatures = tf.saved_model.load(folder).signatures
    figures["load_seconds"] = time.perf_counter() - begin
    drawn = np.random.default_rng(0).choice(words(folder), long_bytes // _DRAWN_BYTES)

    def ask(text: str) -> None:
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
        example = tf.train.Example(features=tf.train.Features(feature={"text": feature})).SerializeToString()
        scores = signatures[scoring_signature(signatures)](examples=tf.constant([example]))["scores"].numpy()
        if not np.isfinite(scores).all():
            raise SystemExit(f"{folder} gives {scores}")

    figures["first_seconds"] = _seconds(lambda: ask(" ".join(drawn[:20])))
    text = " ".join(drawn)
    text = (text * (long_bytes // len(text) + 1))[:long_bytes]
    before = _high_water()
    figures["long_seconds"] = _seconds(lambda: ask(text))
    figures["long_bytes"] = _high_water() - before
    if "token_ids" in signatures:
        texts = tf.constant([" ".join(part) for part in np.array_split(drawn, _TEXTS)])
        look_up = _seconds(lambda: signatures["token_ids"](text=texts)["ids"].numpy())
        figures["words_per_second"] = len(drawn) / look_up
    print(json.dumps(figures))


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _high_water() -> float:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(kilobytes) * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
