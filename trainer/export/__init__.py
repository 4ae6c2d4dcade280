"""A trained model -> a SavedModel that takes raw text, checked before it is published."""
