"""The meaning of an id: text -> tokens -> ids, by two routes: a TensorFlow graph, and bytes with NumPy."""
