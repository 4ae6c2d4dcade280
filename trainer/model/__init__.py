"""The Embedding-LSTM classifier, and the fast routes of its LSTMs."""
