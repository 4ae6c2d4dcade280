"""Programs that measure: how fast the pipeline is, and how much a trained model gains from the order of words."""
