"""`describe`, `verify` and `compare`: questions to records folders."""
