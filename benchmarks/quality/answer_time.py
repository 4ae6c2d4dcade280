"""A fresh process that times one answer of an exported model: `python -m benchmarks.quality.answer_time MODEL DATA`."""

import sys

from benchmarks.peers.labelled_texts import long_text, time_answers, write_json
from pipeline.support.process import quick_imports
from pipeline.support.tensorflow_startup import import_tensorflow


def main(model: str, data: str) -> None:
    """Writes answer_time.json into the working directory."""
    with quick_imports():
        import_tensorflow()
        import tensorflow as tf

    answer = tf.saved_model.load(model).signatures["serving_default"]
    text = tf.constant([long_text(data)])
    write_json("answer_time.json", {"answer_seconds": time_answers(lambda: answer(text=text)["scores"].numpy())})


if __name__ == "__main__":
    main(*sys.argv[1:])
