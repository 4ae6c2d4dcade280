"""Batches and settings -> a trained model, resumable at any step."""
