"""The same job as others do it, each a program of its own, written as the documentation of its library shows.

`python -m benchmarks.peers.NAME INPUT.parquet OUTPUT_FOLDER`. In: the columns text, label (integer) and split (train,
eval or test). Out: {train,eval,test}*.tfrecord.gz below the folder, whose records are tf.train.Examples of ids, int64
[500], and label; and the vocabulary of 5,000 ids, a word a line, learnt from the train split alone. Words are Keras's:
lower case, its default filters, spaces between. What a peer does on its own terms beyond that (what becomes of an
unknown word, on which side is padded, how equal counts are ordered) its module says.
"""
