"""The Embedding-LSTM classifier, and two faster ways to compute its LSTMs."""
