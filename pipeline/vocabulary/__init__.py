"""Tokens of the train split -> count tables -> vocabulary.tsv; imported vocabularies."""
