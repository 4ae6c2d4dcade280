"""The built-in corpus: labelled reviews of things that do not exist, by people who do not either. Any size, seeded.

Whether a review is positive depends on the order of its words as well as on the words: much of what it says is said
with words that praise and blame have in common.
"""

from pipeline.sample_corpus.corpus import DEFAULT_ROWS, DEFAULT_SEED, sample_batch, write_sample

__all__ = ["DEFAULT_ROWS", "DEFAULT_SEED", "sample_batch", "write_sample"]
