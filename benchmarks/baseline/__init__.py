"""A bag of words to compare the model with."""
