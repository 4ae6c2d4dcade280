"""A records folder -> a trained Keras Embedding-LSTM model -> a SavedModel that takes raw text."""
