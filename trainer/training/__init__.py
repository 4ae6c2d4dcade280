"""Batches + settings -> a trained model; a training can be resumed at any step."""
