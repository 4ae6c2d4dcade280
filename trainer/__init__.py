"""A records folder in, a trained Keras Embedding-LSTM model and a SavedModel that takes raw text out."""
