"""A trained model + transform graph -> a SavedModel that takes raw text, checked before it is published."""
