"""The tests, a folder a tier; tests/README.md says which is which."""
