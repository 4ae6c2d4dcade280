"""Accuracy: ours and others on texts of films that no training has seen, and what single settings change."""
