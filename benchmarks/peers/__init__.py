"""The same job with other libraries, each a program of its own, written as the documentation of its library shows.

Call: `python -m benchmarks.peers.NAME INPUT.parquet OUTPUT_FOLDER`.

In: the columns text, label (integer) and split (train, eval or test).
Out: {train,eval,test}*.tfrecord.gz below the folder, with tf.train.Examples of ids, int64 [500], and label. A
vocabulary of 5,000 ids, one word a line, learnt from the train split alone.

Words are Keras's: lower case, its default filters, split at spaces. Three things differ by library: the id of unknown
words, the side of the padding, and the order of equal counts. The module of each peer says how.
"""
