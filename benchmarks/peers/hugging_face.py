"""The job with Hugging Face's tokenizers: a WordLevel model trained from an iterator, encode_batch, TFRecordWriter.

The library is written in Rust and uses a thread for each core. Id 0 is padding, id 1 is shared by unknown words. Equal
counts are in alphabetical order.
"""

import sys

import pyarrow.compute as pc
import pyarrow.parquet as pq
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from benchmarks.peers.examples import record_file, write_rows, write_vocabulary
from benchmarks.peers.rule import BATCH_ROWS, FILTERED, MAX_LENGTH, SPLITS, TOP_WORDS, mark

_PADDING, _UNKNOWN = "[PAD]", "[UNK]"


def run(path: str, output: str) -> None:
    """The whole job."""
    table = pq.read_table(path, columns=["text", "label", "split"])
    parts = {split: table.filter(pc.equal(table["split"], split)) for split in SPLITS}
    del table
    mark("read")
    tokenizer = Tokenizer(models.WordLevel(unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(Regex(FILTERED), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
    trainer = trainers.WordLevelTrainer(vocab_size=TOP_WORDS, special_tokens=[_PADDING, _UNKNOWN], show_progress=False)
    batches = parts["train"]["text"].combine_chunks().to_pylist()
    tokenizer.train_from_iterator(
        (batches[first : first + BATCH_ROWS] for first in range(0, len(batches), BATCH_ROWS)), trainer
    )
    del batches
    tokenizer.enable_padding(direction="left", pad_id=0, pad_token=_PADDING, length=MAX_LENGTH)
    tokenizer.enable_truncation(MAX_LENGTH, direction="left")
    mark("train")
    for split, part in parts.items():
        with record_file(output, split) as writer:
            for batch in part.to_batches(max_chunksize=BATCH_ROWS):
                encodings = tokenizer.encode_batch(batch["text"].to_pylist(), add_special_tokens=False)
                write_rows(writer, (encoding.ids for encoding in encodings), batch["label"].to_pylist())
    words = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    write_vocabulary(output, [word for word, number in words if number > 1])
    mark("encode and write")


if __name__ == "__main__":
    mark("imports")
    run(sys.argv[1], sys.argv[2])
