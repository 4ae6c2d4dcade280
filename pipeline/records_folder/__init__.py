"""A published records folder: its manifest, its vocabulary, and questions to them."""
