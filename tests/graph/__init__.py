"""TensorFlow, no Beam."""
