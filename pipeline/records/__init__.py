"""Padded ids in, shuffled TFRecord shards out, and back; without Beam and TensorFlow.

ids, labels --encode--> records --framing--> frames --shuffle: pack_piece--> pieces, each of one sort range of a shard
pieces --shuffle: order_records--> the frames of a sort range in order; range after range --shards: write_shard--> file
file --shards: read_shard--> records --decode--> ids, labels --check--> what is wrong with the file
keys: what decides the split, the shard and the order of a row
"""
