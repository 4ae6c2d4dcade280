"""A model + labelled rows -> scores and metrics."""
