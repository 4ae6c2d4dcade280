"""Scores of held-out rows -> metrics."""
