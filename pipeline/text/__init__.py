"""The meaning of an id: text -> tokens -> ids; once as a TensorFlow graph, once by bytes and NumPy."""
