"""No TensorFlow, no Beam, no process."""
