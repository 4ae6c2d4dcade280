"""Padded ids in, shuffled TFRecord shards out, and back; without Beam and TensorFlow.

ids, labels --encode--> records --framing--> frames --shuffle: pack_piece--> pieces, each of one sub-range of a shard
pieces --shuffle: order_records--> a sub-range's frames in their final order; one by one --shards: write_shard--> file
file --shards: read_shard--> records --decode--> ids, labels --check--> what is wrong with the file
"""
