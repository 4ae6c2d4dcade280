"""Records -> trained model: examples a second."""
