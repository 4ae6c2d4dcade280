"""A bag of words, to compare trained models with."""
