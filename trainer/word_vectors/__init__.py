"""A file of word vectors + the words of a vocabulary -> a table with a row for each id; and such files, written.

source.py       a path -> its bytes, decompressed; the SHA-256 of what is stored
layout.py       the first bytes -> which format it is, and how long the vectors are
text_lines.py   text: a line a word
binary.py       word2vec's binary format
read.py         a path and words -> the vectors of those words that the file has
table.py        these vectors -> a table for all ids; words without a vector are drawn
coverage.py     what the file has of the vocabulary, by words and by tokens
write.py        words and vectors -> such a file
"""
