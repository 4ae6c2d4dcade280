"""The built-in corpus: labelled reviews of invented things by invented people, of any size, from a seed.

Whether a review is positive depends on the order of its words as well as on the words: praise and blame share most of
their words. A bag of words reaches an accuracy of 0.73, a model that reads the order 0.92.

grammar.py    a notation for rules, and how many reviews are expanded at once
opinions.py, stories.py, subjects.py, words.py    the rules
reviews.py    what each review is like: label, subject, length; its text
spelling.py   fragments -> text: capital letters, "a" or "an", typos
corpus.py     any rows of the corpus, and a file of them
"""

from pipeline.sample_corpus.corpus import DEFAULT_ROWS, DEFAULT_SEED, sample_batch, write_sample

__all__ = ["DEFAULT_ROWS", "DEFAULT_SEED", "sample_batch", "write_sample"]
