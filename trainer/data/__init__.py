"""A records folder -> batches to train on."""
