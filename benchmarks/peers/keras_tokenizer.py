"""The job of the classic example: Keras's Tokenizer, pad_sequences, TFRecordWriter; all in memory.

Its ids must equal ours in every record.
"""

import sys

import pyarrow.compute as pc
import pyarrow.parquet as pq
import tf_keras

from benchmarks.peers.examples import record_file, write_rows, write_vocabulary
from benchmarks.peers.rule import MAX_LENGTH, SPLITS, TOP_WORDS, mark


def run(path: str, output: str) -> None:
    """The whole job."""
    table = pq.read_table(path, columns=["text", "label", "split"])
    parts = {split: table.filter(pc.equal(table["split"], split)) for split in SPLITS}
    del table
    mark("read")
    tokenizer = tf_keras.preprocessing.text.Tokenizer(num_words=TOP_WORDS)
    tokenizer.fit_on_texts(parts["train"]["text"].to_pylist())
    mark("fit_on_texts")
    for split, part in parts.items():
        sequences = tokenizer.texts_to_sequences(part["text"].to_pylist())
        ids = tf_keras.preprocessing.sequence.pad_sequences(sequences, maxlen=MAX_LENGTH)
        with record_file(output, split) as writer:
            write_rows(writer, ids, part["label"].to_pylist())
    write_vocabulary(output, [word for word, number in tokenizer.word_index.items() if number < TOP_WORDS])
    mark("sequences and write")


if __name__ == "__main__":
    mark("imports")
    run(sys.argv[1], sys.argv[2])
