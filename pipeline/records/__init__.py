"""Padded ids in, shuffled TFRecord shards out, and back; without Beam and TensorFlow.

ids, labels --encode--> records --framing--> frames --shuffle: pack_block--> blocks, each of one shard
blocks --shuffle: order_records--> one shard's frames in their final order --shards: write_shard--> file
file --shards: read_shard--> records --decode--> ids, labels --check--> what is wrong with the file
"""
