"""Batches of rows -> the numbers of a split, of its texts and of its duplicates."""
